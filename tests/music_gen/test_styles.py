"""The styles: which one a description finds, and what their tables may hold."""

import io
import itertools
import tomllib

import pretty_midi
import pytest
from pydantic import ValidationError

from music_gen.styles import FOLDER, NAMES, Style, choose_style, styles
from tests.music import HELD_OUT, instrument, track


@pytest.mark.parametrize("name", HELD_OUT)
def test_a_description_in_other_words_finds_its_style(name):
    assert choose_style(HELD_OUT[name])[0].name == name


def test_the_styles_differ_in_tempo_scale_instruments_and_drums():
    assert len({style.tempo for style in styles()}) >= 10
    assert len({(style.bright.scales, style.dark.scales) for style in styles()}) >= 6
    for one, other in itertools.combinations(styles(), 2):
        assert not any(groove in other.grooves for groove in one.grooves)
        assert {one.bass.programs, one.chords.programs, one.lead.programs} != {
            other.bass.programs,
            other.chords.programs,
            other.lead.programs,
        }


def test_made_pieces_differ_by_style_as_they_sound():
    """Tempo, drums and instruments as they stand in the MIDI files, not as the styles declare them."""
    heard = set()
    for name in HELD_OUT:
        score = pretty_midi.PrettyMIDI(io.BytesIO(track(HELD_OUT[name]).midi))
        drums = instrument(score, "Drums")
        programs = tuple(one.program for one in score.instruments)
        heard.add((round(score.get_tempo_changes()[1][0]), programs, len(drums.notes) if drums else 0))
    assert len(heard) == len(HELD_OUT)
    assert len({tempo for tempo, *_ in heard}) >= 6


@pytest.mark.parametrize("style", styles(), ids=lambda style: style.name)
def test_every_pattern_of_a_style_fills_its_bar(style):
    rows = [row for groove in (*style.grooves, style.lift) for row in groove.values()]
    rows += [row for part in (style.bass, style.chords, style.colour) for row in part.patterns] + list(style.cells)
    assert {len(row.replace(" ", "")) for row in rows} == {16}


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("cells", ["x---", "x---", "x---"]),
        ("grooves", [{"kick": "X... ?... X... x..."}]),
        ("grooves", [{"spoon": "X... x... X... x..."}]),
        ("kit", 128),
        ("fills", ["flourish"]),
        ("bright", {"scales": ["blues"], "progressions": ["1 4", "1 5"]}),
        ("dark", {"scales": ["minor"], "progressions": ["1 8", "1 5"]}),
        ("phrases", ["only one"]),
        ("tempo", [90]),
        ("colour", {"programs": [], "volume": 80}),
        ("loudness", 1),
    ],
)
def test_a_table_that_is_wrong_is_refused_with_its_place(place, value):
    table = tomllib.loads((FOLDER / "lofi.toml").read_text()) | {place: value}
    with pytest.raises(ValidationError, match=place):
        Style.model_validate(table)


def test_every_table_is_a_style():
    assert {path.stem for path in FOLDER.glob("*.toml")} == {*NAMES, "moods"}
