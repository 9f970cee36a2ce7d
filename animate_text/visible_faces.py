"""Where faces are in the frames of a shot: in a picture under its camera move, or in a moment of a clip."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from animate_text import faces, framing, views
from animate_text.camera import NEAR
from animate_text.caption_height import Area
from animate_text.timeline import Shot

FRAME = (1080, 1920)  # pixels that areas are told in
GLANCE = (432, 768)  # pixels in which faces are looked for
MARGIN = 0.12  # of a face's height: the hair and the chin around what is found
AT = (0.1, 0.5, 0.9)  # of a moment: the frames that are looked at


def in_picture(shot: Shot, picture: Image.Image, closer: Sequence[Image.Image]) -> list[Area]:
    """The faces of a picture wherever the camera move takes them; none where what is shown floats above captions."""
    _, view = views.split(shot.picture)
    if view in views.LAYERED:
        return []
    seen = closer[views.CLOSE.index(view)] if view in views.CLOSE else picture
    found = faces.find(framing.fit(seen, GLANCE, Image.Resampling.BILINEAR))
    return [_swept(shot.move, face) for face in found]


def _swept(move: str, face: faces.Box) -> Area:
    """What a face covers in the course of a move: at its two ends, which are the furthest that it gets."""
    ends = [_in_frame(zoom, x, y, face) for zoom, x, y in _ENDS[move]]
    return (
        min(one[0] for one in ends),
        min(one[1] for one in ends),
        max(one[2] for one in ends),
        max(one[3] for one in ends),
    )


def _in_frame(zoom: float, x: float, y: float, face: faces.Box) -> Area:
    """A face as the camera shows it that sees 1/zoom of the picture; `x` and `y` are how far it is along its room."""
    room = 1 - 1 / zoom
    left, top, right, bottom = face
    margin = MARGIN * (bottom - top)
    across, down = (
        [(side - room * at) * zoom for side in sides]
        for at, sides in ((x, (left, right)), (y, (top - margin, bottom + margin)))
    )
    return across[0] * FRAME[0], down[0] * FRAME[1], across[1] * FRAME[0], down[1] * FRAME[1]


_NEAR_MIDDLE, _WHOLE = (NEAR, 0.5, 0.42), (1.0, 0.5, 0.42)
_ENDS = {  # zoom, and where along its room the camera is, as camera.graph moves it
    "push": (_WHOLE, _NEAR_MIDDLE),
    "pull": (_WHOLE, _NEAR_MIDDLE),
    "parallax": (_WHOLE, _NEAR_MIDDLE),
    "left": ((NEAR, 1.0, 0.5), (NEAR, 0.0, 0.5)),
    "right": ((NEAR, 0.0, 0.5), (NEAR, 1.0, 0.5)),
    "up": ((NEAR, 0.5, 1.0), (NEAR, 0.5, 0.0)),
    "down": ((NEAR, 0.5, 0.0), (NEAR, 0.5, 1.0)),
}


def in_moment(path: Path) -> list[Area]:
    """The faces in some frames of a moment, which is a file of ours."""
    import cv2

    film, found = cv2.VideoCapture(str(path)), []
    try:
        frames = film.get(cv2.CAP_PROP_FRAME_COUNT)
        for share in AT:
            film.set(cv2.CAP_PROP_POS_FRAMES, int(share * frames))
            there, frame = film.read()
            if there:
                picture = Image.fromarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
                found += [_in_frame(1.0, 0.0, 0.0, face) for face in faces.find(picture)]
    finally:
        film.release()
    return found
