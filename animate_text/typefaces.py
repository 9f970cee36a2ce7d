"""Characters and fonts: which characters of a text are set, and in which font of this machine.

The display face is Inter (Rasmus Andersson, SIL Open Font License) out of the package `fontpkg-inter`. What it lacks is
set in a font of the system, or left out: never a box.
"""

import functools
import os
import sys
import threading
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import ImageFont

from core.packages import package_folder

MAX_CHARACTERS = 320  # characters of a title that are set; the rest would be too small to read on a cover
JOINERS = "\u200c\u200d"  # they steer shaping and need no glyph of their own
MAX_MARKS = 4  # combining marks a letter keeps
EMOJI = 0x1F000  # symbols from here on are emoji, which a headline is better without
VARIATION_SELECTORS = (*range(0xFE00, 0xFE10), 0x20E3, *range(0xE0100, 0xE01F0))
MISSING = "\U0010fffd"  # a private character that no font has: it shows what a font draws for want of a glyph
PROBE = 40  # pixels: the size at which glyphs are looked at


@dataclass(frozen=True)
class Style:
    """`weight` runs from 100 to 900."""

    size: int
    weight: int


def clean(text: str) -> str:
    """Plain words out of any text: no control characters, no emoji, no changes of writing direction, single spaces."""
    kept, marks = [" "], 0
    for sign in unicodedata.normalize("NFC", text[: 4 * MAX_CHARACTERS]):
        kind = unicodedata.category(sign)
        marks = marks + 1 if kind[0] == "M" else 0
        if kind in ("Cc", "Zl", "Zp", "Zs"):
            kept.append(" ")
        elif (kind[0] == "C" and sign not in JOINERS) or _is_decoration(sign):
            continue
        elif not marks or (marks <= MAX_MARKS and kept[-1] != " "):
            kept.append(sign)
    return " ".join("".join(kept).split())


def _is_decoration(sign):
    code = ord(sign)
    return code in VARIATION_SELECTORS or (code >= EMOJI and unicodedata.category(sign)[0] == "S")


def is_right_to_left(text: str) -> bool:
    """True where the first letter is one that is written from right to left."""
    return next((kind != "L" for kind in map(unicodedata.bidirectional, text) if kind in ("L", "R", "AL")), False)


@functools.cache
def display_face() -> Path:
    """The file of the display face."""
    return package_folder("fontpkg_inter") / "files" / "Inter[opsz,wght].ttf"


@functools.cache
def system_fonts() -> tuple[Path, ...]:
    """The font files of this machine, the ones that suit a headline first."""
    home = Path.home()
    if sys.platform == "win32":
        folders = [Path(os.environ.get("WINDIR", "C:/Windows"), "Fonts")]
        folders.append(Path(os.environ.get("LOCALAPPDATA", home), "Microsoft/Windows/Fonts"))
    elif sys.platform == "darwin":
        folders = [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    else:
        shared = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
        folders = [Path(part, "fonts") for part in shared.split(":")]
        folders += [home / ".local/share/fonts", home / ".fonts"]
    files = {
        path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in (".ttf", ".otf", ".ttc")
    }
    return tuple(sorted(files, key=_unsuitedness))


def _unsuitedness(path):
    """How little a font suits a headline, judged by its name; the path itself settles ties."""
    name = path.stem.lower()
    faults = ("italic", "oblique", "mono", "serif", "condensed", "light", "thin", "math", "symbol", "emoji")
    weight = 0 if any(word in name for word in ("bold", "black", "heavy")) else 1
    # LastResort, a font of macOS, draws boxes on purpose and claims every character.
    return ("lastresort" in name, sum(word in name for word in faults if "sans" not in word), weight, str(path))


@functools.lru_cache(maxsize=64)
def font(path: Path, style: Style) -> ImageFont.FreeTypeFont:
    """Open a font. Variable fonts get the weight, and the optical size that suits the size."""
    face = ImageFont.truetype(str(path), style.size)
    try:
        axes = face.get_variation_axes()
    except OSError:  # not a variable font
        return face
    wanted = {b"weight": style.weight, b"optical size": style.size}
    face.set_variation_by_axes([_within(axis, wanted) for axis in axes])
    return face


def _within(axis: Any, wanted: dict[bytes, int]) -> float:
    """What is wanted of an axis, as far as it goes; its default where nothing is."""
    return min(max(wanted.get(axis["name"].lower(), axis["default"]), axis["minimum"]), axis["maximum"])


def clusters(text: str) -> list[str]:
    """The characters of a text as a reader sees them: each letter with the marks and joiners that follow it."""
    found: list[str] = []
    for sign in text:
        if found and (sign in JOINERS or unicodedata.category(sign)[0] == "M"):
            found[-1] += sign
        else:
            found.append(sign)
    return found


def fonts_for(text: str) -> dict[str, Path]:
    """Say which font sets each cluster of a text. One that no font has is not in the answer, its bare letter may be.

    A text with right-to-left letters is set in one font as a whole: only within a font are its words put in order.
    """
    whole = {part for part in clusters(text) if not part.isspace()}
    parts = tuple(sorted(whole | {part[0] for part in whole}))
    if any(unicodedata.bidirectional(part[0]) in ("R", "AL") for part in parts):
        return _one_font_for(parts)
    found = _finder((display_face(), *system_fonts())).find(parts)
    return {part: path for part, path in found.items() if path}


@dataclass(frozen=True)
class _Finder:
    """Which of some fonts draws a cluster; what was looked up once is kept."""

    fonts: tuple[Path, ...]
    found: dict[str, Path | None] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def find(self, parts: tuple[str, ...]) -> dict[str, Path | None]:
        """The first font that draws each cluster, None where none does."""
        with self.lock:
            unknown = [part for part in parts if part not in self.found]
            for path in self.fonts:
                if not unknown:
                    break
                drawn = _drawn_by(path, unknown)
                self.found.update(dict.fromkeys(drawn, path))
                unknown = [part for part in unknown if part not in drawn]
            self.found.update(dict.fromkeys(unknown))
            return {part: self.found[part] for part in parts}


_finder = functools.cache(_Finder)


@functools.lru_cache(maxsize=256)
def _one_font_for(parts):
    best = display_face()
    drawn_best: set[str] = set()
    for path in (display_face(), *system_fonts()):
        drawn = _drawn_by(path, parts)
        if len(drawn) > len(drawn_best):
            best, drawn_best = path, drawn
        if len(drawn) == len(parts):
            break
    return dict.fromkeys(drawn_best, best)


def _drawn_by(path, parts):
    """Those of the clusters of which a font draws each sign, as neither nothing nor what it has for a missing one."""
    try:
        # Without shaping, which would put a dotted circle under a mark that stands alone.
        face = ImageFont.truetype(str(path), PROBE, layout_engine=ImageFont.Layout.BASIC)
        missing = bytes(face.getmask(MISSING))
        signs = {sign for part in parts for sign in part if sign not in JOINERS}
        drawn = {sign for sign in signs if any(glyph := bytes(face.getmask(sign))) and glyph != missing}
    except OSError:  # a file that is broken, or has bitmaps of another size only
        return set()
    return {part for part in parts if drawn.issuperset(part.strip(JOINERS))}


def only_set(text: str, fonts: dict[str, Path]) -> str:
    """Leave out of a text what no font sets; a letter stays where only its marks have to go."""
    kept = []
    for part in clusters(text):
        if part in fonts or part.isspace():
            kept.append(part)
        elif part[0] in fonts:
            kept.append(part[0])
    return " ".join("".join(kept).split())
