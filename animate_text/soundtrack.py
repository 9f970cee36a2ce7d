"""The sound of a draft: music that ducks under the voice, ends with the picture, and is as loud as platforms play."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path

from core import encoding
from core.encoding import EncodingFailed

RATE = 48_000  # samples a second
TRUE_PEAK = -1.0  # dBTP that is not reached
HEADROOM = 1.6  # dB under it that coding to AAC may take
RANGE = 11  # LU: what loudnorm is told, and only matters where it cannot be linear
UNDER = 8.0  # dB that the music is softer than a voice, before it ducks
FADE = 1.2  # seconds in which the music ends
DUCK = "threshold=0.02:ratio=5:attack=15:release=350:makeup=1"
CLEAR = "highpass=f=70,acompressor=threshold=0.12:ratio=2.5:attack=8:release=120"  # what a voice gets to stay clear


def mix(
    folder: Path,
    voice: Path | None,
    music: Path | None,
    seconds: float,
    music_db: float,
    loudness: float,
    check: Callable[[object], None] = lambda _: None,
) -> str:
    """Mix the sound of a draft into `folder`/mix.wav; return the filter that brings it to `loudness` (LUFS).

    Two passes of loudnorm (EBU R128): one measures here, the other is the filter. Between them peaks are limited, so
    that the second is a plain change of level. Without voice and music there is silence, and nothing to bring up. What
    `check` raises, some times a second, ends it.
    """
    raw, made = folder / "raw.wav", folder / "mix.wav"
    heard = _measure(_inputs(voice, music), _graph(voice is not None, music is not None, seconds, music_db), raw, check)
    gain = loudness - heard["input_i"] if heard else 0.0
    peak = 10 ** ((TRUE_PEAK - HEADROOM) / 20)
    limit = f"[0:a]volume={gain:.2f}dB,aresample=192000,alimiter=limit={peak:.4f}:attack=3:release=60:level=0"
    found = _measure(["-i", str(raw)], f"{limit},aresample={RATE}", made, check)
    if not (heard and found):
        return "anull"
    return (
        f"loudnorm=I={loudness}:TP={TRUE_PEAK - 0.3}:LRA={RANGE}:linear=true:measured_I={found['input_i']}"
        f":measured_TP={found['input_tp']}:measured_LRA={found['input_lra']}:measured_thresh={found['input_thresh']}"
        f":offset={found['target_offset']},aresample={RATE}"
    )


def _inputs(voice: Path | None, music: Path | None) -> list[str]:
    given = ["-i", str(voice)] if voice else []
    return given + (["-stream_loop", "-1", "-i", str(music)] if music else [])


def _graph(has_voice: bool, has_music: bool, seconds: float, music_db: float) -> str:
    alike = f"aresample={RATE},aformat=sample_fmts=flt:channel_layouts=stereo"
    length = f"apad,atrim=end={seconds:.4f}"
    if not (has_voice or has_music):
        return f"anullsrc=r={RATE}:cl=stereo,atrim=end={seconds:.4f}"
    if not has_music:
        return f"[0:a]{alike},{CLEAR},{length}"
    number = int(has_voice)
    level = music_db - (UNDER if has_voice else 0)
    ending = f"afade=t=out:st={max(0.0, seconds - FADE):.3f}:d={FADE}"
    music = f"[{number}:a]{alike},atrim=end={seconds:.4f},volume={level:.2f}dB"
    if not has_voice:
        return f"{music},{ending},{length}"
    return (
        f"[0:a]{alike},{CLEAR},{length},asplit[voice][key];{music},{length}[music];"
        f"[music][key]sidechaincompress={DUCK}[ducked];"
        f"[voice][ducked]amix=inputs=2:normalize=0:duration=first,{ending},{length}"
    )


def _measure(inputs: list[str], graph: str, wav: Path, check: Callable[[object], None]) -> dict[str, float] | None:
    """Write what `graph` gives to `wav`; return what loudnorm measures in it, None where it is silent."""
    both = f"{graph},asplit[kept][heard];[heard]loudnorm=print_format=json[none]"
    kept = ["-map", "[kept]", "-c:a", "pcm_s24le", "-ar", str(RATE), str(wav)]
    said = encoding.encode([*inputs, "-filter_complex", both, *kept, "-map", "[none]", "-f", "null", "-"], check)
    found = re.search(r"\{[^{}]*\"input_i\"[^{}]*\}", said)
    if not found:
        raise EncodingFailed(said)
    values = {name: float(value) for name, value in json.loads(found[0]).items() if name != "normalization_type"}
    return values if math.isfinite(values["input_i"]) and values["input_i"] > -69 else None
