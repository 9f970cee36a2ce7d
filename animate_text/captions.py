"""Captions, word by word, as ASS for libass to draw.

The words are a stranger's: what would steer libass is escaped.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from animate_text import caption_height, fonts, typefaces, typesetting
from animate_text.caption_height import Area
from animate_text.caption_pages import OUTLINE, PLATE, POP, Box, Page, pages
from animate_text.colour import Palette
from animate_text.timeline import HEIGHT, WIDTH, Timeline, Word
from animate_text.typefaces import Style
from animate_text.words import join

LEADING = 1.16  # of the size, baseline to baseline
WHITE, INK = "&H00FFFFFF", "&H00120A0A"  # ASS writes colours as alpha, blue, green, red


def ass(
    timeline: Timeline,
    palette: Palette,
    box: Box,
    folder: Path,
    start: float,
    end: float,
    shift: float,
    faces: Sequence[Sequence[Area]] = (),
) -> str:
    """An ASS script of the captions between two seconds of a draft, later by `shift`; empty where there are none.

    `folder` is where fonts made for it are kept; `used_fonts` names the files it needs. `faces` are those of each shot,
    in pixels of the frame: captions stand where they cover none, as far as there is room (see caption_height).
    """
    made = pages(timeline.words(), timeline.caption_style, box, timeline.seconds)
    middles = _middles(timeline, made, box, faces)
    shown = [(page, y) for page, y in zip(made, middles, strict=True) if page.end > start and page.start < end]
    events = [  # none longer than is seen: what comes after must change nothing here
        f"Dialogue: {layer},{_time(max(first, 0))},{_time(max(min(last, end + shift), 0))},Caption,,0,0,0,,{text}"
        for page, y in shown
        for layer, first, last, text in _shifted(_drawn(timeline.caption_style, page, palette, box, folder, y), shift)
        if last > first and last > start + shift and first < end + shift
    ]
    return f"{_HEADER}\n" + "\n".join(events) + "\n" if events else ""


def used_fonts(timeline: Timeline, box: Box, folder: Path) -> tuple[Path, ...]:
    """The font files that the captions of a draft are set in."""
    made = pages(timeline.words(), timeline.caption_style, box)
    faces = {face for page in made for face in page.faces.values()} or {typefaces.display_face()}
    return tuple(sorted(fonts.caption_font(face, folder).path for face in faces))


_HEADER = f"""[Script Info]
ScriptType: v4.00+
PlayResX: {WIDTH}
PlayResY: {HEIGHT}
WrapStyle: 2
ScaledBorderAndShadow: yes

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Caption,{fonts.FAMILY},80,{WHITE},{WHITE},{INK},{INK},0,0,0,0,100,100,0,0,1,6,0,5,0,0,0,-1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text"""

_Event = tuple[int, float, float, str]


def _shifted(events: Iterable[_Event], shift: float) -> Iterable[_Event]:
    return ((layer, start + shift, end + shift, text) for layer, start, end, text in events)


def _middles(timeline: Timeline, made: Sequence[Page], box: Box, faces: Sequence[Sequence[Area]]) -> list[float]:
    """The middle of each page, in pixels from the top. Those that see the same faces stand where all of them fit."""
    seen = [_seen(timeline, faces, page) for page in made]
    sizes = [_extent(timeline.caption_style, page) for page in made]
    found = []
    for (width, height), there in zip(sizes, seen, strict=True):
        alike = [size for size, others in zip(sizes, seen, strict=True) if others == there]
        largest = (max(width for width, _ in alike), max(height for _, height in alike))
        found.append(caption_height.middle(box, [largest, (width, height)] if there else [(width, height)], there))
    return found


def _seen(timeline: Timeline, faces: Sequence[Sequence[Area]], page: Page) -> list[Area]:
    """The faces that are in the frame while a page is, so that it need not move when the shot changes."""
    shots = zip(faces, pairwise(timeline.cuts), strict=False)
    return [face for found, (start, end) in shots if start < page.end and end > page.start for face in found]


def _extent(style: str, page: Page) -> tuple[float, float]:
    """Width and height that a page may take, its movement included."""
    look = Style(page.size, fonts.WEIGHT)
    width = max(typesetting.width_of(join([w.text for w in line]), look, page.faces) for line in page.lines)
    reach = POP * 0.62 * page.size + max(OUTLINE * page.size, PLATE if style == "typewriter" else 0)
    return width * POP + 2 * PLATE, 2 * reach + LEADING * page.size * (len(page.lines) - 1)


def _drawn(style: str, page: Page, palette: Palette, box: Box, folder: Path, middle: float) -> list[_Event]:
    """A page as events: one a line for each word that is being said."""
    step = LEADING * page.size
    height = step * (len(page.lines) - 1)
    starts = [word.start for word in page.words]
    events: list[_Event] = []
    if style == "typewriter":
        events.append((0, page.start, page.end, _plate(page, palette, box.centre, middle)))
    for number, (first, last) in enumerate(pairwise([*starts, page.end])):
        said = 0
        for row, line in enumerate(page.lines):
            y = middle - height / 2 + row * step
            text = _line(style, page, line, number - said, palette, folder)
            events.append((1, first, last, f"{{\\pos({box.centre:.1f},{y:.1f}){_entrance(style, number)}}}{text}"))
            said += len(line)
    return events


def _entrance(style: str, number: int) -> str:
    if number or style == "typewriter":
        return ""
    if style == "karaoke":
        return "\\fad(80,0)"
    spring = round(100 * POP) - 1
    return f"\\fscx70\\fscy70\\t(0,80,\\fscx{spring}\\fscy{spring})\\t(80,150,\\fscx100\\fscy100)"


def _line(style: str, page: Page, line: Sequence[Word], active: int, palette: Palette, folder: Path) -> str:
    """A line while its word number `active` is said (less than 0: none yet). Colours alone change, so nothing jumps."""
    accent = _colour(palette.accent)
    parts, before, family = [f"{{\\bord{OUTLINE * page.size:.1f}}}"], "", ""
    for number, word in enumerate(line):
        lit = number == active if style == "pop" else number <= active
        hidden = style == "typewriter" and number > active
        colour = accent if (lit if style != "typewriter" else number == active) else WHITE
        glue = " " if before and join([before, word.text]) != before + word.text else ""
        parts.append(f"{glue}{{\\1c{colour}&\\alpha{'&HFF&' if hidden else '&H00&'}}}")
        for run, face in _runs(word.text, page.faces):
            font = fonts.caption_font(face, folder)
            named = f"{{\\fn{font.family}\\b{int(font.bold)}\\fs{page.size * font.em:.2f}}}"
            parts.append(("" if named == family else named) + escape(run))
            family = named
        before = word.text
    return "".join(parts)


def _runs(text: str, faces: dict[str, Path]) -> list[tuple[str, Path]]:
    runs: list[tuple[str, Path]] = []
    for part in typefaces.clusters(text):
        face = faces.get(part) or faces.get(part[0]) or (runs[-1][1] if runs else typefaces.display_face())
        if runs and runs[-1][1] == face:
            runs[-1] = (runs[-1][0] + part, face)
        else:
            runs.append((part, face))
    return runs


def _plate(page: Page, palette: Palette, centre: float, middle: float) -> str:
    """A dark plate behind a page, with round corners."""
    style = Style(page.size, fonts.WEIGHT)
    widths = [typesetting.width_of(join([w.text for w in line]), style, page.faces) for line in page.lines]
    w = max(widths) + 2 * PLATE - 2
    h = LEADING * page.size * len(page.lines) + PLATE
    r = min(28, h / 2)
    c = 0.45 * r  # Bézier curves that pass for arcs
    outline = (
        f"m {r:.0f} 0 l {w - r:.0f} 0 b {w - c:.0f} 0 {w:.0f} {c:.0f} {w:.0f} {r:.0f} "
        f"l {w:.0f} {h - r:.0f} b {w:.0f} {h - c:.0f} {w - c:.0f} {h:.0f} {w - r:.0f} {h:.0f} "
        f"l {r:.0f} {h:.0f} b {c:.0f} {h:.0f} 0 {h - c:.0f} 0 {h - r:.0f} l 0 {r:.0f} b 0 {c:.0f} {c:.0f} 0 {r:.0f} 0"
    )
    ground = _colour(palette.dark)
    return f"{{\\pos({centre:.1f},{middle:.1f})\\bord0\\1c{ground}&\\1a&H22&\\fad(80,0)\\p1}}{outline}{{\\p0}}"


def _colour(colour: tuple[float, float, float]) -> str:
    red, green, blue = (round(255 * part) for part in colour)
    return f"&H00{blue:02X}{green:02X}{red:02X}"


def escape(text: str) -> str:
    """Text that libass shows as it is: no override blocks, no line breaks, no escapes."""
    plain = " ".join(text.split()).replace("\\", "\\\u2060")
    return plain.replace("{", "\\{").replace("}", "\\}")


def _time(seconds: float) -> str:
    hundredths = round(seconds * 100)
    return f"{hundredths // 360000}:{hundredths // 6000 % 60:02}:{hundredths // 100 % 60:02}.{hundredths % 100:02}"
