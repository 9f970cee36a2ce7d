"""What has been measured of clips that nobody filmed: each measure as the test wants it."""

from core.tempo import Tempo
from trend_insights import Traits
from trend_insights.traits import Colour, Cuts, Form, Hook, Key, Pace, Sound, Text

ROWS, COLUMNS = 16, 9


def traits(
    bpm=None,
    surety=0.9,
    key=None,
    seconds=15.0,
    words_per_minute=None,
    cuts=(),
    palette=(),
    shares=(),
    places=(),
    text_share=None,
):
    """A clip with these measures, and of all others nothing known."""
    return Traits(
        form=Form(seconds, 1080, 1920, "9:16", 30.0, False, (), None, 0.6),
        pace=Pace(0, words_per_minute, None, None, (), 1.0),
        cuts=Cuts(tuple(cuts), 60 * len(cuts) / seconds, (), None, None, None, None, 0.9),
        hook=Hook(None, None, None, None, None, None, 0.9),
        text=Text(text_share, None, None, None, places, (), 0.8),
        sound=Sound(
            tempo=bpm and Tempo(bpm, surety),
            beats=(),
            key=key and Key(key, 0.8),
            loudness_lufs=None,
            levels=(),
            speech_share=None,
            music_share=None,
            speech_over_music=None,
            cuts_on_beats=None,
            cuts_follow_beats=None,
            confidence=0.8,
        ),
        colour=Colour(tuple(palette), tuple(shares), None, None, None, 1.0),
    )


def rows(*usual, share=0.8):
    """A map with text in some of its rows for a share of the time."""
    return tuple(tuple(share if row in usual else 0.0 for _ in range(COLUMNS)) for row in range(ROWS))
