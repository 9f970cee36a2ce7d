"""What a search asks for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DraftEdit:
    """What somebody made of a draft: its lines in order, the seconds each is to last (None: as long as it needs)."""

    lines: tuple[str, ...]
    lengths: tuple[float | None, ...]
    caption_style: str = "pop"
    voice: bool = True
    voice_speed: float = 1.0
    music_db: float = 0.0


@dataclass(frozen=True)
class Query:
    """What is asked: cleaned tags, the length of the music in seconds, a seed, the language spoken (BCP 47).

    `uploads` are the visitor's own videos: (key, title) of each. `earlier_ideas` are the titles of ideas that earlier
    takes of the search had. With `video`, a draft is made of the idea with the number `idea`, counted from 0; `edit`
    says how, where somebody has changed it.
    """

    tags: tuple[str, ...]
    seconds: int = 10
    seed: int = 0
    language: str = "en-US"
    uploads: tuple[tuple[str, str], ...] = ()
    video: bool = False
    idea: int = 0
    edit: DraftEdit | None = None
    earlier_ideas: tuple[str, ...] = ()
