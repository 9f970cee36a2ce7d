"""What a brief is: the values that every engine of this package returns."""

from dataclasses import dataclass

SUMMARY_WORDS = 80  # words, at most


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
