"""Captions: which words stand when and where, and that a stranger's text stays text."""

import io
import re
import subprocess
from itertools import pairwise

import numpy as np
import pytest
from imageio_ffmpeg import get_ffmpeg_exe
from PIL import Image
from scipy.ndimage import binary_dilation, binary_opening

from animate_text import CAPTION_STYLES, Timeline, Word, caption_pages, captions, scenery, subtitles
from animate_text.caption_pages import Box
from animate_text.colour import READABLE, contrast, palette_from
from animate_text.timeline import HEIGHT, WIDTH, Scene, Shot
from animate_text.words import join, words_of

BOX = Box(65, 269, 910, 1248)
PALETTE = palette_from(4.0, 1.0)
TEXTS = {
    "english": "The mistake everyone makes with this little AI assistant.",
    "long words": "Unbelievably straightforward internationalization of antidisestablishmentarianism",
    "one endless word": "a" * 120,
    "arabic": "هذه أفضل طريقة لتقشير الثوم في المنزل",
    "hebrew": "זה הסוד שאף אחד לא מספר לך",
    "japanese": "このトマトパスタはテーブルの準備ができる前に完成します。",
    "mixed": "أفضل iPhone في 2026 كما يقول الجميع",
    "emoji": "This 🔥 changes 👩‍🍳 everything 🇯🇵 tonight",
}


def timeline(line, style="pop", seconds=6.0):
    words = words_of(line)
    step = (seconds - 1) / max(1, len(words))
    timed = tuple(Word(word, n * step, (n + 1) * step) for n, word in enumerate(words))
    return Timeline((Scene(line, (Shot("cover", seconds),), timed),), caption_style=style)


