"""Titles and hashtags on a cover: whatever the text, it is set, and it can be read."""

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFont
from scipy.ndimage import binary_dilation

from animate_text import layouts, typefaces, typesetting, wording
from animate_text.colour import READABLE, contrast, palette_from
from tests.pictures import PICTURES, TITLES, jpeg, laid_out, opened, scene

# Reading it


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", PICTURES)
def test_the_words_stand_out_from_every_pixel_around_them(kind, seed):
    ground, finished = laid_out("Five hidden gems", PICTURES[kind], seed)
    box = ImageChops.difference(ground, finished).getbbox()
    ground, finished = (np.pad(part.crop(box), ((9, 9), (9, 9), (0, 0)), "edge") for part in (ground, finished))
    changed = (ground != finished).any(axis=-1)
    colours, counts = np.unique(finished[changed], axis=0, return_counts=True)
    inks = colours[counts > 0.03 * counts.sum()]  # what is less frequent lies between ink and ground
    assert len(inks) in (1, 2)
    for colour in inks:
        around = binary_dilation((finished == colour).all(axis=-1) & changed, iterations=5)
        assert contrast(ground[around] / 255, colour / 255).min() >= READABLE


@pytest.mark.parametrize(
    "pair",
    ["light dark", "accent dark", "deep light", "dark light", "dark accent"],
)
def test_inks_can_be_read_on_their_grounds_in_every_hue(pair):
    first, second = pair.split()
    hues = np.linspace(0, 2 * np.pi, 13)
    palettes = [palette_from(ground, accent) for ground in hues for accent in hues]
    ratios = [contrast(np.array(getattr(p, first)), np.array(getattr(p, second))) for p in palettes]
    assert min(ratios) >= READABLE + 0.1


@pytest.mark.parametrize("title", [*TITLES, "W" * 300, "", "Ǻģ ẤỌ̣", "שלום עולם"], ids=lambda title: title[:12])
@pytest.mark.parametrize("seed", range(4))
def test_the_words_stay_inside_the_safe_area(title, seed):
    ground, finished = (np.asarray(part, int) for part in laid_out(title, PICTURES["grey"], seed))
    rows, columns = np.nonzero(np.abs(ground - finished).sum(axis=-1) > 8)
    assert rows.min() >= 220 and rows.max() < 1920 - 420
    assert columns.min() >= 60 and columns.max() < 1080 - 140


@pytest.fixture(scope="module")
def read():
    from rapidocr_onnxruntime import RapidOCR

    ocr = RapidOCR()

    def read(png):
        half = np.asarray(opened(png).resize((540, 960)))  # as large as on a phone, and quicker
        return " ".join(line[1] for line in ocr(half[..., ::-1])[0] or [])

    return read


def letters_read(title, text):
    """The share of a title's letters and digits that a text holds in their order."""
    from difflib import SequenceMatcher

    wanted, found = ("".join(sign for sign in part.lower() if sign.isalnum()) for part in (title, text))
    blocks = SequenceMatcher(None, wanted, found, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / len(wanted)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "title"), list(enumerate(TITLES)), ids=lambda part: str(part)[:20])
def test_ocr_reads_the_title_back(make, read, number, title):
    assert letters_read(title, read(make(title, seed=number))) >= 0.9


@pytest.mark.slow
def test_ocr_reads_the_title_over_a_busy_picture_with_captions_of_its_own(make, read):
    busy = scene(spread=110)
    pen = ImageDraw.Draw(busy)
    face = ImageFont.truetype(str(typefaces.display_face()), 44)
    for y in (150, 400, 650):
        pen.text((30, y), "OLD CAPTION WORDS", fill="white", font=face, stroke_width=4, stroke_fill="black")
    title = "Crispy potatoes, every time"
    assert letters_read(title, read(make(title, stills=[jpeg(busy)]))) >= 0.9


# Any title


