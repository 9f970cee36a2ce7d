"""Fonts as libass wants them: files in one folder, known by their family's name, of one weight each."""

import functools
import logging
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from PIL import ImageFont

from animate_text import typefaces
from core.engines import EngineError

log = logging.getLogger(__name__)

CUTTER = Path(__file__).with_name("font_cutter.py")
TIME_LIMIT = 120.0  # seconds that a cut may take; on a processor of its own it takes seven or eight
WEIGHT = 800  # of the display face in captions
OPTICAL_SIZE = 32
FAMILY = "Draft Display"  # the name under which the display face goes, so that no font of the system is taken for it

_making = threading.Lock()


@dataclass(frozen=True)
class CaptionFont:
    """`em` is the size that ASS must be told so that the letters' em square measures one pixel.

    `tall` and `deep` are how far the font reaches above and below its baseline, in parts of the em square.
    """

    path: Path
    family: str
    bold: bool
    em: float
    tall: float
    deep: float


def caption_font(face: Path, folder: Path) -> CaptionFont:
    """The font in the file `face`. A variable one is cut to one weight, and kept in `folder`. Raises EngineError."""
    return _measured(_single_weight(folder) if face == typefaces.display_face() else face)


def warm(folder: Path) -> None:
    """Cut the display face to one weight, which takes some seconds, before the first draft needs it."""
    caption_font(typefaces.display_face(), folder)


def _single_weight(folder: Path) -> Path:
    path = folder / "DraftDisplay.ttf"
    with _making:
        if not path.exists():
            _cut(typefaces.display_face(), path)
    return path


def _cut(variable: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    axes = (f"wght={WEIGHT}", f"opsz={OPTICAL_SIZE}")
    command = (sys.executable, "-I", str(CUTTER), str(variable), str(path), FAMILY, *axes)
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=TIME_LIMIT)
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1:]
        log.warning("the font cutter failed: %s", "".join(said))
        raise EngineError("The captions' font could not be made; the log has the reason.") from error


@functools.lru_cache(maxsize=64)
def _measured(path: Path) -> CaptionFont:
    """libass scales a font by its Windows ascent and descent, as GDI did (`set_font_metrics` in ass_font.c)."""
    from fontTools.ttLib import TTFont

    with TTFont(path, fontNumber=0, lazy=True) as font:
        units, os2, hhea = font["head"].unitsPerEm, font.get("OS/2"), font["hhea"]
        tall, deep = hhea.ascent, -hhea.descent
        if os2 is not None and os2.usWinAscent + os2.usWinDescent:
            tall, deep = os2.usWinAscent, os2.usWinDescent
    family, style = ImageFont.truetype(str(path), 16).getname()
    bold = any(word in (style or "").lower() for word in ("bold", "black", "heavy"))
    return CaptionFont(path, family or path.stem, bold, (tall + deep) / units, tall / units, deep / units)
