"""What the clips of a search share, and what sets each apart."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from core.tempo import CONFIDENT, Tempo
from trend_insights import colour, text
from trend_insights.traits import Key, Traits

FEW = 5  # clips below which nothing is typical
SURE_KEY = 0.3  # confidence from which on a key counts
SAME_TEMPO = 0.04  # of a tempo: how near another is the same
APART = 2.5  # times what counts as alike that sets a clip apart from the median of the others
MOST_APART = 2  # such sentences for a clip


@dataclass(frozen=True)
class Measure:
    """A number that clips are compared by.

    `label` begins a sentence, `unit` follows a value with `digits` after the point. Values are alike that differ by at
    most the share `relative` of their median, or by `absolute`.
    """

    label: str
    unit: str
    digits: int
    relative: float
    absolute: float
    of: Callable[[Traits], float | None]


def sure_bpm(traits: Traits) -> float | None:
    """The tempo of a clip whose beat is sure."""
    tempo = traits.sound.tempo
    return tempo.bpm if tempo and tempo.confidence >= CONFIDENT else None


MEASURES = {
    "seconds": Measure("length", " s", 1, 0.2, 1, lambda traits: traits.form.seconds),
    "words_per_minute": Measure("pace", " words a minute", 0, 0.15, 0, lambda traits: traits.pace.words_per_minute),
    "first_word_at": Measure("first word", " s in", 1, 0, 0.3, lambda traits: traits.pace.first_word_at),
    "longest_silence": Measure("longest silence", " s", 1, 0, 0.3, lambda traits: traits.pace.longest_silence),
    "cuts_per_minute": Measure("cuts", " a minute", 0, 0.2, 1, lambda traits: traits.cuts.per_minute),
    "shot_seconds": Measure("shots", " s (median)", 1, 0.2, 0.2, lambda traits: traits.cuts.median_shot),
    "first_cut_at": Measure("first cut", " s in", 1, 0.2, 0.3, lambda traits: traits.cuts.first_at),
    "motion": Measure("motion", " of the picture in 0.2 s", 2, 0.25, 0.05, lambda traits: traits.cuts.motion),
    "text_share": Measure("text on screen", " of the time", 2, 0, 0.15, lambda traits: traits.text.share),
    "text_first_at": Measure("first text", " s in", 1, 0, 0.4, lambda traits: traits.text.first_at),
    "text_words": Measure("words on screen at once", "", 0, 0, 1, lambda traits: traits.text.words),
    "bpm": Measure("tempo", " BPM", 0, SAME_TEMPO, 0, sure_bpm),
    "loudness_lufs": Measure("loudness", " LUFS", 1, 0, 2, lambda traits: traits.sound.loudness_lufs),
    "speech_share": Measure("speech", " of the time", 2, 0, 0.1, lambda traits: traits.sound.speech_share),
    "music_share": Measure("music", " of the time", 2, 0, 0.1, lambda traits: traits.sound.music_share),
    "brightness": Measure("brightness", "", 2, 0, 0.06, lambda traits: traits.colour.brightness),
    "contrast": Measure("contrast", "", 2, 0, 0.04, lambda traits: traits.colour.contrast),
    "warmth": Measure("warmth", "", 2, 0, 0.06, lambda traits: traits.colour.warmth),
}


@dataclass(frozen=True)
class Spread:
    """`values` are the clips' in their order, None where it is not known; the rest is of the `n` that are known."""

    label: str
    unit: str
    digits: int
    values: tuple[float | None, ...]
    median: float | None
    low: float | None
    high: float | None
    n: int
    alike: bool


@dataclass(frozen=True)
class CommonTempo:
    """A tempo that `clips` of the `of` clips with a beat have; `key` is that of the surest of them."""

    bpm: float
    clips: int
    of: int
    key: str | None


@dataclass(frozen=True)
class Shared:
    """`said` are sentences on what is alike, `apart` a tuple of sentences for each clip on what is not.

    `palette` are the colours of all clips, those that they have most of first; `text_places` is how often text covers
    each field of the frame, in the mean of the clips that have any, empty where none has.
    """

    n: int
    spreads: dict[str, Spread]
    tempo: CommonTempo | None
    palette: tuple[str, ...]
    text_places: tuple[tuple[float, ...], ...]
    said: tuple[str, ...]
    apart: tuple[tuple[str, ...], ...]


def compare(traits: Sequence[Traits]) -> Shared:
    """Say what clips share. Nothing is said to be typical of fewer than FEW clips, and nothing promises a reach."""
    spreads = {name: _spread(measure, [measure.of(one) for one in traits]) for name, measure in MEASURES.items()}
    tempo = common_tempo(traits)
    return Shared(
        n=len(traits),
        spreads=spreads,
        tempo=tempo,
        palette=colour.common([one.colour for one in traits]),
        text_places=text.common([one.text.places for one in traits]),
        said=_said(spreads, tempo, len(traits)),
        apart=tuple(_apart(spreads, number) for number in range(len(traits))),
    )


