"""Looks: a clip in, the lines of text on its screen and its best stills out."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from importlib.util import find_spec

import numpy as np

from core.engines import Engine, Report
from core.loading import LoadOnce
from settings import Settings
from tiktok_to_text import frames, letter_case, standing
from tiktok_to_text.video_text import ScreenRequest, ScreenText

MAX_FRAMES = 8  # read in a clip
MAX_STILLS = 2
DETECTION_SIDE = 448  # pixels of the longer side on which text is looked for
MARGIN = 0.1  # of a line's height, left around it: without it, spaces between words are lost
MIN_CONFIDENCE = 0.65  # how sure the recogniser must be of a line, from 0 to 1
SPACE_BOOST = 100  # the recogniser, trained on Chinese above all, is shy of spaces: 90 % of caption words come right
# without it, 99 % with it; any factor from 10 to 300 does
_ICON = re.compile(r"(?<=[A-Za-z0-9]{2}) [一二三口回日田目=]$|^[一二三口回日田目=] (?=[A-Za-z0-9]{2})")
MIN_SIMILARITY = 0.8  # similarity, from 0 to 1, from which on two readings are of the same line


@dataclass(frozen=True)
class Seen:
    """The lines in reading order, when and where each stands, and JPEG stills with the least text first."""

    lines: tuple[str, ...] = ()
    texts: tuple[ScreenText, ...] | None = ()
    stills: tuple[bytes, ...] = ()


def look(request: ScreenRequest, _settings: Settings, report: Report) -> Seen:
    """Read the text on the screen of a clip; an empty Seen where it has no picture.

    Text detection and recognition by PP-OCRv4 (PaddlePaddle, 2023) through RapidOCR.
    """
    samples, seconds = [], int(request.seconds)
    for frame in frames.sample(request.path, request.seconds, request.tee):
        report(min(int(frame.at), seconds), max(1, seconds), "looking")
        samples.append(frame)
    lines: list[tuple[str, float]] = []
    areas, read = [], []
    chosen = frames.with_all_text(samples, MAX_FRAMES)
    for number, frame in enumerate(chosen):
        report(number, len(chosen), "reading the screen")
        for text, sureness, area in _read(frame.colours()):
            areas.append(area)
            if sureness >= MIN_CONFIDENCE:
                _add(lines, _tidy(text), sureness)
                read.append((frame.at, _tidy(text), area))
    return Seen(
        lines=tuple(text for text, _ in lines),
        texts=standing.follow(samples, read, frames.step(request.seconds)),
        stills=tuple(frames.stills(samples, areas, MAX_STILLS)),
    )


def missing(_settings) -> str | None:
    """What must be set up before `look` can run; None when nothing must."""
    return None if find_spec("rapidocr_onnxruntime") else "Install the packages in requirements.txt."


ENGINES = {"rapidocr": Engine(missing, look)}


def _load():
    """Load the text detector and recogniser."""
    from rapidocr_onnxruntime import RapidOCR

    ocr = RapidOCR(
        intra_op_num_threads=1,  # clips are read side by side: more threads each would only wait
        inter_op_num_threads=1,
        det_limit_side_len=32,  # pictures come in at the size that the detector shall see
        det_limit_type="min",
        rec_batch_num=1,  # lines are then not filled up to the longest one's length, which takes a fifth of the time
        rec_img_shape=[3, 48, 160],
    )
    decode = ocr.text_rec.postprocess_op
    space = decode.character.index(" ")
    ocr.text_rec.postprocess_op = lambda odds, *rest, **options: decode(_with_spaces(odds, space), *rest, **options)
    return ocr


load = LoadOnce(_load, imports=("cv2", "rapidocr_onnxruntime"))


def _with_spaces(odds, space):
    """Make spaces likelier in `odds`, shape (lines, columns, characters)."""
    odds = odds.copy()
    odds[..., space] = np.minimum(odds[..., space] * SPACE_BOOST, 1)
    return odds


def _read(picture):
    """The lines of a picture (BGR) in reading order: text, sureness, and left, top, right, bottom from 0 to 1."""
    import cv2

    ocr = load()
    height, width = picture.shape[:2]
    scale = min(1.0, DETECTION_SIDE / max(height, width))
    small_size = (max(32, round(width * scale)), max(32, round(height * scale)))
    boxes, _ = ocr.text_det(cv2.resize(picture, small_size, interpolation=cv2.INTER_AREA))
    if boxes is None or not len(boxes):
        return []
    boxes = [_with_margin(box * (width / small_size[0], height / small_size[1])) for box in ocr.sorted_boxes(boxes)]
    texts, _ = ocr.text_rec(ocr.get_crop_img_list(picture, boxes))
    areas = [
        tuple(float(edge) for corner in (box.min(0), box.max(0)) for edge in np.clip(corner / (width, height), 0, 1))
        for box in boxes
    ]
    return [(text, float(sureness), area) for (text, sureness), area in zip(texts, areas, strict=True)]


def _with_margin(box):
    """Widen a box, four corners clockwise from the top left, by MARGIN of its height on every side."""
    margin = MARGIN * np.linalg.norm(box[0] - box[3])
    return (box + margin * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])).astype(np.float32)


def _tidy(text):
    """Mend what the recogniser often gets wrong: capitals, a zero between letters that is an O, an icon read as 三."""
    text = re.sub(r"(?<=[A-Z])0(?=[A-Z])", "O", text)
    text = re.sub(r"(?<=[a-z])0(?=[a-z])", "o", text)
    return letter_case.even(_ICON.sub("", " ".join(text.split())))


def _add(lines, text, sureness):
    """Add a reading to `lines`, pairs of text and sureness, unless it repeats one; of two readings keep the better."""
    if sum(letter.isalnum() for letter in text) < 2:
        return
    for index, (known, known_sureness) in enumerate(lines):
        if _same_line(known, text):
            longer = len(text) > len(known) and _core(text).startswith(_core(known))
            if longer or (sureness > known_sureness and not _core(known).startswith(_core(text))):
                lines[index] = (text, sureness)
            return
    lines.append((text, sureness))


def _same_line(one, other):
    """Whether two texts are readings of one line: alike but for a letter or two, or one still being typed."""
    one, other = sorted((_core(one), _core(other)), key=len)
    if other.startswith(one) and (len(one) > 3 or one == other):
        return True
    if re.findall(r"\d+", one) != re.findall(r"\d+", other):  # "step 1" is not "step 2"
        return False
    return len(one) > 4 and SequenceMatcher(None, one, other, autojunk=False).ratio() >= MIN_SIMILARITY


def _core(text):
    return "".join(letter for letter in text.casefold() if letter.isalnum())
