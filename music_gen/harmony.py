"""Scales, chords and how one chord moves to the next."""

import itertools
from dataclasses import dataclass

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
}
MINOR_SCALES = ("minor", "dorian", "phrygian", "harmonic minor")
NOTE_NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


@dataclass(frozen=True)
class Key:
    """`root` is a pitch class (0 is C), `scale` a name in SCALES."""

    root: int
    scale: str

    @property
    def minor(self) -> bool:
        return self.scale in MINOR_SCALES

    @property
    def name(self) -> str:
        return f"{NOTE_NAMES[self.root]} {self.scale}"

    def classes(self, pentatonic: bool = False) -> tuple[int, ...]:
        """The pitch classes of the scale; of its five safest notes where `pentatonic` is set."""
        degrees = ((0, 2, 3, 4, 6) if self.minor else (0, 1, 2, 4, 5)) if pentatonic else range(7)
        return tuple((self.root + SCALES[self.scale][degree]) % 12 for degree in degrees)


@dataclass(frozen=True)
class Chord:
    """`classes` are pitch classes from the root up in thirds: root, third, fifth, and perhaps seventh and ninth."""

    classes: tuple[int, ...]


def build_chord(key: Key, name: str, size: int) -> Chord:
    """Stack `size` thirds of the scale on a degree: "1" to "7", with `M` for a third made major (a true dominant).

    A ninth that would lie a semitone over the root is left out: it would grate.
    """
    degree, scale = int(name[0]) - 1, SCALES[key.scale]
    steps = [scale[(degree + third) % 7] + 12 * ((degree + third) // 7) for third in range(0, 2 * size, 2)]
    if name.endswith("M"):
        steps[1] = steps[0] + 4
    if size == 5 and steps[4] - steps[0] == 13:
        steps.pop()
    return Chord(tuple((key.root + step) % 12 for step in steps))


def voice(chord: Chord, previous: tuple[int, ...], low: int, high: int) -> tuple[int, ...]:
    """Lay the chord out between two pitches, in close position, so that its voices move as little as may be.

    A chord of five leaves its root to the bass. Where there is no previous chord it lies around the middle.
    """
    classes = chord.classes[1:] if len(chord.classes) == 5 else chord.classes
    middle = (low + high) / 2
    best: tuple[float, tuple[int, ...]] | None = None
    for start, bottom in itertools.product(range(len(classes)), range(low, low + 12)):
        if bottom % 12 != classes[start]:
            continue
        pitches = _stack(classes[start:] + classes[:start], bottom)
        while pitches[-1] <= max(high, low + 16):
            cost = (_movement(previous, pitches) + abs(sum(pitches) / len(pitches) - middle) * 0.4, pitches)
            best = min(best or cost, cost)
            pitches = tuple(pitch + 12 for pitch in pitches)
    if best is None:
        raise ValueError(f"{low} to {high} is too narrow for a chord")
    return best[1]


def _stack(classes, bottom):
    pitches = [bottom]
    for pitch_class in classes[1:]:
        pitches.append(pitches[-1] + 1 + (pitch_class - pitches[-1] - 1) % 12)
    return tuple(sorted(pitches))


def _movement(previous, pitches):
    return sum(min(abs(pitch - other) for other in previous) for pitch in pitches) if previous else 0


def near(pitch: float, classes: tuple[int, ...], low: int, high: int) -> int:
    """The pitch of one of the `classes` nearest to `pitch` between `low` and `high` (at least an octave apart)."""
    return min((other for other in range(low, high + 1) if other % 12 in classes), key=lambda other: abs(other - pitch))
