"""Which pictures of the clips a draft shows: stills that may be shown, else other covers, by what its lines say."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import animate_text
from core import picture_quality

STILLS = 6  # of clips that may be shown
TAKES = 3  # other covers that are drawn, so that a draft does not show one still throughout
ALIKE = 0.6  # structural similarity, from -1 to 1, from which on two pictures show the same


@dataclass(frozen=True)
class ClipStills:
    """Pictures out of a clip (JPEG files), what is said and shown in it, and whether a draft may show them as such."""

    stills: tuple[bytes, ...]
    said: tuple[str, ...] = ()
    may_be_shown: bool = False


def choose(clips: Sequence[ClipStills], lines: Sequence[str]) -> dict[str, ClipStills]:
    """What is shown beside the cover, by name, each with the stills it is made of and what is said with it."""
    own = [replace(clip, stills=(still,)) for clip in clips if clip.may_be_shown for still in clip.stills]
    if own:
        return {f"still-{number}": still for number, still in enumerate(own[:STILLS])}
    return {f"cover-{number}": take for number, take in enumerate(_takes(clips, lines), 2)}


def _takes(clips: Sequence[ClipStills], lines: Sequence[str]) -> list[ClipStills]:
    """The clips, or parts of the stills of few, for other covers: first those that the lines speak of."""
    suited = animate_text.pairs(lines, [clip.said for clip in clips]).values()
    ranked = [*suited, *(number for number in range(len(clips)) if number not in suited)]
    parts = -(-TAKES // max(1, len(clips)))
    takes = [
        replace(clips[number], stills=clips[number].stills[part::parts]) for part in range(parts) for number in ranked
    ]
    return [take for take in takes if take.stills][:TAKES]


def without_doubles(pictures: dict[str, bytes]) -> dict[str, bytes]:
    """The pictures but for those that show what one before them shows: two takes of a cover may be of one still."""
    kept: dict[str, bytes] = {}
    for name, png in pictures.items():
        if all(picture_quality.alikeness(png, other) < ALIKE for other in kept.values()):
            kept[name] = png
    return kept
