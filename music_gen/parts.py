"""What each player plays: drums, bass, chords and melody over the bars of a piece, in sixteenths."""

from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from music_gen.harmony import Chord, Key, near, voice
from music_gen.styles import DRUM_KEYS, HOLD, Part, Style

ACCENTS = {"X": 114, "x": 94, "o": 66, "g": 40, "r": 84, "t": 80}
STROKES = {"r": 2, "t": 3}
BACKBONE = ("kick", "snare", "clap", "taiko")
TOP = ("hat", "shaker", "ride", "rim", "tambourine", "pedal", "conga_high", "conga_low", "triangle", "tom_low")

KEPT_IN_FILLS = ("kick", "shaker", "ride")
# What replaces the end of a bar, eight sixteenths or four.
FILLS = {
    "none": {},
    "roll": {"snare": "o.xo xxXX"},
    "snares": {"snare": "x..x ..xx", "clap": ".... X.X."},
    "toms": {"tom_high": "xx.. ....", "tom_mid": "..xx x...", "tom_low": ".... .xXX"},
    "ghosts": {"snare": ".g.o gxgX"},
    "hats": {"hat": "xxrr tttt", "snare": ".... ..xX"},
    "congas": {"conga_high": "x.xx ..x.", "conga_low": ".x.. xx.X"},
    "stomps": {"kick": "x.x. X.X.", "clap": ".x.x .X.X"},
    "stop": {"kick": "X..."},
}
LOUDNESS = {"intro": 0.88, "verse": 0.94, "break": 0.84, "chorus": 1.04}
CHORUS_RISE = 4  # semitones by which the melody's middle is higher there


class Note(NamedTuple):
    """`start` and `length` in sixteenths from the start of the piece, `pitch` and `velocity` as in MIDI."""

    start: float
    length: float
    pitch: int
    velocity: float


@dataclass(frozen=True)
class Bar:
    """`start` and `steps` in sixteenths, `phrase` the bar's place in its phrase of four, `last` ends its section."""

    start: int
    steps: int
    section: str
    chord: Chord
    following: Chord
    phrase: int
    first: bool
    last: bool


