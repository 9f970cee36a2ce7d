"""The built-in composer: a description becomes a score, and the score a loop of sound."""

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random

from core.engines import Engine, Report
from core.text import replace_surrogates
from music_gen import mastering, rendering
from music_gen.harmony import NOTE_NAMES, Key, build_chord
from music_gen.parts import Bar, Note, write_bass, write_chords, write_drums, write_melody
from music_gen.prompt_parsing import GUITAR, MAX_TEMPO, MIN_TEMPO, parse
from music_gen.styles import Part, Style, choose_style
from music_gen.track import MusicRequest, Track
from settings import Settings

MAX_PROMPT = 2000  # characters of a description that are looked at
BEATS = 4  # in a bar
TEMPO_ERROR = 0.01  # of a tempo that is to be kept
RESOLUTION = 960  # MIDI ticks a beat, fine enough for humanised timing

# What follows the introduction, by how many groups of four bars there are.
BODIES = {
    1: (("chorus",),),
    2: (("verse", "chorus"),),
    3: (("verse", "chorus", "chorus"), ("verse", "break", "chorus"), ("verse", "verse", "chorus")),
    4: (("verse", "chorus", "break", "chorus"), ("verse", "verse", "break", "chorus")),
    5: (("verse", "verse", "chorus", "break", "chorus"), ("verse", "chorus", "verse", "break", "chorus")),
}


@dataclass(frozen=True)
class Piece:
    """A composed piece. `score` is a pretty_midi.PrettyMIDI that lasts exactly the asked seconds."""

    style: Style
    key: Key
    tempo: float
    bars: tuple[Bar, ...]
    score: object


def run(request: MusicRequest, _settings: Settings, report: Report) -> Track:
    """Compose, render and master a piece. Same request, same bytes."""
    report(0, 3, "Composing the music")
    piece = compose(request.prompt, request.seconds, request.seed, request.tempo, request.key)
    report(1, 3, f"Playing the music: {piece.style.name}, {piece.tempo:.0f} BPM, {piece.key.name}")
    sound = rendering.render_loop(piece.score, request.seconds)
    report(2, 3, "Mastering the music")
    wav = mastering.write_wav(mastering.master(sound, loop=True))
    midi = rendering.write_midi(piece.score)
    report(3, 3, "The music is done")
    return Track(wav, midi, request.tempo and piece.tempo)


ENGINE = Engine(missing=lambda _settings: None, run=run)


def compose(prompt: str, seconds: int, seed: int, tempo: float | None = None, key: str | None = None) -> Piece:
    """Write the score for a description: style and mood by meaning, tempo, key and instruments as it names them.

    A `tempo` that is given is kept to within TEMPO_ERROR, even where the piece then ends within a beat; a `key` as
    "F# minor" goes before what the description says. Raises ValueError for one that there is not.
    """
    prompt = replace_surrogates(prompt[:MAX_PROMPT])
    style, brightness, energy = choose_style(prompt)
    asked = parse(prompt)
    if key:
        root, _, mode = key.partition(" ")
        asked = replace(asked, root=NOTE_NAMES.index(root), mode=mode)

    def rng(what):  # each player has a generator of their own, so that one more draw here changes nothing there
        return Random(f"{seed}|{prompt}|{what}")  # noqa: S311

    beats = _fit_beats(seconds, style, asked.tempo, energy, rng("tempo"))
    beat = seconds / beats
    if tempo:
        beats, beat = _exact_beats(seconds, min(max(tempo, MIN_TEMPO), MAX_TEMPO))
    home, progressions = _choose_key(style, brightness, asked, rng("key"))
    bars = _lay_out_bars(beats, style, home, progressions, rng("form"))
    groove = rng("groove").choice(style.grooves)
    played = [
        (
            "Chords",
            style.chords,
            write_chords(bars, style.chords, rng("chords"), ("intro", "verse", "chorus", "break"), True),
        ),
        ("Bass", style.bass, write_bass(bars, style, home, groove, rng("bass"))),
        ("Melody", style.lead, write_melody(bars, style, home, energy, rng("melody"))),
        (
            "Colour",
            style.colour,
            write_chords(bars, style.colour, rng("colour"), _colour_sections(style, bars), False),
        ),
    ]
    if asked.drums:
        played.append(
            (
                "Drums",
                Part(programs=(style.kit,), volume=style.drum_volume, reverb=30),
                write_drums(bars, style, groove, rng("drums")),
            )
        )
    score = _write_score(played, style, home, bars, beat, seconds, asked.programs, rng("players"))
    return Piece(style, home, 60 / beat, tuple(bars), score)


