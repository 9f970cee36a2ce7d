"""What a description says outright: a tempo, a key, instruments. Everything else is left to the nearest style."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from core.tables import Row, read_table
from music_gen.styles import Program

MIN_TEMPO, MAX_TEMPO = 40, 220  # beats a minute

TEMPO = re.compile(
    r"(?<![\d.])(?P<before>\d{2,3})(?:\.\d+)?(?:\s*(?:-|–|to)\s*(?P<upper>\d{2,3}))?\s*(?:bpm\b|beats (?:per|a) minute)"
    r"|\b(?:bpm|tempo)(?:\s+of)?\s*[:=]?\s*(?P<after>\d{2,3})\b",
    re.IGNORECASE,
)
MODE_NAMES = {
    "major": "major", "maj": "major", "minor": "minor", "min": "minor", "dorian": "dorian", "phrygian": "phrygian",
    "lydian": "lydian", "mixolydian": "mixolydian", "harmonic minor": "harmonic minor",
}  # fmt: skip
MODES = "harmonic minor|major|minor|maj|min|dorian|phrygian|lydian|mixolydian"
SIGN = r"(?P<sign>\s?(?:#|♯|♭|b(?![a-ln-z]))|[\s-]?(?:sharp|flat))?"
# Capital letters only, and "A" only where keys are spoken of, since "a minor change" and "A major trend" are no keys.
LETTER = r"(?P<letter>[B-G]|(?:(?<=[Ii]n )|(?<=of )|(?<=[:,(])|(?<=[:,(] ))A|A(?=\s?[#♯b♭-]))"
KEY = re.compile(rf"(?<![A-Za-z]){LETTER}{SIGN}[\s-]+(?P<mode>(?i:{MODES}))\b")
SHORT_KEY = re.compile(
    rf"\b(?:[Kk]ey(?:\s+of|:|\s+is)?|[Ii]n(?=\s+[A-G](?:[#♯♭]|b\b|bm|m)))\s+(?P<letter>[A-G]){SIGN}(?P<mode>m(?:in|aj)?)?(?![A-Za-z])"
)
MODE_ONLY = re.compile(rf"\b(?P<mode>{MODES})\s+(?:key|scale|mode|tonality)\b", re.IGNORECASE)
NO_DRUMS = re.compile(
    r"\b(?:no|without(?:\s+any)?) (?:drums?|percussion|beat)\b|\bdrumless\b|\bbeatless\b", re.IGNORECASE
)

LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}

GUITAR = 27  # "guitar" alone: clean, where the style has no guitar of its own


class _Table(Row):
    """Names of instruments and their General MIDI programs, by the part that they take over."""

    chords: dict[str, Program]
    colour: dict[str, Program]
    lead: dict[str, Program]
    bass: dict[str, Program]


INSTRUMENTS = {
    name: (part, program)
    for part, programs in read_table(Path(__file__).with_name("instruments.toml"), _Table)
    for name, program in programs.items()
}
# Longest first, so that "electric piano" is not heard as "piano".
NAMED = re.compile(rf"\b(?:{'|'.join(sorted(INSTRUMENTS, key=len, reverse=True))})\b", re.IGNORECASE)


@dataclass(frozen=True)
class Hints:
    """What was said; None where nothing was.

    `tempo` is in beats a minute, `root` a pitch class (0 is C), `programs` are General MIDI programs by part.
    """

    tempo: float | None = None
    root: int | None = None
    mode: str | None = None
    programs: dict[str, int] = field(default_factory=dict)
    drums: bool = True


def parse(prompt: str) -> Hints:
    """Find a tempo ("120 BPM", "90-100 bpm"), a key ("in D minor", "key of F#m"), instruments and "no drums"."""
    root, mode = _key(prompt)
    return Hints(_tempo(prompt), root, mode, _programs(prompt), NO_DRUMS.search(prompt) is None)


def _tempo(prompt: str) -> float | None:
    found = TEMPO.search(prompt)
    if not found:
        return None
    tempo = float(found["before"] or found["after"])
    if found["upper"]:
        tempo = (tempo + float(found["upper"])) / 2
    return min(max(tempo, MIN_TEMPO), MAX_TEMPO)


def _key(prompt: str) -> tuple[int | None, str | None]:
    found = KEY.search(prompt) or SHORT_KEY.search(prompt)
    if not found:
        found = MODE_ONLY.search(prompt)
        return None, MODE_NAMES[found["mode"].lower()] if found else None
    sign = (found["sign"] or "").strip(" -")
    shift = {"": 0, "#": 1, "♯": 1, "sharp": 1}.get(sign, -1)
    mode = (found["mode"] or "major").lower()
    return (LETTERS[found["letter"]] + shift) % 12, MODE_NAMES.get(mode, "minor")


def _programs(prompt: str) -> dict[str, int]:
    programs: dict[str, int] = {}
    for found in NAMED.finditer(prompt):
        part, program = INSTRUMENTS[found[0].lower()]
        programs.setdefault(part, program)
    return programs
