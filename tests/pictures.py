"""Pictures, titles and tags for the tests of covers."""

import io

import numpy as np
from PIL import Image

from animate_text import layouts, lettering, plates
from animate_text.colour import palette_of

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


def opened(png):
    return Image.open(io.BytesIO(png)).convert("RGB")


def pixels(png):
    return np.asarray(opened(png))


def laid_out(title, picture, seed, hashtags=TAGS):
    """The picture prepared for the words, and the same with them."""
    palette = palette_of(picture, [], seed)
    layout = layouts.arrange(title, hashtags, picture, np.random.default_rng(seed))
    ground = plates.ground(picture, layout, palette)
    return ground, lettering.ink(ground, layout, palette)


PICTURES = {
    "white": Image.new("RGB", (1080, 1920), "white"),
    "black": Image.new("RGB", (1080, 1920), "black"),
    "grey": Image.new("RGB", (1080, 1920), "grey"),
    "checks": Image.fromarray(np.uint8(np.kron(np.indices((48, 27)).sum(0) % 2 * 255, np.ones((40, 40))))).convert(
        "RGB"
    ),
    "scene": scene((1080, 1920), spread=90),
}
