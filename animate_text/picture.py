"""What every image engine is asked for and answers with."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PictureRequest:
    """A cover that is asked for: what it shows, and the title and the hashtags that are set on it.

    `stills` are JPEG files taken from the videos, of any size and number, broken ones included; `fitting` are those of
    the video that the title is about. `palette` are the colours of the trend, those that it has most of first, as
    "#rrggbb"; `text_places` is how often it has text in each field of the frame, from 0 to 1, rows from top to bottom.
    The same request gives the same bytes.
    """

    prompt: str
    title: str
    hashtags: tuple[str, ...]
    stills: tuple[bytes, ...]
    seed: int
    palette: tuple[str, ...] = ()
    text_places: tuple[tuple[float, ...], ...] = ()
    fitting: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Picture:
    """`png` is a whole PNG file."""

    png: bytes