def _fit_beats(seconds, style, asked, energy, rng):
    """How many beats fill `seconds` at about the tempo wanted.

    A whole number of bars where a tempo of the style (or within 3 % of the one asked for) allows it, else of half
    bars, else of beats: the last bar is then a short one.
    """
    slow, fast = (asked * 0.97, asked * 1.03) if asked else style.tempo
    wanted = asked or slow + (fast - slow) * (0.5 + 0.35 * energy + rng.uniform(-0.15, 0.15))
    exact = wanted * seconds / 60
    for unit in (BEATS, BEATS // 2, 1):
        beats = max(1, round(exact / unit)) * unit
        if slow <= beats * 60 / seconds <= fast:
            break
    return beats


def _exact_beats(seconds, tempo):
    """How many beats to write for `seconds` at just this tempo, and how long one is in seconds.

    Whole beats where these are near enough; else the last one is cut short.
    """
    whole = max(1, round(tempo * seconds / 60))
    if abs(whole * 60 / seconds / tempo - 1) <= TEMPO_ERROR:
        return whole, seconds / whole
    return math.ceil(tempo * seconds / 60), 60 / tempo


def _choose_key(style, brightness, asked, rng):
    bright = rng.random() < 0.5 if abs(brightness) < 0.2 else brightness > 0
    harmony = style.bright if bright else style.dark
    root, scale, progressions = rng.randrange(12), rng.choice(harmony.scales), harmony.progressions
    if asked.mode:
        scale = asked.mode
        progressions = (style.dark if Key(0, scale).minor else style.bright).progressions
    return Key(root if asked.root is None else asked.root, scale), rng.sample(progressions, 2)


def _lay_out_bars(beats, style, key, progressions, rng):
    """Sections, phrases and chords of every bar. A lone beat left over makes the last bar a longer one."""
    whole, rest = divmod(beats, BEATS)
    lengths = [BEATS * 4] * whole + ([rest * 4] if rest > 1 or not whole else [])
    if rest == 1 and whole:
        lengths[-1] += 4
    sections = _form(len(lengths), rng)
    places = _places(sections)
    first, second = progressions
    if len(lengths) < 16:
        second = first
    names = [(second if section == "chorus" else first).split() for section in sections]
    chords = [
        build_chord(key, row[place % len(row)], style.chord_size) for row, place in zip(names, places, strict=True)
    ]
    bars, start = [], 0
    for index, steps in enumerate(lengths):
        following = (index + 1) % len(lengths)
        bars.append(
            Bar(
                start=start,
                steps=steps,
                section=sections[index],
                chord=chords[index],
                following=chords[following],
                phrase=places[index] % 4,
                first=places[index] == 0 or index == 0,
                last=following == 0 or sections[following] != sections[index],
            )
        )
        start += steps
    return bars


def _form(count, rng):
    """The section of each of `count` bars: an introduction, then verses, breaks and choruses; it ends at its height."""
    if count < 8:
        intro = 1 if count > 2 else 0
        verse = (count - intro + 1) // 2
        return ["intro"] * intro + ["verse"] * verse + ["chorus"] * (count - intro - verse)
    groups, rest = divmod(count, 4)
    intro = rest if rest > 1 else 0
    body = _body(groups, rng)
    sections = ["intro"] * intro + [name for name in body for _ in range(4)]
    if not intro:
        sections[:2] = ["intro", "intro"]
    return sections + ["chorus"] * (rest == 1)


def _body(groups, rng):
    if groups in BODIES:
        return rng.choice(BODIES[groups])
    return (*rng.choice(BODIES[4]), *_body(groups - 4, rng))


def _places(sections):
    """Each bar's place in the harmony: the introduction leads into what follows, every other section begins anew."""
    places, place = [], 0
    for index, section in enumerate(sections):
        fresh = index and section != sections[index - 1] and place % 4 == 0
        place = 0 if fresh else place
        places.append(place)
        place += 1
    return places


def _colour_sections(style, bars):
    lasting = style.colour.manner == "block" and len(style.colour.patterns) == 1
    return ("intro", "chorus", "break") if lasting or len(bars) < 8 else ("chorus", "break")


def _write_score(played, style, key, bars, beat, end, programs, rng):
    """Put the parts into a pretty_midi.PrettyMIDI that ends at `end`; `beat` is the length of one; in seconds."""
    import pretty_midi

    score = pretty_midi.PrettyMIDI(resolution=RESOLUTION, initial_tempo=60 / beat)
    number = key.root + (12 if key.minor else 0)
    score.key_signature_changes.append(pretty_midi.KeySignature(number, 0.0))
    for bar in bars:
        if bar.start == 0 or bar.steps != BEATS * 4:
            score.time_signature_changes.append(pretty_midi.TimeSignature(bar.steps // 4, 4, bar.start / 4 * beat))
    for name, part, notes in played:
        program = _program(part, programs.get("lead" if name == "Melody" else name.lower()), rng)
        instrument = pretty_midi.Instrument(program, is_drum=name == "Drums", name=f"{name}: {style.name}")
        for number, value in ((7, part.volume), (10, part.pan), (91, part.reverb)):
            instrument.control_changes.append(pretty_midi.ControlChange(number, value, 0.0))
        if style.pump and name in ("Chords", "Colour"):
            instrument.control_changes += [change for change in _pump(bars, beat) if change.time < end]
        instrument.notes = _play(notes, style, beat, end, rng)
        score.instruments.append(instrument)
    return score


def _program(part, asked, rng):
    """The instrument asked for, else one of the style's; "guitar" alone leaves a style that has one its own kind."""
    own = rng.choice(part.programs)
    guitars = any(24 <= program < 32 for program in part.programs)
    return own if asked is None or (asked == GUITAR and guitars) else asked


def _play(notes: list[Note], style: Style, beat, end, rng):
    """Give written notes the time and touch of a player: swing, some milliseconds, uneven velocities."""
    import pretty_midi

    played = []
    for note in notes:
        start = _swung(note.start, style) * beat / 4 + max(-0.008, min(0.008, rng.gauss(0, 0.003)))
        stop = min(_swung(note.start + note.length, style) * beat / 4, end)
        start = max(0.0, start)
        velocity = max(1, min(127, round(note.velocity + rng.gauss(0, 4))))
        if stop - start > 0.01:
            played.append(pretty_midi.Note(velocity, note.pitch, start, stop))
    played.sort(key=lambda note: (note.pitch, note.start))
    # A key must be up before it is struck again, or the first stroke's end would cut the second short.
    for note, following in pairwise(played):
        if note.pitch == following.pitch:
            note.end = max(note.start + 0.005, min(note.end, following.start - 0.005))
    return sorted(played, key=lambda note: (note.start, note.pitch))


def _swung(step, style):
    """Delay the second half of each pair of steps: a straight line on either side of the pair's middle."""
    pair = 2 * style.swing_step
    whole, part = divmod(step / style.swing_step, 2)
    late = part * (1 + style.swing) if part < 1 else 1 + style.swing + (part - 1) * (1 - style.swing)
    return whole * pair + late * style.swing_step


def _pump(bars, beat):
    """Duck under the kick and rise again on every beat of verse and chorus (what a side-chained compressor does)."""
    import pretty_midi

    shape = ((0.0, 62), (0.15, 84), (0.3, 106), (0.5, 127))
    return [
        pretty_midi.ControlChange(11, value, (bar.start / 4 + number + when) * beat)
        for bar in bars
        if bar.section in ("verse", "chorus")
        for number in range(bar.steps // 4)
        for when, value in shape
    ]