def common_tempo(traits: Sequence[Traits]) -> CommonTempo | None:
    """The tempo that most clips with a sure beat have; None where none has one, or no two of several agree."""
    sure = [(one.sound, bpm) for one in traits if (bpm := sure_bpm(one))]
    groups = [[other for other in sure if abs(other[1] / bpm - 1) <= SAME_TEMPO] for _, bpm in sure]
    best = max(groups, key=lambda group: (len(group), sum(_surety(sound.tempo) for sound, _ in group)), default=[])
    if not best or (len(sure) > 1 and len(best) * 2 <= len(sure)):
        return None
    keys = [sound.key for sound, _ in best if sound.key and sound.key.confidence >= SURE_KEY]
    key = max(keys, key=_surety, default=None)
    tempo = round(median(bpm for _, bpm in best), 1)
    return CommonTempo(tempo, len(best), len(traits), key.name if key else None)


def _surety(found: Tempo | Key | None) -> float:
    return found.confidence if found else 0.0


def _spread(measure, values):
    known = [value for value in values if value is not None]
    if not known:
        return Spread(measure.label, measure.unit, measure.digits, tuple(values), None, None, None, 0, False)
    middle, low, high = median(known), min(known), max(known)
    alike = len(known) > 1 and high - low <= 2 * _tolerance(measure, middle)
    middle, low, high = (round(value, max(2, measure.digits)) for value in (middle, low, high))
    return Spread(measure.label, measure.unit, measure.digits, tuple(values), middle, low, high, len(known), alike)


def _tolerance(measure, middle):
    return max(measure.relative * abs(middle), measure.absolute)


def _said(spreads, tempo, count):
    """Sentences on what is alike, in the words that so few or many clips allow."""
    where = "Typical of these clips" if count >= FEW else "In these clips"
    found = []
    for name, spread in spreads.items():
        if not spread.alike or name == "bpm":
            continue
        of = "" if spread.n == count else f" in {spread.n} of {count}"
        between = f" ({number(spread, spread.low)} to {number(spread, spread.high)})"
        exact = "" if number(spread, spread.low) == number(spread, spread.high) else between
        found.append(f"{where}: {spread.label} {number(spread, spread.median)}{spread.unit}{exact}{of}.")
    if tempo and tempo.clips > 1:
        found.append(f"{where}: {tempo.bpm:.0f} BPM in {tempo.clips} of {tempo.of}.")
    return tuple(found)


def number(spread: Spread, value: float | None) -> str:
    """A value as the sentences write it; a dash where it is not known."""
    return "–" if value is None else f"{value:.{spread.digits}f}"


def _apart(spreads, index):
    """What sets a clip apart: sentences on the measures in which it is farthest from the median of the others."""
    found = []
    for name, spread in spreads.items():
        own = spread.values[index]
        others = [value for place, value in enumerate(spread.values) if place != index and value is not None]
        if own is None or len(others) < 2:
            continue
        middle = median(others)
        distance = abs(own - middle) / max(_tolerance(MEASURES[name], middle), 1e-9)
        if distance > APART:
            text = f"{spread.label} {number(spread, own)}{spread.unit}; the others {number(spread, middle)}"
            found.append((distance, text[0].upper() + text[1:] + "."))
    return tuple(text for _, text in sorted(found, reverse=True)[:MOST_APART])


def as_clip(title: str, traits: Traits) -> dict[str, Any]:
    """The traits of a clip as the interface gives them: plain JSON values, without levels where names are clear."""
    form, pace, cuts, text, sound = traits.form, traits.pace, traits.cuts, traits.text, traits.sound
    return {
        "title": title,
        **asdict(form),
        **asdict(pace),
        "cuts": list(cuts.times),
        "cuts_per_minute": cuts.per_minute,
        "shots": list(cuts.shots),
        "shot_seconds": cuts.median_shot,
        "first_cut_at": cuts.first_at,
        "motion": cuts.motion,
        "camera_motion": cuts.camera_motion,
        "hook": asdict(traits.hook),
        "text_share": text.share,
        "text_first_at": text.first_at,
        "text_words": text.words,
        "text_size": text.size,
        "text_places": [list(row) for row in text.places],
        "text_spans": [asdict(span) for span in text.spans],
        **asdict(sound),
        **asdict(traits.colour),
        "confidence": {
            name: getattr(traits, name).confidence
            for name in ("form", "pace", "cuts", "hook", "text", "sound", "colour")
        },
    }
