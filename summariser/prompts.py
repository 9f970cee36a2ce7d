"""What to ask of the music and of the picture: the described mood and scene nearest in meaning to the clips."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from embeddings import embed
from summariser.keywords import Keyword, a_or_an, subjects

MOST_SUBJECTS = 3  # keywords that the picture shows
_NEAR = 0.15  # cosine below which clips and a description have nothing to do with each other
_TEMPO_STEP = 4  # beats per minute that an exclamation adds
_FASTER_AT_MOST = 8  # beats per minute


@dataclass(frozen=True)
class Mood:
    """`suits` describes clips that the music goes with; `tempo` is in beats per minute."""

    suits: str
    mood: str
    style: str
    tempo: int
    instruments: str


@dataclass(frozen=True)
class Scene:
    """`suits` describes clips; `piece` is what a creator makes of them, things come `together` in it, and the rest is
    how a picture of it looks."""

    suits: str
    piece: str
    together: str
    setting: str
    style: str
    mood: str
    light: str
    composition: str


_ANY_MOOD = Mood(
    "everyday life, a simple tip", "bright, easy-going", "acoustic pop", 104, "acoustic guitar, soft bass and claps"
)
MOODS = (
    Mood(
        "artificial intelligence, software, computers, gadgets, coding, prompts",
        "driving, curious",
        "electronic",
        118,
        "synth bass, plucked synths and crisp drums",
    ),
    Mood(
        "cooking a recipe, food, ingredients, kitchen, dinner, restaurant",
        "warm, playful",
        "acoustic funk",
        104,
        "upright bass, nylon guitar, brushed drums and finger snaps",
    ),
    Mood(
        "makeup, skincare, skin, lipstick, beauty routine, hair",
        "smooth, glowing",
        "dream pop",
        92,
        "electric piano, airy pads, soft claps and deep bass",
    ),
    Mood(
        "outfit, fashion, clothes, jeans, style, wardrobe, shopping",
        "confident, stylish",
        "deep house",
        122,
        "house piano, round bass, open hi-hats and a steady kick drum",
    ),
    Mood(
        "travel, beach, city trip, hidden places, train journey, hotel, holiday",
        "uplifting, adventurous",
        "indie folk",
        112,
        "strummed acoustic guitar, ukulele, bells and stomping drums",
    ),
    Mood(
        "workout, gym, running, training, sport, football",
        "powerful, energetic",
        "trap",
        140,
        "distorted bass, brass stabs, rolling hi-hats and heavy drums",
    ),
    Mood(
        "meditation, yoga, sleep, mindfulness, anxiety, breathing",
        "calm, peaceful",
        "ambient",
        70,
        "soft piano, warm pads and distant chimes",
    ),
    Mood(
        "childhood memories, family, books, study, a story from the past",
        "nostalgic, mellow",
        "lo-fi hip hop",
        82,
        "dusty electric piano, mellow guitar, vinyl crackle and lazy drums",
    ),
    Mood(
        "funny pets, dogs, cats, jokes, pranks, babies",
        "quirky, cheerful",
        "ukulele pop",
        120,
        "ukulele, pizzicato strings, xylophone and hand claps",
    ),
    Mood(
        "money, business, saving, investing, career, productivity",
        "focused, optimistic",
        "corporate pop",
        108,
        "muted guitar, marimba, light piano and tight drums",
    ),
    Mood(
        "video games, gaming, streaming, esports, space, science fiction",
        "tense, exciting",
        "synthwave",
        128,
        "arpeggiated synths, analog bass and gated drums",
    ),
    Mood(
        "mystery, true crime, ghost, horror, danger, history of war",
        "dark, suspenseful",
        "cinematic",
        84,
        "low strings, ticking percussion, piano and deep drums",
    ),
    Mood(
        "nature, mountains, forest, animals in the wild, garden, plants, weather",
        "wide, dreamy",
        "cinematic folk",
        88,
        "piano, cello, fingerpicked guitar and soft drums",
    ),
    Mood(
        "party, dance, festival, wedding, celebration, summer night",
        "joyful, sunny",
        "Latin dance",
        116,
        "brass, piano, congas, shakers and bouncing bass",
    ),
    Mood(
        "heartbreak, loss, loneliness, love, relationship",
        "tender, melancholic",
        "piano ballad",
        68,
        "felt piano, strings and quiet bass",
    ),
    Mood(
        "home decoration, cleaning, crafts, repair, furniture, tools, paint, cars",
        "bright, handmade",
        "acoustic pop",
        100,
        "acoustic guitar, glockenspiel, whistling and wooden percussion",
    ),
)

_ANY_SCENE = Scene(
    "everyday life, a simple tip",
    "clip",
    "in one clip",
    "in a tidy, bright room",
    "clean editorial",
    "fresh, friendly",
    "soft daylight",
    "one clear subject with free space above",
)
SCENES = (
    Scene(
        "artificial intelligence, software, computers, gadgets, coding, prompts",
        "workflow",
        "in one workflow",
        "on a dark desk with glowing screens",
        "sleek futuristic",
        "curious, focused",
        "cool cyan and violet rim light",
        "centred close-up with deep background blur",
    ),
    Scene(
        "cooking a recipe, food, ingredients, kitchen, dinner, restaurant",
        "dish",
        "in one dish",
        "on a rustic wooden table",
        "rich food-magazine",
        "warm, appetising",
        "golden window light",
        "overhead view with steam and scattered crumbs",
    ),
    Scene(
        "makeup, skincare, skin, lipstick, beauty routine, hair",
        "routine",
        "in one routine",
        "on a marble vanity beside a mirror",
        "glossy beauty-editorial",
        "fresh, radiant",
        "soft diffused morning light",
        "tight close-up with pastel negative space",
    ),
    Scene(
        "outfit, fashion, clothes, jeans, style, wardrobe, shopping",
        "outfit",
        "in one outfit",
        "on a model against a plain studio wall",
        "modern fashion-editorial",
        "confident, effortless",
        "crisp directional studio light",
        "full-length figure with strong vertical lines",
    ),
    Scene(
        "travel, beach, city trip, hidden places, train journey, hotel, holiday",
        "trip",
        "on one trip",
        "in a wide landscape",
        "cinematic travel",
        "adventurous, serene",
        "low golden-hour sun",
        "leading lines from the foreground to a far horizon",
    ),
    Scene(
        "workout, gym, running, training, sport, football",
        "workout",
        "in one workout",
        "in a dim gym",
        "gritty sports-campaign",
        "determined, powerful",
        "hard side light with haze",
        "low angle on a moving figure",
    ),
    Scene(
        "meditation, yoga, sleep, mindfulness, health, breathing",
        "ritual",
        "in one ritual",
        "in a quiet room with linen and plants",
        "minimal wellness",
        "calm, restful",
        "pale dawn light",
        "wide negative space around one subject",
    ),
    Scene(
        "books, study, school, learning, writing, memories",
        "study session",
        "in one study session",
        "on an old desk by a window",
        "cosy analogue-film",
        "thoughtful, nostalgic",
        "warm lamp light",
        "still life seen from slightly above",
    ),
    Scene(
        "pets, dogs, cats, animals, babies, children",
        "scene",
        "in one scene",
        "in a sunny living room",
        "candid lifestyle",
        "playful, affectionate",
        "bright natural light",
        "eye-level close-up",
    ),
    Scene(
        "money, business, saving, investing, career, productivity",
        "plan",
        "in one plan",
        "on a clean office desk",
        "crisp business-magazine",
        "focused, optimistic",
        "cool morning light",
        "orderly grid seen from above",
    ),
    Scene(
        "video games, gaming, streaming, music, dance, party",
        "session",
        "in one session",
        "in a room lit by neon",
        "vivid synthwave",
        "excited, electric",
        "magenta and blue neon light",
        "dynamic diagonal framing",
    ),
    Scene(
        "nature, mountains, forest, garden, plants, weather",
        "walk",
        "on one walk",
        "in lush green surroundings",
        "fine-art nature",
        "quiet, wondering",
        "misty morning light",
        "layered depth from leaf to horizon",
    ),
    Scene(
        "home decoration, cleaning, crafts, repair, furniture, tools, cars",
        "project",
        "in one project",
        "in a bright workshop",
        "warm lifestyle",
        "handmade, cheerful",
        "clear side window light",
        "hands at work in the middle third",
    ),
)


def nearest_scene(topic: np.ndarray) -> Scene:
    """The scene that suits clips of this meaning; `topic` has shape (384,) and is zeros where nothing is known."""
    return _nearest(SCENES, topic) or _ANY_SCENE


def music(topic: np.ndarray, summary: str) -> str:
    """A sentence for MusicGen: mood, style, tempo and instruments. Exclamations in the summary make it faster."""
    mood = _nearest(MOODS, topic) or _ANY_MOOD
    tempo = mood.tempo + min(_FASTER_AT_MOST, _TEMPO_STEP * summary.count("!"))
    article = a_or_an(mood.mood).capitalize()
    return (
        f"{article} {mood.mood} {mood.style} instrumental at {tempo} BPM with {mood.instruments},"
        " a catchy opening and a clean, modern mix."
    )


def image(keywords: Sequence[Keyword], scene: Scene) -> str:
    """A sentence of at most 60 words for Stable Diffusion: subject, setting, style, mood, light and composition."""
    subject = listed([keyword.in_sentence() for keyword in subjects(keywords)[:MOST_SUBJECTS]]) or "an everyday moment"
    return (
        f"{a_or_an(scene.style).capitalize()} {scene.style} photograph of {subject} {scene.setting},"
        f" {scene.mood} mood, {scene.light}, {scene.composition}, tall portrait format, sharp focus, no text."
    )


def listed(parts: Sequence[str]) -> str:
    """Join as in a sentence: "a", "a and b", "a, b and c"."""
    return " and ".join([part for part in [", ".join(parts[:-1]), *parts[-1:]] if part])


def _nearest(described, topic):
    nearness = _suits(described) @ topic if topic.any() else np.zeros(len(described))
    best = int(np.argmax(nearness))
    return described[best] if nearness[best] >= _NEAR else None


@functools.cache
def _suits(described):
    return embed([one.suits for one in described])
