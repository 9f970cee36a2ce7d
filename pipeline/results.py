"""What a search gives: the result of each stage, and of the whole, as `POST /search` answers it."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from pipeline.query import Query

KEPT = 0.011  # of the clips' tempo: how near the music's is that follows it, rounding included
STAGES = ("videos", "summary", "music", "image", "video")
ENGINES_OF = {"videos": "speech", "video": "voice"}  # what the engine of a stage is for, where that is not its name


def stages_of(query: Query) -> tuple[str, ...]:
    """The stages that a search has: a video is made where it is asked for."""
    return STAGES if query.video else STAGES[:-1]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class MadeBy(_Frozen):
    """An engine that took part; the model and its revision where it is one that has them."""

    name: str
    model: str | None
    revision: str | None


class Provenance(_Frozen):
    """What is said of something made: by the file itself, in a way that machines can read; of a text, only here.

    `source_type` is the last part of IPTC's name of how it was made. `credentials` is the state of the file's signature
    (C2PA), None for a text. `label_needed` says whether TikTok's label for AI must be ticked.
    """

    source_type: str
    made_by: tuple[MadeBy, ...]
    seed: int
    made: str | None
    inputs: tuple[str, ...]
    studio: str
    label_needed: bool
    credentials: str | None = None
    watermark: bool = False


class StageResult(_Frozen):
    """What a stage has made, or has made so far: plain JSON values. `value` is None where nothing could be made.

    Of the stage `videos`, `cached` counts the clips that had been read before, and `insights` is what was measured; of
    `music`, `tempo` is the one that it was asked to keep, where it does.
    """

    value: Any = None
    engine: str | None = None
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    cached: int = 0
    provenance: Provenance | None = None
    insights: dict[str, Any] | None = None
    tempo: float | None = None


class Phrase(_Frozen):
    """Something said, from `start` to `end`, in seconds."""

    start: float
    end: float
    text: str


class VideoResult(_Frozen):
    """A video and what was read from it; `error` says why nothing was."""

    title: str
    tag: str
    url: str
    seconds: float | None
    transcript: str | None
    on_screen_text: str | None
    phrases: tuple[Phrase, ...]
    error: str | None


class ShotResult(_Frozen):
    """`seconds` of an idea's clip, and what they show."""

    seconds: int
    shows: str


class IdeaResult(_Frozen):
    """A next clip. `clip` is the index in `videos` of the one it takes something from, `at` the second in it."""

    title: str
    concept: str
    opening: str = ""
    shots: tuple[ShotResult, ...] = ()
    caption: str = ""
    clip: int | None = None
    at: float | None = None
    reason: str = ""
    timing: str = ""


class Asked(_Frozen):
    """The query as the result repeats it; `videos` are the titles of the visitor's own."""

    tags: tuple[str, ...]
    seconds: int
    seed: int
    language: str
    videos: tuple[str, ...]
    video: bool
    idea: int


class SearchResult(_Frozen):
    """The answer to a search, or to the part of it that is done. What could not be made is None and has a warning."""

    id: str
    asked: Asked
    summary: str | None
    tags: str | None
    ideas: tuple[IdeaResult, ...]
    post: str | None
    music_prompt: str | None
    image_prompt: str | None
    music_url: str | None
    midi_url: str | None
    image_url: str | None
    video_url: str | None
    captions_url: str | None
    thumbnail_url: str | None
    videos: tuple[VideoResult, ...]
    insights: dict[str, Any] | None
    music_follows: str | None
    engines: dict[str, str | None]
    warnings: tuple[str, ...]
    timings: dict[str, float]
    provenance: dict[str, Provenance]

    @classmethod
    def of(cls, query: Query, search_id: str, stages: Mapping[str, StageResult]) -> "SearchResult":
        """Put the result together from what the stages have made, be it all or a part."""
        done = {stage: stages[stage] for stage in STAGES if stage in stages}
        values = {stage: done[stage].value if stage in done else None for stage in STAGES}
        brief, music, image = values["summary"] or {}, values["music"] or {}, values["image"] or {}
        video = values["video"] or {}
        return cls(
            id=search_id,
            asked=Asked(
                tags=query.tags,
                seconds=query.seconds,
                seed=query.seed,
                language=query.language,
                videos=tuple(title for _, title in query.uploads),
                video=query.video,
                idea=query.idea,
            ),
            summary=brief.get("summary") or None,
            tags=", ".join(brief["tags"]) or None if brief else None,
            ideas=brief.get("ideas") or (),
            post=brief.get("post") or None,
            music_prompt=brief.get("music_prompt") or None,
            image_prompt=brief.get("image_prompt") or None,
            music_url=_address(search_id, music.get("music")),
            midi_url=_address(search_id, music.get("midi")),
            image_url=_address(search_id, image.get("image")),
            video_url=_address(search_id, video.get("video")),
            captions_url=_address(search_id, video.get("captions")),
            thumbnail_url=_address(search_id, video.get("thumbnail")),
            videos=values["videos"] or (),
            insights=done["videos"].insights if "videos" in done else None,
            music_follows=_music_follows(done),
            engines={ENGINES_OF.get(stage, stage): made.engine for stage, made in done.items()},
            warnings=tuple(line for made in done.values() for line in made.warnings),
            timings={stage: made.seconds for stage, made in done.items()},
            provenance={stage: made.provenance for stage, made in done.items() if made.provenance},
        )

    def to_json(self) -> dict[str, Any]:
        """The result as plain JSON values."""
        return self.model_dump(mode="json")


def _music_follows(done: Mapping[str, StageResult]) -> str | None:
    """Which clips the music has its tempo from, in words; None where it has it from none."""
    insights, music = done["videos"].insights if "videos" in done else None, done.get("music")
    tempo = insights and insights["shared"]["tempo"]
    if not tempo or music is None or not music.tempo or abs(music.tempo / tempo["bpm"] - 1) > KEPT:
        return None
    clips = "the clip" if tempo["of"] == 1 else f"{tempo['clips']} of {tempo['of']} clips"
    return f"{tempo['bpm']:.0f} BPM, as in {clips}"


def _address(search_id: str, name: str | None) -> str | None:
    return name and f"/static/generated/{search_id}/{name}"


# (stage, result): what a stage has made so far; raises Cancelled too.
OnResult = Callable[[str, StageResult], None]


def no_result(stage: str, result: StageResult) -> None:
    """An `OnResult` that nobody sees."""
