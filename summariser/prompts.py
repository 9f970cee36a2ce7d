"""What to ask of the music and of the picture: the mood and the scene that clearly suit the clips, or neutral ones.

A topic is described by phrases. Clips are as near to it as to the nearest three of them (k nearest neighbours, by the
cosine of MiniLM embeddings); where another topic, or what has no scene at all, is about as near, none is taken.
"""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np

from core.embeddings import embed_fixed
from core.tables import Row, read_table
from summariser.keywords import Keyword, a_or_an, subjects

Tone = Literal["light", "grave", "law"]

MAX_SUBJECTS = 3  # keywords that the picture shows
# Chosen on the sixty texts of the tests: the smallest margin at which none was wrong.
_NEAR = 0.22  # cosine below which clips and a topic have nothing to do with each other
_CLEARLY = 0.04  # that the nearest topic is nearer than the second
_GRAVELY = 0.025  # that a grave subject is nearer than any scene
_NEIGHBOURS = 3
_TEMPO_STEP = 4  # beats per minute that an exclamation adds
_FASTER_AT_MOST = 8  # beats per minute


class Music(Row):
    """How music sounds; `tempo` is in beats per minute."""

    mood: str
    style: str
    tempo: int
    instruments: str


class Look(Row):
    """How a picture looks."""

    setting: str
    style: str
    mood: str
    light: str
    composition: str


class Mood(Music):
    """Music for a topic; `suits` describes clips of it."""

    name: str
    suits: tuple[str, ...]


class Scene(Look):
    """A picture for a topic; `suits` describes clips of it."""

    name: str
    suits: tuple[str, ...]


class Grave(Look):
    """A picture for a grave subject; `suits` describes such subjects."""

    suits: tuple[str, ...]


class Moods(Row):
    default: Music
    grave: Music
    other: tuple[str, ...]
    mood: tuple[Mood, ...]


class Scenes(Row):
    default: Look
    grave: Grave
    law: tuple[str, ...]
    other: tuple[str, ...]
    scene: tuple[Scene, ...]


_Topic = TypeVar("_Topic", Mood, Scene)


@functools.cache
def moods() -> Moods:
    return read_table(Path(__file__).with_name("moods.toml"), Moods)


@functools.cache
def scenes() -> Scenes:
    return read_table(Path(__file__).with_name("scenes.toml"), Scenes)


def tone(topic: np.ndarray) -> Tone:
    """How grave the subject of such clips is: "grave" for speeches, poems, war and mourning, "law", or else "light"."""
    if not topic.any():
        return "light"
    grave, law = _nearness(scenes().grave.suits, topic), _nearness(scenes().law, topic)
    nearest = max(_nearness(scene.suits, topic) for scene in scenes().scene)
    if max(grave, law) < max(_NEAR, nearest + _GRAVELY):
        return "light"
    return "law" if law > grave else "grave"


def nearest_scene(topic: np.ndarray) -> Scene | None:
    """The scene that clearly suits clips of this meaning, shape (384,); zeros where nothing is known."""
    return _nearest(scenes().scene, scenes().other, topic)


def music(topic: np.ndarray, summary: str, grave: bool = False) -> str:
    """A sentence for MusicGen: mood, style, tempo and instruments. Exclamations in the summary make it faster."""
    if grave:
        mood = moods().grave
        return (
            f"{a_or_an(mood.mood).capitalize()} {mood.mood} {mood.style} instrumental at {mood.tempo} BPM with"
            f" {mood.instruments}, no drums, a quiet opening and a natural mix."
        )
    mood = _nearest(moods().mood, moods().other, topic) or moods().default
    tempo = mood.tempo + min(_FASTER_AT_MOST, _TEMPO_STEP * summary.count("!"))
    article = a_or_an(mood.mood).capitalize()
    return (
        f"{article} {mood.mood} {mood.style} instrumental at {tempo} BPM with {mood.instruments},"
        " a catchy opening and a clean, modern mix."
    )


def image(keywords: Sequence[Keyword], scene: Look | None) -> str:
    """A sentence of at most 60 words for Stable Diffusion: subject, setting, style, mood, light and composition."""
    look = scene or scenes().default
    subject = listed([keyword.in_sentence() for keyword in subjects(keywords)[:MAX_SUBJECTS]]) or "an everyday moment"
    return (
        f"{a_or_an(look.style).capitalize()} {look.style} photograph of {subject} {look.setting},"
        f" {look.mood} mood, {look.light}, {look.composition}, tall portrait format, sharp focus, no text."
    )


def listed(parts: Sequence[str]) -> str:
    """Join as in a sentence: "a", "a and b", "a, b and c"."""
    return " and ".join([part for part in [", ".join(parts[:-1]), *parts[-1:]] if part])


def _nearest(topics: Sequence[_Topic], other: tuple[str, ...], topic: np.ndarray) -> _Topic | None:
    if not topic.any():
        return None
    described = [*(one.suits for one in topics), other]
    nearness = np.array([_nearness(phrases, topic) for phrases in described])
    second, best = np.argsort(nearness)[-2:]
    if best == len(topics) or nearness[best] < _NEAR or nearness[best] - nearness[second] < _CLEARLY:
        return None
    return topics[best]


def _nearness(phrases: tuple[str, ...], topic: np.ndarray) -> float:
    """How near clips are to a topic that is described by phrases: the mean cosine to the nearest three."""
    return float(np.sort(embed_fixed(phrases) @ topic)[-_NEIGHBOURS:].mean())