def steps_of(pattern: str, steps: int) -> str:
    """A pattern without its blanks, repeated or cut to so many sixteenths."""
    plain = pattern.replace(" ", "")
    return (plain * (steps // len(plain) + 1))[:steps]


def runs(pattern: str, steps: int) -> list[tuple[int, int, str]]:
    """The strokes of a pattern: where each begins, how long it is held, and its sign."""
    row = steps_of(pattern, steps)
    found: list[tuple[int, int, str]] = []
    for step, sign in enumerate(row):
        if sign == "-" and found:
            found[-1] = (found[-1][0], step - found[-1][0] + 1, found[-1][2])
        elif sign not in "-.":
            found.append((step, 1, sign))
    return found


def write_drums(bars: list[Bar], style: Style, groove: dict[str, str], rng: Random) -> list[Note]:
    """Drums: the groove thinned or lifted by section, a fill into the next one, small changes from bar to bar."""
    notes = []
    opening = rng.choice((TOP, (*TOP, "kick", "taiko")))
    for bar in bars:
        rows = _bar_rows(bar, style, groove, opening, rng)
        if bar.last or (bar.phrase == 3 and rng.random() < 0.35):
            _fill(rows, bar, rng.choice(style.fills))
        for name, row in rows.items():
            notes += _drum_notes(bar, DRUM_KEYS[name], row, LOUDNESS[bar.section])
        if bar.first and bar.section == "chorus" and style.crash:
            notes.append(Note(bar.start, 4, DRUM_KEYS["crash"], 92))
    return notes


def _bar_rows(bar, style, groove, opening, rng):
    rows = dict(groove)
    if bar.section == "chorus":
        rows |= {name: row for name, row in style.lift.items() if name not in rows or name in BACKBONE}
    elif bar.section == "intro":
        rows = {name: row for name, row in rows.items() if name in opening} or rows
    elif bar.section == "break":
        rows = {name: row for name, row in rows.items() if name not in ("snare", "clap", "open")}
    rows = {name: list(steps_of(row, bar.steps)) for name, row in rows.items()}
    for name, row in rows.items():
        for step in range(1, bar.steps):
            chance = rng.random()
            if name in TOP and row[step] == "." and row[step - 1] != "." and chance < 0.05:
                row[step] = "g"
            elif name in TOP and row[step] in "og" and chance < 0.06:
                row[step] = "."
            elif name == "kick" and bar.phrase % 2 and row[step] == "." and step % 4 == 3 and chance < 0.08:
                row[step] = "o"
    return rows


def _fill(rows, bar, name):
    for voice_name, pattern in FILLS[name].items():
        row = list(pattern.replace(" ", ""))[-bar.steps :]
        begin = bar.steps - len(row)
        rows.setdefault(voice_name, ["."] * bar.steps)
        for other in rows:
            if other == voice_name or (other not in FILLS[name] and other not in KEPT_IN_FILLS):
                rows[other][begin:] = row if other == voice_name else ["."] * len(row)


def _drum_notes(bar, pitch, row, loudness):
    notes = []
    for step, sign in enumerate(row):
        if sign == ".":
            continue
        strokes = STROKES.get(sign, 1)
        # A bar breathes: its beats are a little stronger than what lies between.
        velocity = ACCENTS[sign] * loudness * (1.0 if step % 4 == 0 else 0.94)
        for stroke in range(strokes):
            weight = 1 - 0.12 * stroke
            notes.append(Note(bar.start + step + stroke / strokes, 0.9 / strokes, pitch, velocity * weight))
    return notes


def write_bass(bars: list[Bar], style: Style, key: Key, groove: dict[str, str], rng: Random) -> list[Note]:
    """Bass: of the patterns that meet the kick drum most often one, and another of the style's in the chorus."""
    kick = groove.get("kick", groove.get("taiko", "."))
    line, other = _locked(style.bass.patterns, kick, rng)
    notes: list[Note] = []
    previous = style.bass.low + 5.0
    quiet = rng.random() < 0.5 and len(bars) > 4
    for bar in bars:
        if bar.section == "intro" and quiet:
            continue
        pattern = {"chorus": other, "break": "R--- ---- ---- ----"}.get(bar.section, line)
        root = near(previous, bar.chord.classes[:1], style.bass.low, style.bass.low + 12)
        previous = (root + style.bass.low + 5) / 2
        for step, length, sign in runs(pattern, bar.steps):
            pitch = _bass_pitch(sign, root, bar, style, key, rng)
            velocity = (100 if step % 4 == 0 else 90) * LOUDNESS[bar.section]
            notes.append(Note(bar.start + step, length * 0.94, pitch, velocity))
    return notes


def _locked(patterns, kick, rng):
    kicks = {step for step, sign in enumerate(steps_of(kick, 16)) if sign != "."}
    shuffled = rng.sample(patterns, len(patterns))
    together = sorted(shuffled, key=lambda row: -len(kicks & {step for step, *_ in runs(row, 16)}))
    line = rng.choice(together[:2])
    return line, rng.choice([row for row in patterns if row != line] or [line])


def _bass_pitch(sign, root, bar, style, key, rng):
    if sign == "A":
        goal = near(root, bar.following.classes[:1], style.bass.low, style.bass.high)
        if style.chromatic_bass:
            return goal + rng.choice((-1, 1))
        return near(goal + rng.choice((-2, 2)), key.classes(), style.bass.low, style.bass.high)
    if sign in "R8":
        return root + (12 if sign == "8" else 0)
    classes = bar.chord.classes
    place = {"3": 1, "5": 2, "7": 3}[sign]
    wanted = classes[place] if place < len(classes) else classes[0]
    above = root + (wanted - root) % 12
    return above if above <= style.bass.high else above - 12


def write_chords(bars: list[Bar], part: Part, rng: Random, sections: tuple[str, ...], sparse: bool) -> list[Note]:
    """Chords led from voicing to voicing in a part's manner, in the named sections; held in breaks where `sparse`."""
    verse = rng.choice(part.patterns)
    chorus = rng.choice([row for row in part.patterns if row != verse] or [verse])
    order = rng.choice(((0, 1, 2, 3), (0, 2, 1, 3), (3, 2, 1, 0), (0, 1, 2, 3, 2, 1), (0, 2, 3, 1)))
    notes: list[Note] = []
    previous: tuple[int, ...] = ()
    strike = 0
    for bar in bars:
        previous = voice(bar.chord, previous, part.low, part.high)
        if bar.section not in sections:
            continue
        held = sparse and bar.section in ("intro", "break") and part.manner in ("block", "strum")
        pattern = HOLD if held else chorus if bar.section == "chorus" else verse
        for step, length, _ in runs(pattern, bar.steps):
            velocity = (92 if step % 4 == 0 else 82) * LOUDNESS[bar.section]
            pitches = _laid_out(bar.chord, previous, part, order, strike)
            spread = 0.14 if part.manner == "strum" else 0.0
            for place, pitch in enumerate(pitches):
                notes.append(Note(bar.start + step + spread * place, length * 0.95 - spread * place, pitch, velocity))
            strike += 1
    return notes


def _laid_out(chord, voicing, part, order, strike):
    if part.manner == "arpeggio":
        ladder = (*voicing, voicing[0] + 12)
        return (ladder[order[strike % len(order)] % len(ladder)],)
    if part.manner == "power":
        root = near(part.low + 6, chord.classes[:1], part.low, part.low + 12)
        return (root, root + 7, root + 12)
    return voicing


def write_melody(bars: list[Bar], style: Style, key: Key, energy: float, rng: Random) -> list[Note]:
    """A melody of motifs: stated, repeated on the next chord, varied, and closed on a long chord tone each four bars.

    Strong beats fall on chord tones, the rest on the scale; the chorus has a motif of its own that lies higher.
    """
    density = sorted(style.cells, key=lambda cell: len(runs(cell, 16)))
    cells = density[1:] if energy > 0.3 else density[:-1] if energy < -0.3 else density
    motifs = {"verse": [_motif(cells, rng) for _ in range(2)], "chorus": [_motif(cells, rng) for _ in range(2)]}
    plan = rng.choice(("AaAb", "ABaB", "AAab", "AaBb", "ABAb"))
    middle = (style.lead.low + style.lead.high) / 2 - 3 + rng.choice((-2, 0, 2))
    notes: list[Note] = []
    for bar in bars:
        if bar.section == "intro" and not bar.last:
            continue
        letter = plan[bar.phrase]
        motif = motifs["chorus" if bar.section == "chorus" else "verse"]["AB".index(letter.upper())]
        if letter.islower():
            motif = _varied(motif, rng)
        if bar.section in ("intro", "break"):
            motif = motif[: 1 + len(motif) // 2]
        if bar.phrase == 3 or bar.last:
            motif = _closed(motif)
        centre = middle + (CHORUS_RISE if bar.section == "chorus" else 0)
        notes += _realised(motif, bar, style, key, centre, notes[-1].pitch if notes else centre)
    return notes


def _motif(cells, rng):
    """Strokes (step, length, offset): the rhythm of a cell, and a line that mostly goes by step and turns back."""
    offset, direction, motif = rng.choice((0, 0, 2, 4)), rng.choice((-1, 1)), []
    for step, length, _ in runs(rng.choice(cells), 16):
        motif.append((step, length, offset))
        if abs(offset) > 3 or rng.random() < 0.3:
            direction = -1 if offset > 0 else 1 if offset < 0 else -direction
        offset += direction * rng.choice((0, 1, 1, 1, 2, 3))
    return motif


def _varied(motif, rng):
    """The same idea once more: its end turned round, a note left out, or its second half a step higher or lower."""
    kind = rng.choice(("turn", "omit", "shift"))
    half = len(motif) // 2
    if kind == "omit" and len(motif) > 3:
        gone = rng.randrange(1, len(motif) - 1)
        return motif[:gone] + motif[gone + 1 :]
    if kind == "turn":
        offsets = [offset for *_, offset in motif[half:]][::-1]
        return motif[:half] + [
            (step, length, new) for (step, length, _), new in zip(motif[half:], offsets, strict=True)
        ]
    shift = rng.choice((-2, -1, 1, 2))
    return motif[:half] + [(step, length, offset + shift) for step, length, offset in motif[half:]]


def _closed(motif):
    """End on a long note on the third beat or before, near where the motif began."""
    kept = [stroke for stroke in motif if stroke[0] < 8]
    start = next((step for step, *_ in motif if step >= 8), 8)
    return [*kept, (min(start, 10), 16 - min(start, 10), 0)]


def _realised(motif, bar, style, key, centre, previous):
    """Turn offsets into pitches over the bar's chord: chord tones where they weigh, scale tones between them."""
    low, high = style.lead.low, style.lead.high
    scale = _free_of_clashes(key.classes(style.pentatonic), key, bar.chord)
    tones = tuple(tone for tone in bar.chord.classes[:3] if tone in key.classes())
    anchor = near(centre * 0.6 + previous * 0.4, tones, low, high)
    notes = []
    motif = [stroke for stroke in motif if stroke[0] < bar.steps]
    for step, length, offset in motif:
        goal = anchor + offset * 12 / len(scale)
        weighs = step % 8 == 0 or length >= 4 or (step, length, offset) == motif[-1]
        pitch = near(goal, tones if weighs else scale, low, high)
        if abs(pitch - previous) > 9:
            pitch = near(previous + (5 if pitch > previous else -5), tones if weighs else scale, low, high)
        velocity = (104 if step % 4 == 0 else 94) * LOUDNESS[bar.section]
        notes.append(Note(bar.start + step, min(length, bar.steps - step) * 0.92, pitch, velocity))
        previous = pitch
    return notes


def _free_of_clashes(scale, key, chord):
    """Leave out what lies a semitone from a tone that the chord borrows from outside the scale."""
    borrowed = [tone for tone in chord.classes if tone not in key.classes()]
    return tuple(tone for tone in scale if all((tone - other) % 12 not in (1, 11) for other in borrowed))