@pytest.mark.parametrize(
    ("title", "plain"),
    [
        ("  Two \n\t words  ", "Two words"),
        ("<b>bold</b> & {{7*7}} %s '; DROP TABLE", "<b>bold</b> & {{7*7}} %s '; DROP TABLE"),
        ("\x00a\x07b\x1b[31mc\x7f", "a b [31mc"),
        ("safe\u202eevil\u2066x\u2069\u200f", "safeevilx"),
        ("\ufeffzero\u200bwidth\u00adhyphen", "zerowidthhyphen"),
        ("Glow 🔥 up 👩‍🍳 now ❤️", "Glow up \u200d now ❤"),
        ("e" + "\u0301" * 50, "é" + "\u0301" * typefaces.MAX_MARKS),
        ("\u0301 lonely", "lonely"),
        ("\ud800 half a pair", "half a pair"),
        ("\ue000\U0010fffd private", "private"),
    ],
)
def test_a_title_is_plain_text(title, plain):
    assert typefaces.clean(title).replace("\u200d ", "") == plain.replace("\u200d ", "")


@pytest.mark.parametrize("title", ["", " \n ", "🔥🔥", "\u202e", "\u0301"])
def test_a_title_of_nothing_leaves_the_picture_alone(title):
    assert not wording.set_title(typefaces.clean(title), 800).lines


def test_no_words_at_all_leave_the_picture_alone(make, stills):
    assert len(make("", [])) > 10_000
    ground, finished = laid_out("", PICTURES["scene"], 1, [])
    assert finished.tobytes() == ground.tobytes() == PICTURES["scene"].tobytes()


@pytest.mark.parametrize("title", TITLES)
def test_nothing_of_a_reasonable_title_is_left_out(title):
    block = wording.set_title(title, 780)
    assert "".join(block.lines).replace("-", "").replace(" ", "") == title.replace("-", "").replace(" ", "")


def test_300_characters_fit_whole():
    title = ("a quick brown fox jumps over " * 11)[:300].strip()
    assert " ".join(wording.set_title(title, 780).lines) == title


def test_5000_characters_end_in_an_ellipsis():
    block = wording.set_title(typefaces.clean("many words " * 455), 780)
    assert block.lines[-1].endswith("…") and len(" ".join(block.lines)) > 250
    assert block.height <= 860


def test_short_titles_are_set_larger_than_long_ones():
    sizes = [wording.set_title(title, 780).style.size for title in ("AI", TITLES[1], TITLES[5], TITLES[7])]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] > 2 * sizes[-1]


def test_lines_are_balanced():
    block = wording.set_title("Three prompts that will save you an hour today", 780)
    assert min(block.widths) > 0.5 * max(block.widths) and max(block.widths) <= 780


def test_words_longer_than_a_line_are_broken_with_a_hyphen():
    word = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
    lines = wording.set_title(word, 780).lines
    assert all(line.endswith("-") for line in lines[:-1])
    assert "".join(line.rstrip("-") for line in lines) == word


def test_addresses_are_broken_behind_their_signs():
    lines = wording.set_title("https://example.com/a/very/long/path/that/never/ends/index.html", 780).lines
    assert all(line[-1] in "/.:" for line in lines[:-1])


def test_lines_do_not_touch():
    block = wording.set_title("ÂÅÇ ģjpq ŸẪ Ộģjy ẨÅj", 400)
    canvas = Image.new("RGB", (500, 1200))
    typesetting.draw(block, ImageDraw.Draw(canvas), (20, 20, 480), "left", (255, 255, 255))
    inked = np.asarray(canvas.convert("L")).max(axis=1) > 40
    assert np.count_nonzero(np.diff(inked.astype(int)) == 1) >= len(block.lines) > 1
    assert inked.nonzero()[0].max() + 1 - 20 == pytest.approx(block.height, abs=3)


# Hashtags


def tags_of(hashtags):
    return [
        block.lines[0]
        for block, _, _ in layouts.arrange("T", hashtags, PICTURES["grey"], np.random.default_rng(1)).tags
    ]


def test_hashtags_are_cleaned_and_taken_once():
    assert tags_of(["#AI", "AI", " machine learning ", "", "#", "🔥", "a\u202eb"]) == ["#AI", "#MachineLearning", "#ab"]


def test_hashtags_take_two_rows_at_most():
    layout = layouts.arrange("T", [f"hashtag{n}" for n in range(500)], PICTURES["grey"], np.random.default_rng(1))
    assert len({baseline for _, _, baseline in layout.tags}) == 2


def test_a_hashtag_wider_than_the_picture_is_left_out():
    assert tags_of(["x" * 300, "short"]) == ["#short"]