def drawn(made, tmp_path, fonts, ground="0x585858", rate=3, faces=()):
    """The captions on a plain ground, as RGB frames (number, height, width, 3) at `rate` a second."""
    ass = captions.ass(made, PALETTE, BOX, fonts, 0, made.seconds, 0, faces)
    (tmp_path / "captions.ass").write_text(ass, encoding="utf-8")
    (tmp_path / "use").mkdir(exist_ok=True)
    for font in captions.used_fonts(made, BOX, fonts):
        if not (tmp_path / "use" / font.name).exists():
            (tmp_path / "use" / font.name).symlink_to(font)
    (tmp_path / "fonts.conf").write_text("<fontconfig></fontconfig>")
    source = f"color={ground}:s={WIDTH}x{HEIGHT}:r={rate}:d={made.seconds},format=rgb24"
    filters = f"{source},ass=filename='{tmp_path}/captions.ass':fontsdir='{tmp_path}/use'"
    ran = subprocess.run(
        [get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", filters, "-pix_fmt", "rgb24", "-f", "rawvideo", "-"],
        capture_output=True,
        check=True,
        env={"FONTCONFIG_FILE": str(tmp_path / "fonts.conf")},
    )
    return np.frombuffer(ran.stdout, np.uint8).reshape(-1, HEIGHT, WIDTH, 3)


def inked(frames):
    """The first and last row and column in which any frame differs from its own corner: top, left, bottom, right."""
    touched = np.zeros((HEIGHT, WIDTH), bool)
    for frame in frames:
        touched |= (frame != frame[0, 0]).any(axis=2)
    rows, columns = np.flatnonzero(touched.any(axis=1)), np.flatnonzero(touched.any(axis=0))
    assert rows.size, "nothing was drawn"
    return rows[0], columns[0], rows[-1], columns[-1]


@pytest.mark.parametrize("style", CAPTION_STYLES)
@pytest.mark.parametrize("text", TEXTS, ids=list(TEXTS))
def test_no_pixel_leaves_the_safe_box(text, style, tmp_path, fonts):
    top, left, bottom, right = inked(drawn(timeline(TEXTS[text], style, 4.0), tmp_path, fonts))
    assert left >= BOX.left and right < BOX.right and top >= BOX.top and bottom < BOX.bottom


@pytest.mark.parametrize("style", CAPTION_STYLES)
@pytest.mark.parametrize("ground", ["white", "black", "0xd8c020"])
def test_captions_can_be_read_on_any_ground(style, ground, tmp_path, fonts):
    """The ink against what is next to it: the edge around the letters, or the plate they stand on."""
    frame = drawn(timeline("Everyone makes this mistake", style, 3.0), tmp_path, fonts, ground)[3] / 255
    inked = [np.abs(frame - ink).max(axis=2) < 0.1 for ink in (np.array(PALETTE.accent), np.ones(3))]
    letters = binary_opening(inked[0], iterations=2)  # the word that is said: no other thing has its colour
    assert letters.sum() > 500, "no ink was found"
    ring = binary_dilation(letters, iterations=5) & ~binary_dilation(letters, iterations=3)
    beside = np.median(frame[ring], axis=0)
    assert min(contrast(ink, beside) for ink in (np.array(PALETTE.accent), np.ones(3))) >= READABLE


def test_every_word_is_shown_once_at_its_time():
    made = timeline("One two three four five six seven. Eight nine ten eleven twelve.")
    for style in CAPTION_STYLES:
        pages = caption_pages.pages(made.words(), style, BOX)
        shown = [word for page in pages for word in page.words]
        assert [word.text.lower() for word in shown] == [word.text.lower() for word in made.words()]
        assert [word.start for word in shown] == [word.start for word in made.words()]
        assert all(one.end <= other.start + 1e-9 for one, other in pairwise(pages))


def test_the_last_page_stays_until_the_end():
    made = timeline("Save this for dinner.", seconds=9.0)
    assert caption_pages.pages(made.words(), "pop", BOX, made.seconds)[-1].end >= made.seconds


def test_a_page_ends_with_its_sentence_and_no_word_is_left_alone():
    pages = caption_pages.pages(
        timeline("The secret to crispy potatoes is a rough surface. Try it.").words(), "karaoke", BOX
    )
    assert [len(page.words) for page in pages][-1] == 2
    assert min(len(page.words) for page in pages) >= 2


def test_no_page_ends_in_a_word_that_leans_on_the_next():
    words = timeline("Your lipstick disappears at lunch because you skip this step of the routine.").words()
    for style in CAPTION_STYLES:
        pages = caption_pages.pages(words, style, BOX)
        assert all(len(page.words[-1].text) > 3 for page in pages), [page.words for page in pages]


def test_no_page_is_gone_before_it_can_be_read():
    made = timeline("Follow for more AI.", seconds=2.0).words()  # a quarter of a second each
    pages = caption_pages.pages(made, "pop", BOX)
    assert min(len(page.words) for page in pages) == 2


def test_pages_of_short_words_are_of_about_one_size():
    line = "Save this and follow for more of these travel tips because they are good."
    sizes = [page.size for page in caption_pages.pages(timeline(line).words(), "pop", BOX)]
    assert min(sizes) > 0.75 * max(sizes)


@pytest.mark.parametrize(
    "line", [r"{\an8\fs300}Big", r"a\Nb\hc", "{\\p1}m 0 0 l 500 0{\\p0}", "}{", "\\", "{", "a\nDialogue: 0,x"]
)
def test_text_never_steers_libass(line, tmp_path, fonts):
    made = timeline(f"Hello {line} world", "karaoke", 3.0)
    ass = captions.ass(made, PALETTE, BOX, fonts, 0, made.seconds, 0)
    assert all(event.startswith("Dialogue: ") for event in ass.split("[Events]\n")[1].splitlines()[1:])
    own = re.compile(r"\{(\\(pos|bord|1c|alpha|fn|b|fs|fad|fscx|fscy|t)[^{}\\]*)+\}")
    for event in ass.split("[Events]\n")[1].splitlines()[1:]:
        text = own.sub("", event.split(",,", 1)[1].split(",,", 1)[-1])
        bare = re.sub(r"\\[{}]", "", text)
        assert "{" not in bare and "}" not in bare
        assert not re.search(r"\\(?!\u2060)", bare)
    top, left, bottom, right = inked(drawn(made, tmp_path, fonts))
    assert BOX.top < top and bottom - top < 400 and left > BOX.left and right < BOX.right


def test_words_of_scripts_without_spaces_are_cut_and_joined_without_any():
    line = "このトマトパスタは、すぐに完成します。"
    words = words_of(line)
    assert len(words) > 3
    assert all(word[0] not in "、。" for word in words)
    assert join(words) == line
    assert join(words_of("He said: two words")) == "He said: two words"


def test_emoji_and_control_signs_are_left_out():
    assert words_of("This 🔥 changes\u202e everything\x00") == ("This", "changes", "everything")


def test_subtitles_hold_every_word_in_order_and_no_markup():
    made = timeline("Use <b>bold</b> & --> arrows. Then stop.")
    srt, vtt = subtitles.srt(made), subtitles.vtt(made)
    spoken = " ".join(line for line in srt.splitlines() if line and not line.isdigit() and " --> " not in line)
    assert spoken == "Use <b>bold</b> & → arrows. Then stop."
    assert vtt.startswith("WEBVTT\n\n")
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; --&gt;" in vtt
    times = re.findall(r"(\d\d):(\d\d):(\d\d),(\d{3})", srt)
    seconds = [int(h) * 3600 + int(m) * 60 + int(s) + int(ms) / 1000 for h, m, s, ms in times]
    assert seconds == sorted(seconds)
    assert seconds[-1] <= made.seconds


def test_a_segment_holds_only_the_captions_of_its_time(fonts):
    made = timeline("One two three four five six seven eight nine ten")
    first = captions.ass(made, PALETTE, BOX, fonts, 0, 1, 100)
    assert "ONE" in first and "NINE" not in first
    assert "0:01:40.00" in first
    assert captions.ass(made, PALETTE, BOX, fonts, made.seconds, made.seconds + 1, 0) == ""


def test_a_picture_for_a_draft_is_never_broken():
    assert scenery.open_picture(b"not a picture") is None
    buffer = io.BytesIO()
    Image.new("RGB", (300, 500), "teal").save(buffer, "PNG")
    assert scenery.open_picture(buffer.getvalue()[:60]) is None
    assert scenery.open_picture(buffer.getvalue()).size == (300, 500)
