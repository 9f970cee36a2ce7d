"""Words in, a brief out: summary, tags, ideas, and what to ask of the music and the picture."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Idea:
    title: str
    concept: str


@dataclass(frozen=True)
class Brief:
    """`summary` has at most 80 words and is empty where the clips had none; `tags` are without `#`, best first."""

    summary: str
    tags: tuple[str, ...]
    ideas: tuple[Idea, ...]
    music_prompt: str
    image_prompt: str
