"""Lines in, a voice that speaks them out."""

import hashlib
import wave
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from animate_text import built_in_voice, espeak, speech_service, typefaces
from animate_text.alignment import LEAST, align, at_onsets
from animate_text.storyboard import SpokenLine
from animate_text.timeline import Word
from animate_text.wav import read_wav, resampled, seconds_of, write_wav
from animate_text.words import words_of
from core import engines
from settings import Settings

LOUDNESS = -18.0  # LUFS of the voice before it is mixed
QUIET = 0.02  # of the loudest sample: what is below, at either end of a line, is cut off
LISTENING_RATE = 16_000  # samples a second of what a speech model listens to
BREATH = 0.03  # seconds that are left at either end


@dataclass(frozen=True)
class VoiceRequest:
    """`lines` are spoken in order, each by itself; `language` is BCP 47; `speed` 1 is the voice's own pace."""

    lines: tuple[str, ...]
    language: str = "en-US"
    speed: float = 1.0


@dataclass(frozen=True)
class Speech:
    """One spoken line: `wav` is a whole WAV file, 16-bit mono. An empty line has no samples."""

    wav: bytes
    seconds: float


@dataclass(frozen=True)
class Voice:
    """A `Speech` for each line that was asked for; none at all where no voice is wanted."""

    lines: tuple[Speech, ...]


def _with(speak: Callable[..., bytes], name: str, key: Callable[[Settings], object]) -> Callable[..., Voice]:
    """The `run` of an engine that makes the WAV file of one line at a time. `key` tells its voices apart."""

    def run(request: VoiceRequest, settings: Settings, report: engines.Report) -> Voice:
        spoken = []
        for number, line in enumerate(request.lines):
            report(number, len(request.lines), "Speaking the lines")
            words = speakable(line)
            cached = _cached(settings, name, key(settings), request.language, request.speed, words)
            spoken.append(_remembered(cached, partial(speak, words, request, settings, report)))
        report(len(request.lines), len(request.lines), "The voice is done")
        return Voice(tuple(spoken))

    return run


def no_voice(_request: VoiceRequest, _settings: Settings, _report: engines.Report) -> Voice:
    return Voice(())


ENGINES = {
    "openai": engines.Engine(
        speech_service.missing,
        _with(speech_service.speak, "openai", lambda s: (s.voice_api_url, s.voice_model, s.voice_name)),
        speech_service.check,
    ),
    "hibari": engines.Engine(built_in_voice.missing, _with(built_in_voice.speak, "hibari", lambda _: ())),
    "espeak-ng": engines.Engine(espeak.missing, _with(espeak.speak, "espeak-ng", lambda _: ())),
    "none": engines.Engine(lambda _: None, no_voice),
}


def speakable(line: str) -> str:
    """A line without what no voice can say: emoji, signs of hashtags, line breaks."""
    return typefaces.clean(line).replace("#", "")


def _remembered(path: Path, make: Callable[[], bytes]) -> Speech:
    """What lies at `path`, else what `make` gives: levelled, trimmed, and kept there."""
    try:
        data = path.read_bytes()
        samples, rate = read_wav(data)
    except (OSError, EOFError, wave.Error):
        samples, rate = read_wav(make())
        samples = _levelled(_trimmed(samples, rate), rate)
        data = write_wav(samples, rate)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{id(data):x}.part")
        part.write_bytes(data)
        part.replace(path)
    return Speech(data, len(samples) / rate)


def _cached(settings: Settings, *key: object) -> Path:
    name = hashlib.sha256(repr(key).encode("utf-8", "replace")).hexdigest()
    return settings.data_dir / "drafts" / "voice" / f"{name}.wav"


def _trimmed(samples: np.ndarray, rate: int) -> np.ndarray:
    loud = np.flatnonzero(np.abs(samples) > QUIET * np.abs(samples).max(initial=0))
    if not loud.size:
        return samples[:0]
    breath = round(BREATH * rate)
    return samples[max(0, loud[0] - breath) : loud[-1] + breath]


def _levelled(samples: np.ndarray, rate: int) -> np.ndarray:
    """All lines equally loud (ITU-R BS.1770); what is too short to be measured goes by its root mean square."""
    import pyloudnorm

    if not samples.size:
        return samples
    if samples.size > 0.45 * rate:
        measured = pyloudnorm.Meter(rate).integrated_loudness(samples.astype(np.float64))
    else:
        measured = 20 * np.log10(float(np.sqrt(np.mean(samples**2))) + 1e-9)
    if not np.isfinite(measured):
        return samples
    gain = 10 ** ((LOUDNESS - measured) / 20)
    return samples * min(gain, 0.98 / float(np.abs(samples).max()))


def joined(lines: Sequence[tuple[float, bytes]], seconds: float) -> tuple[np.ndarray, int]:
    """One recording of `seconds` with each of `lines` (start in seconds, WAV file) in its place, and its rate."""
    read = [(start, *read_wav(data)) for start, data in lines]
    rate = max((rate for _, _, rate in read), default=24_000)
    track = np.zeros(round(seconds * rate), np.float32)
    for start, said, own in read:
        samples, at = resampled(said, own, rate), round(start * rate)
        part = samples[: max(0, len(track) - at)]
        track[at : at + len(part)] += part
    return track, rate


def one_recording(lines: Sequence[bytes], pause: float) -> tuple[bytes, tuple[float, ...]]:
    """All lines one after the other, `pause` seconds apart, as a WAV file of 16 kHz; and when each of them starts."""
    starts, at = [], pause
    for line in lines:
        starts.append(at)
        at += seconds_of(line) + pause
    track, rate = joined(list(zip(starts, lines, strict=True)), at)
    return write_wav(resampled(track, rate, LISTENING_RATE), LISTENING_RATE), tuple(starts)


def time_lines(
    lines: Sequence[str], speech: Sequence[bytes], starts: Sequence[float], heard: Sequence[Word]
) -> tuple[SpokenLine, ...]:
    """The words of each line with the times at which they are said, from the line's own start.

    `heard` are the words that a model heard in `one_recording`, and when. Of each line only those count that it heard
    while the line was spoken.
    """
    timed = []
    for line, wav, start in zip(lines, speech, starts, strict=True):
        seconds = seconds_of(wav)
        own = [
            Word(word.text, max(0.0, word.start - start), min(seconds, word.end - start))
            for word in heard
            if start - 0.25 < (word.start + word.end) / 2 < start + seconds + 0.25
        ]
        timed.append(SpokenLine(seconds, _words(line, wav, own, seconds) if seconds else ()))
    return tuple(timed)


def _words(line: str, wav: bytes, heard: Sequence[Word], seconds: float) -> tuple[Word, ...]:
    """The first word begins with the recording, which is trimmed; models often hear it late, with no length at all."""
    found = align(words_of(line), [word for word in heard if word.end - word.start >= LEAST], seconds)
    found = (*(replace(word, start=0.0) for word in found[:1]), *found[1:])
    return at_onsets(found, *read_wav(wav)) if heard else found


def speak(
    request: VoiceRequest, settings: Settings, report: engines.Report = engines.no_report
) -> engines.EngineResult:
    """Speak lines with the first of `settings.voice_engines` that works. The answer's value is a `Voice`.

    The same request gives the same samples; what was spoken before is kept under `DATA_DIR`. Raises
    engines.AllEnginesFailed where no engine worked.
    """
    return engines.run_with_fallback("voice", settings.voice_engines, ENGINES, request, settings, report)
