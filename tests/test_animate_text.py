import io
import subprocess

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFont
from scipy.ndimage import binary_dilation

import animate_text
import engines
from animate_text import lettering, poster, typefaces, typesetting
from animate_text.colour import READABLE, contrast, from_oklab, palette_from, palette_of, to_oklab
from settings import Settings

TAGS = ["AI", "MachineLearning", "TechInnovation"]
TITLES = [
    "AI",
    "3 prompts that save an hour",
    "Crispy potatoes, every time",
    "5 Hidden Gems You Must See Before Summer Ends",
    "One white shirt, three outfits",
    "Why your skincare routine isn't working (and what to do instead)",
    "Unbelievably straightforward internationalization",
    "How three students built a small language model on an old laptop, taught it to sort recipes by mood, and used it "
    "to plan a week of dinners that cost less than thirty dollars",
]


def jpeg(picture, **options):
    file = io.BytesIO()
    picture.save(file, "JPEG", **{"quality": 92, **options})
    return file.getvalue()


def scene(size=(540, 960), seed=0, brightness=120, spread=60):
    """A picture with large and small detail, like a photograph: noise whose strength falls with its frequency."""
    random = np.random.default_rng(seed)
    total = np.zeros((size[1], size[0], 3))
    for step in (4, 12, 40, 160):
        noise = random.normal(0, 1, (step * size[1] // size[0] + 1, step + 1, 3))
        layer = Image.fromarray(np.uint8(np.clip(128 + 40 * noise, 0, 255))).resize(size, Image.Resampling.BICUBIC)
        total += (np.asarray(layer, dtype=float) - 128) / 40 * spread / step**0.4
    return Image.fromarray(np.uint8(np.clip(brightness + total, 0, 255)))


@pytest.fixture(scope="module")
def stills(samples):
    """Two frames of each of three sample clips."""
    from imageio_ffmpeg import get_ffmpeg_exe

    frames = []
    for clip in sorted(samples.glob("*/*.mp4"))[::5]:
        for second in ("3", "8"):
            command = [get_ffmpeg_exe(), "-v", "error", "-ss", second, "-i", str(clip), "-frames:v", "1"]
            done = subprocess.run([*command, "-f", "mjpeg", "-q:v", "3", "-"], check=True, capture_output=True)
            frames.append(done.stdout)
    assert len(frames) >= 2
    return frames


@pytest.fixture
def make(settings, stills):
    def make(title="A title", hashtags=TAGS, seed=1, prompt="soft light", stills=stills, report=engines.silent):
        return animate_text.generate(prompt, title, hashtags, stills, seed, settings, report).value.png

    return make


def opened(png):
    return Image.open(io.BytesIO(png)).convert("RGB")


def pixels(png):
    return np.asarray(opened(png))


def laid_out(title, picture, seed, hashtags=TAGS):
    """The picture prepared for the words, and the same with them."""
    palette = palette_of(picture, [], seed)
    layout = lettering.arrange(title, hashtags, picture, np.random.default_rng(seed))
    ground = lettering.ground(picture, layout, palette)
    return ground, lettering.ink(ground, layout, palette)


# The picture


def test_a_cover_is_a_portrait_png_of_moderate_size(make):
    png = make("Crispy potatoes, every time")
    picture = Image.open(io.BytesIO(png))
    assert (picture.format, picture.size, picture.mode) == ("PNG", (1080, 1920), "RGB")
    assert len(png) < 3_000_000


def test_the_poster_needs_nothing_set_up_and_says_its_name(settings, stills):
    answer = animate_text.generate("", "Title", TAGS, stills, 1, settings)
    assert (answer.engine, answer.warnings) == ("poster", ())


def test_the_same_arguments_give_the_same_bytes(make):
    assert make("Twice", seed=5) == make("Twice", seed=5)
    assert make("Twice", seed=5, stills=[]) == make("Twice", seed=5, stills=[])


@pytest.mark.parametrize("used", ["stills", "none"])
def test_seeds_differ(make, stills, used):
    covers = {make("Once", seed=seed, stills=stills[:2] if used == "stills" else []) for seed in (-3, 0, 1, 2, 10**30)}
    assert len(covers) == 5


def test_without_stills_the_prompt_decides_the_colours(make):
    first, second = (pixels(make("", [], stills=[], prompt=prompt)) for prompt in ("a calm beach", "a neon city"))
    assert np.abs(first.mean((0, 1)) - second.mean((0, 1))).max() > 8
    assert first.std() > 15


def test_stills_can_be_recognised_after_grading(make):
    still = scene(seed=4)
    cover = opened(make("", [], stills=[jpeg(still)], seed=2)).convert("L").resize((54, 96))
    before = lettering.fill(still, zoom=1.02).convert("L").resize((54, 96))
    assert np.corrcoef(np.asarray(cover).ravel(), np.asarray(before).ravel())[0, 1] > 0.97


def test_hues_move_towards_the_palette():
    still, palette = scene(seed=4), palette_from(4.0, 4.2)
    before, after = (to_oklab(np.asarray(picture) / 255) for picture in (still, poster.grade(still, palette)))
    towards = np.array([np.cos(4.1), np.sin(4.1)])
    assert (after[..., 1:] @ towards).mean() > (before[..., 1:] @ towards).mean() + 0.01


def test_a_sharp_and_well_exposed_still_is_chosen():
    sharp = scene(seed=1)
    blurred = sharp.resize((40, 70)).resize(sharp.size)
    dark, burnt = scene(seed=1, brightness=12, spread=12), scene(seed=1, brightness=250, spread=12)
    for order in ([blurred, dark, sharp, burnt], [burnt, sharp, blurred, dark]):
        assert order[poster._choose(order, 0)] is sharp


def test_a_still_without_old_captions_is_preferred():
    plain, captioned = scene(seed=2, spread=20), scene(seed=2, spread=20)
    pen = ImageDraw.Draw(captioned)
    pen.rectangle((60, 180, 480, 260), fill="black")
    pen.text((80, 190), "STYLE MATH IN USE", fill="white", font=ImageFont.truetype(str(typefaces.display_face()), 40))
    assert [poster._choose([plain, captioned], 0), poster._choose([captioned, plain], 0)] == [0, 1]


@pytest.mark.parametrize("size", [(540, 960), (960, 540), (720, 720), (64, 1200), (1200, 64), (33, 33), (1620, 2880)])
def test_stills_of_any_shape_cover_the_picture(make, size):
    cover = pixels(make("", [], stills=[jpeg(scene().resize(size))]))
    assert cover.shape == (1920, 1080, 3)
    assert min(edge.std() for edge in (cover[0], cover[-1], cover[:, 0], cover[:, -1])) > 0.5


def test_the_part_of_a_wide_still_with_the_most_detail_is_kept():
    still = Image.new("RGB", (1600, 900), "grey")
    still.paste(scene((400, 900)), (1100, 0))
    assert np.asarray(lettering.fill(still).resize((9, 16))).std(axis=(0, 1)).min() > 3


def test_a_turned_still_is_set_upright(make):
    upright = scene(seed=3)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    turned = jpeg(upright.transpose(Image.Transpose.ROTATE_90), exif=exif)
    small = [opened(make("", [], stills=[still])).convert("L").resize((54, 96)) for still in (jpeg(upright), turned)]
    assert np.corrcoef(*(np.asarray(picture).ravel() for picture in small))[0, 1] > 0.97


# Stills nobody should trust


def enormous():
    """A JPEG of a few hundred bytes that claims to be 65,000 x 65,000 pixels."""
    data = bytearray(jpeg(Image.new("RGB", (16, 16))))
    start = data.index(b"\xff\xc0") + 5
    data[start : start + 4] = (65000).to_bytes(2) * 2
    return bytes(data)


def as_png(picture):
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


BROKEN = {
    "nothing": b"",
    "no picture": b"not a picture",
    "zeros": bytes(2000),
    "the first half": jpeg(scene())[: len(jpeg(scene())) // 2],
    "noise behind a header": jpeg(scene())[:700] + np.random.default_rng(0).bytes(5000),
    "another format": as_png(scene((90, 160))),
    "enormous": enormous(),
    "one pixel": jpeg(Image.new("RGB", (1, 1))),
    "black": jpeg(Image.new("RGB", (540, 960))),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_still_that_cannot_be_used_is_passed_over(make, kind):
    good = jpeg(scene(seed=6))
    assert make(stills=[BROKEN[kind], good]) == make(stills=[good])


def test_with_broken_stills_only_there_is_a_cover_all_the_same(make):
    assert make(stills=list(BROKEN.values())) == make(stills=[])


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_grey_and_print_colours_work(make, mode):
    assert pixels(make(stills=[jpeg(scene().convert(mode))])).shape == (1920, 1080, 3)


def test_of_a_great_many_stills_a_part_is_looked_at(make):
    many = [jpeg(Image.new("RGB", (48, 80), (n % 256, 90, 40))) for n in range(1000)]
    assert pixels(make(stills=[*many, jpeg(scene())])).shape == (1920, 1080, 3)


# Reading it

PICTURES = {
    "white": Image.new("RGB", (1080, 1920), "white"),
    "black": Image.new("RGB", (1080, 1920), "black"),
    "grey": Image.new("RGB", (1080, 1920), "grey"),
    "checks": Image.fromarray(np.uint8(np.kron(np.indices((48, 27)).sum(0) % 2 * 255, np.ones((40, 40))))).convert(
        "RGB"
    ),
    "scene": scene((1080, 1920), spread=90),
}


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
    ["light dark", "accent dark", "deep light", "light shade", "accent shade", "dark mist", "deep mist", "dark accent"],
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
        ("e" + "\u0301" * 50, "é" + "\u0301" * typefaces.MARKS),
        ("\u0301 lonely", "lonely"),
        ("\ud800 half a pair", "half a pair"),
        ("\ue000\U0010fffd private", "private"),
    ],
)
def test_a_title_is_plain_text(title, plain):
    assert typefaces.clean(title).replace("\u200d ", "") == plain.replace("\u200d ", "")


@pytest.mark.parametrize("title", ["", " \n ", "🔥🔥", "\u202e", "\u0301"])
def test_a_title_of_nothing_leaves_the_picture_alone(title):
    assert not lettering.set_title(typefaces.clean(title), 800).lines


def test_no_words_at_all_leave_the_picture_alone(make, stills):
    assert len(make("", [])) > 10_000
    ground, finished = laid_out("", PICTURES["scene"], 1, [])
    assert finished.tobytes() == ground.tobytes() == PICTURES["scene"].tobytes()


@pytest.mark.parametrize("title", TITLES)
def test_nothing_of_a_reasonable_title_is_left_out(title):
    block = lettering.set_title(title, 780)
    assert "".join(block.lines).replace("-", "").replace(" ", "") == title.replace("-", "").replace(" ", "")


def test_300_characters_fit_whole():
    title = ("a quick brown fox jumps over " * 11)[:300].strip()
    assert " ".join(lettering.set_title(title, 780).lines) == title


def test_5000_characters_end_in_an_ellipsis():
    block = lettering.set_title(typefaces.clean("many words " * 455), 780)
    assert block.lines[-1].endswith("…") and len(" ".join(block.lines)) > 250
    assert block.height <= 860


def test_short_titles_are_set_larger_than_long_ones():
    sizes = [lettering.set_title(title, 780).style.size for title in ("AI", TITLES[1], TITLES[5], TITLES[7])]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] > 2 * sizes[-1]


def test_lines_are_balanced():
    block = lettering.set_title("Three prompts that will save you an hour today", 780)
    assert min(block.widths) > 0.5 * max(block.widths) and max(block.widths) <= 780


def test_words_longer_than_a_line_are_broken_with_a_hyphen():
    word = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
    lines = lettering.set_title(word, 780).lines
    assert all(line.endswith("-") for line in lines[:-1])
    assert "".join(line.rstrip("-") for line in lines) == word


def test_addresses_are_broken_behind_their_signs():
    lines = lettering.set_title("https://example.com/a/very/long/path/that/never/ends/index.html", 780).lines
    assert all(line[-1] in "/.:" for line in lines[:-1])


def test_lines_do_not_touch():
    block = lettering.set_title("ÂÅÇ ģjpq ŸẪ Ộģjy ẨÅj", 400)
    canvas = Image.new("RGB", (500, 1200))
    typesetting.draw(block, ImageDraw.Draw(canvas), (20, 20, 480), "left", (255, 255, 255))
    inked = np.asarray(canvas.convert("L")).max(axis=1) > 40
    assert np.count_nonzero(np.diff(inked.astype(int)) == 1) >= len(block.lines) > 1
    assert inked.nonzero()[0].max() + 1 - 20 == pytest.approx(block.height, abs=3)


# Fonts


def is_drawn(path, sign):
    try:
        face = ImageFont.truetype(str(path), 60, layout_engine=ImageFont.Layout.BASIC)
    except OSError:  # a font of coloured bitmaps
        return False
    return bytes(face.getmask(sign)) not in (bytes(face.getmask("\U0010fffd")), b"")


MIXED = "Ag Жизнь Ωμέγα שלום مرحبا नमस्ते 夏の旅 Phở ★ ₿ ᚠ \u0378 한글 ไทย"


def test_no_character_is_set_in_a_font_that_lacks_it():
    for word in MIXED.split():
        fonts = typefaces.fonts_for(word)
        for part in typefaces.clusters(typefaces.only_set(word, fonts)):
            assert all(is_drawn(fonts[part], sign) for sign in part if sign not in typefaces.JOINERS)


def test_the_display_face_sets_latin_greek_and_cyrillic():
    fonts = typefaces.fonts_for("AgßłộЖщїΩλέ€“”–123#&")
    assert set(fonts.values()) == {typefaces.display_face()} and len(fonts) == 20


def test_what_the_display_face_lacks_is_set_in_a_system_font():
    sign = next((sign for sign in "ש★♞ᚠ夏न" if any(is_drawn(path, sign) for path in typefaces.system_fonts())), None)
    if sign is None:
        pytest.skip("this machine has no font that has more than the display face")
    assert typefaces.fonts_for(sign)[sign] in typefaces.system_fonts()


def test_a_character_that_no_font_has_is_left_out_not_drawn_as_a_box(make):
    missing = "\u0378\U000e0001\U00012ff0"  # two that are not assigned, one of a script that few fonts know
    missing = "".join(sign for sign in missing if not any(is_drawn(path, sign) for path in typefaces.system_fonts()))
    assert make(f"Be{missing}fore {missing}after") == make("Before after")


def test_a_title_that_no_font_can_set_is_left_out(monkeypatch):
    monkeypatch.setattr(typefaces, "system_fonts", tuple)
    monkeypatch.setattr(typefaces, "_found", {})
    assert not lettering.set_title("夏に行きたい: 名所!", 780).lines
    assert lettering.set_title("Summer 夏", 780).lines == ("Summer",)


def test_a_mark_is_never_set_in_another_font_than_its_letter():
    for part, path in typefaces.fonts_for("a\u20d7 x\u0489 o\u1ab0").items():
        assert all(is_drawn(path, sign) for sign in part)


def test_a_broken_font_file_is_passed_over(monkeypatch, tmp_path):
    bad = tmp_path / "bad-Bold.ttf"
    bad.write_bytes(b"\x00\x01\x00\x00 no font")
    monkeypatch.setattr(typefaces, "system_fonts", lambda: (bad,))
    monkeypatch.setattr(typefaces, "_found", {})
    assert typefaces.fonts_for("A夏") == {"A": typefaces.display_face()}


def test_right_to_left_titles_are_set_in_one_font_and_to_the_right():
    title = "שלום AI 2026"
    if not any(is_drawn(path, "ש") for path in typefaces.system_fonts()):
        pytest.skip("this machine has no Hebrew font")
    assert len(set(typefaces.fonts_for(title).values())) == 1
    assert lettering.arrange(title, [], PICTURES["grey"], np.random.default_rng(1)).align == "right"


# Hashtags


def tags_of(hashtags):
    return [
        block.lines[0]
        for block, _, _ in lettering.arrange("T", hashtags, PICTURES["grey"], np.random.default_rng(1)).tags
    ]


def test_hashtags_are_cleaned_and_taken_once():
    assert tags_of(["#AI", "AI", " machine learning ", "", "#", "🔥", "a\u202eb"]) == ["#AI", "#machinelearning", "#ab"]


def test_hashtags_take_two_rows_at_most():
    layout = lettering.arrange("T", [f"hashtag{n}" for n in range(500)], PICTURES["grey"], np.random.default_rng(1))
    assert len({baseline for _, _, baseline in layout.tags}) == 2


def test_a_hashtag_wider_than_the_picture_is_left_out():
    assert tags_of(["x" * 300, "short"]) == ["#short"]


# Colour


def test_oklab_is_ottossons():
    # The pairs that his article gives for XYZ, and white, black and red in sRGB.
    assert to_oklab(np.ones(3)) == pytest.approx([1, 0, 0], abs=1e-4)
    assert to_oklab(np.zeros(3)) == pytest.approx([0, 0, 0], abs=1e-6)
    assert to_oklab(np.array([1.0, 0, 0])) == pytest.approx([0.62796, 0.22486, 0.12585], abs=1e-4)
    colours = np.random.default_rng(0).random((50, 3))
    assert from_oklab(to_oklab(colours)) == pytest.approx(colours, abs=1e-5)


def test_contrast_is_that_of_wcag():
    assert contrast(np.ones(3), np.zeros(3)) == pytest.approx(21)
    assert contrast(np.full(3, 0x76 / 255), np.ones(3)) == pytest.approx(4.54, abs=0.01)


def test_the_palette_is_taken_from_the_picture():
    half = Image.new("RGB", (100, 100), (30, 60, 200))
    half.paste((240, 120, 20), (0, 60, 100, 100))
    palette = palette_of(half, [], 0)
    hue = [np.arctan2(*to_oklab(np.array(part))[:0:-1]) for part in (palette.cool, palette.accent)]
    wanted = [np.arctan2(*to_oklab(np.array(part) / 255)[:0:-1]) for part in ((30, 60, 200), (240, 120, 20))]
    assert np.cos(np.subtract(hue, wanted)).min() > 0.9


def test_a_picture_without_colour_has_a_palette_all_the_same():
    assert palette_of(Image.new("RGB", (50, 50), "grey"), [], 1) != palette_of(
        Image.new("RGB", (50, 50), "grey"), [], 2
    )


# Progress


def test_progress_is_reported_to_the_end(make):
    seen = []
    make(report=lambda done, total, what: seen.append((done, total, bool(what))))
    assert seen == [(done, 3, True) for done in range(4)]


@pytest.mark.parametrize("step", range(4))
def test_a_cancelled_search_stops_at_the_next_step(make, step):
    def report(done, total, what):
        if done == step:
            raise engines.Cancelled

    with pytest.raises(engines.Cancelled):
        make(report=report)


def test_no_engine_is_no_picture(stills, monkeypatch):
    monkeypatch.delitem(animate_text.ENGINES, "stable-diffusion", raising=False)
    only = Settings.read({"IMAGE_ENGINES": "stable-diffusion"})
    with pytest.raises(engines.NoneWorked):
        animate_text.generate("", "T", [], stills, 1, only)
