"""What ffmpeg does to a picture in a shot: camera moves, layers, and the way from one shot to the next."""

from animate_text.cutouts import CANVAS, EDGE
from animate_text.scenery import Plate
from animate_text.timeline import FPS, HEIGHT, WIDTH, Shot, Transition

NEAR = 1.20  # times: how close a push ends and a pan stays
BEYOND = 1.12  # of a move that is still gone on with while the next shot comes in
OVERLAP = 6  # frames in which one shot gives way to the next
DRIFT = 1  # pixels of 1080 a frame that what is in front rises: whole ones, as it would tremble otherwise
FRONT_TOP = 250  # pixels of 1920 from the top at which it begins to rise, so that it ends above the captions
ARRIVAL = (0.07, 0.72)  # of the height that it comes from below, and what is left of that after each frame

# Names of xfade's transitions (https://ffmpeg.org/ffmpeg-filters.html#xfade).
XFADE: dict[Transition, str] = {"fade": "fade", "slide": "slideleft", "whip": "hblur", "zoom": "zoomin"}

TO_VIDEO = "scale=out_color_matrix=bt709:out_range=tv,format=yuv444p"


def inputs(plate: Plate) -> list[str]:
    """The input files of a shot, each decoded once."""
    files = [plate.back] if plate.front is None else [plate.back, plate.front]
    return [part for file in files for part in ("-i", str(file))]


def graph(shot: Shot, plate: Plate, first: int, label: str, length: int, frames: int, since: int = 0) -> str:
    """The filters that make `frames` of a shot whose move takes `length` frames, from frame `since` of it on.

    `first` is the number of its first input; the result is called `label`.
    """
    at = f"min((on+{since})/{max(1, length)},{BEYOND})"
    zoom, x, y = _path(shot.move, at)
    moved = f"zoompan=z='{zoom}':x='{x}':y='{y}':d={frames}:s={WIDTH}x{HEIGHT}:fps={FPS}"
    if plate.front is None:
        return f"[{first}:v]{TO_VIDEO},{moved},setsar=1[{label}]"
    scale, now = WIDTH / 1080, f"(n+{since})"
    left, top = round((1080 - CANVAS[0]) / 2 * scale), round((FRONT_TOP - EDGE) * scale)
    height = f"round({top}-{DRIFT * scale:.4g}*{now}+{ARRIVAL[0] * HEIGHT:.1f}*pow({ARRIVAL[1]},{now}))"
    return (
        f"[{first}:v]{TO_VIDEO},{moved},setsar=1[{label}back];"
        f"[{first + 1}:v]scale=out_color_matrix=bt709:out_range=tv,format=yuva444p[{label}front];"
        f"[{label}back][{label}front]overlay=x={left}:y='{height}':eval=frame:format=yuv444:eof_action=repeat,"
        f"trim=end_frame={frames}[{label}]"
    )


def _path(move: str, at: str) -> tuple[str, str, str]:
    """Zoom, left and top of what the camera sees, as zoompan's expressions of the part `at` of its way."""
    middle, centre = "(iw-iw/zoom)/2", "(ih-ih/zoom)/2"
    along = f"{at}/{BEYOND}"
    if move in ("push", "parallax"):
        return f"1+{NEAR - 1:.2f}*{along}", middle, "(ih-ih/zoom)*0.42"
    if move == "pull":
        return f"{NEAR:.2f}-{NEAR - 1:.2f}*{along}", middle, "(ih-ih/zoom)*0.42"
    ways = {
        "left": (f"(iw-iw/zoom)*(1-{along})", centre),
        "right": (f"(iw-iw/zoom)*{along}", centre),
        "up": (middle, f"(ih-ih/zoom)*(1-{along})"),
        "down": (middle, f"(ih-ih/zoom)*{along}"),
    }
    return (f"{NEAR:.2f}", *ways[move])
