"""When each word is said in a recording whose words are known to be clear: a voice without noise."""

from dataclasses import dataclass
from pathlib import Path

from core.engines import EngineError
from settings import Settings
from tiktok_to_text import speech


@dataclass(frozen=True)
class HeardWord:
    """A word as the model spelt it, from `start` to `end` in seconds."""

    text: str
    start: float
    end: float


def word_times(wav: Path, language: str, settings: Settings) -> tuple[HeardWord, ...]:
    """What Whisper hears in `wav` (16-bit mono, 16 kHz), word by word, in `language` (BCP 47).

    The times come from the attention of the decoder, by dynamic time warping. Empty where the model is not set up,
    does not know the language, or hears nothing. Raises EngineError where it cannot be loaded.
    """
    if speech.whisper_missing(settings):
        return ()
    model = speech.load(settings)
    spoken = language.split("-")[0].lower()
    if spoken not in model.supported_languages:
        return ()
    try:
        segments, _ = model.transcribe(
            speech._samples(wav),
            language=spoken,
            beam_size=1,
            temperature=0.0,
            condition_on_previous_text=False,
            word_timestamps=True,
        )
        return tuple(HeardWord(w.word.strip(), w.start, w.end) for segment in segments for w in segment.words or ())
    except (RuntimeError, ValueError) as error:
        raise EngineError(
            "The speech model could not time the words of the voice; captions keep even times."
        ) from error
