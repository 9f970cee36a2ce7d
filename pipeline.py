"""The whole way from tags to a result: the one place that knows every stage."""

import logging
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

import animate_text
import embeddings
import music_gen
import summariser
import tiktok_to_text
import tiktok_videos
from engines import EngineError, NoneWorked
from pools import Pools
from settings import Settings
from summariser import Brief, Idea
from tiktok_to_text import VideoText
from tiktok_videos import Video

log = logging.getLogger(__name__)

FETCHED = 0.3  # the share of a clip that is done when it is here
TICK = 0.25  # seconds between two looks at whether a waiting search was called off
STAGES = ("videos", "summary", "music", "image")
ENGINES = {
    "speech": tiktok_to_text.ENGINES,
    "summary": summariser.ENGINES,
    "music": music_gen.ENGINES,
    "image": animate_text.ENGINES,
}

# (stage, done, total, what), of which `done` may have a fraction. Called from several threads; raises Cancelled when
# the search was called off. With an empty `what` there is nothing new: it is only asked whether to go on.
Watch = Callable[[str, float, int, str], None]
# (stage, made): what a stage has made so far, as plain JSON values; raises Cancelled too.
Show = Callable[[str, dict], None]


def unwatched(stage: str, done: int, total: int, what: str) -> None:
    """A `Watch` that nobody reads."""


def unshown(stage: str, made: dict) -> None:
    """A `Show` that nobody sees."""


@dataclass(frozen=True)
class Query:
    """What is asked: cleaned tags, the length of the music in seconds, a seed, the language spoken (BCP 47).

    `uploads` are the visitor's own videos: (key, title) of each.
    """

    tags: tuple[str, ...]
    seconds: int = 10
    seed: int = 0
    language: str = "en-US"
    uploads: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Clip:
    """A video and what was read from it; `error` says why nothing was."""

    video: Video
    text: VideoText | None
    error: str | None = None


@dataclass(frozen=True)
class _Search:
    """A search under way. `made` holds what each stage has made, as plain JSON values."""

    query: Query
    id: str
    folder: Path
    settings: Settings
    pools: Pools
    watch: Watch
    show: Show
    made: dict[str, dict]

    def keep(self, stage, value, engine, warnings, seconds, **more):
        """Note what a stage has made, or what it has made so far."""
        made = {"value": value, "engine": engine, "warnings": list(warnings), "seconds": round(seconds, 3), **more}
        self.made[stage] = made
        self.show(stage, made)


def search(
    query: Query,
    search_id: str,
    folder: Path,
    settings: Settings,
    pools: Pools,
    watch: Watch = unwatched,
    show: Show = unshown,
    made: Mapping[str, dict] | None = None,
) -> dict:
    """Run a whole search and return its result, as `POST /search` answers it.

    What is made is written to `folder`, each file complete or not at all. `made` is what `show` was told by an earlier
    run of the same search: such a stage is not done again. Raises tiktok_videos.UnknownTagsError where there is nothing
    to read, and Cancelled when `watch` or `show` does; anything else that fails costs its part alone.
    """
    under_way = _Search(query, search_id, folder, settings, pools, watch, show, dict(made or {}))
    clips = _read_clips(under_way)
    brief = _summarise(under_way, clips)
    folder.mkdir(parents=True, exist_ok=True)
    _generate(under_way, brief, clips)
    return assemble(query, search_id, under_way.made)


def assemble(query: Query, search_id: str, made: Mapping[str, dict]) -> dict:
    """Put the result together from what the stages have made, be it all or a part."""
    values = {stage: made[stage]["value"] if stage in made else None for stage in STAGES}
    brief, music, image = values["summary"] or {}, values["music"] or {}, values["image"] or {}
    engines = {"speech" if stage == "videos" else stage: made[stage]["engine"] for stage in STAGES if stage in made}
    return {
        "id": search_id,
        "asked": {
            "tags": list(query.tags),
            "seconds": query.seconds,
            "seed": query.seed,
            "language": query.language,
            "videos": [title for _, title in query.uploads],
        },
        "summary": brief.get("summary") or None,
        "tags": ", ".join(brief["tags"]) if brief else None,
        "ideas": brief.get("ideas", []),
        "music_prompt": brief.get("music_prompt"),
        "image_prompt": brief.get("image_prompt"),
        "music_url": _address(search_id, music.get("music")),
        "midi_url": _address(search_id, music.get("midi")),
        "image_url": _address(search_id, image.get("image")),
        "videos": values["videos"] or [],
        "engines": engines,
        "warnings": [line for stage in STAGES if stage in made for line in made[stage]["warnings"]],
        "timings": {stage: made[stage]["seconds"] for stage in STAGES if stage in made},
    }


def _address(search_id, name):
    return name and f"/static/generated/{search_id}/{name}"


def _read_clips(search):
    """Find the videos, then fetch and read them side by side."""
    start = time.perf_counter()
    search.watch("videos", 0, 1, "Looking for videos")
    found = tiktok_videos.find(search.query.tags, search.settings, search.query.uploads)
    total, read, shares = len(found.videos), {}, {}

    def report(number, done, _one, what):
        shares[number] = max(shares.get(number, 0.0), done)
        search.watch("videos", round(sum(shares.values()), 2), total, f"{found.videos[number].title}: {what}")

    futures = {
        search.pools.videos.submit(
            read_clip, video, search.query.language, search.settings, partial(report, number)
        ): number
        for number, video in enumerate(found.videos)
    }
    with _dropped_on_error(futures):
        for future in _as_finished(search, "videos", futures):
            read[futures[future]] = future.result()
            clips = [read[number] for number in sorted(read)]
            report(futures[future], 1.0, 1, "read")
            _keep_clips(search, clips, found.warnings, time.perf_counter() - start)
    return clips


def _keep_clips(search, clips, warnings, seconds):
    engines = {clip.text.speech_engine for clip in clips if clip.text and clip.text.speech_engine}
    lines = [*warnings, *_said_once(clips)]
    described, engine = [_describe(clip) for clip in clips], ", ".join(sorted(engines)) or None
    cached = sum(clip.text.cached for clip in clips if clip.text)
    search.keep("videos", described, engine, lines, seconds, cached=cached)


def read_clip(video: Video, language: str, settings: Settings, report: Callable[[float, int, str], None]) -> Clip:
    """Fetch a video and read it, reporting from 0 to 1. A video that fails is a Clip with an error."""
    try:
        path = tiktok_videos.fetch(video, settings, partial(_report_part, report, 0.0, FETCHED, "fetching"))
        return Clip(
            video, tiktok_to_text.read(path, language, settings, partial(_report_part, report, FETCHED, 1.0, ""))
        )
    except (EngineError, OSError) as error:
        log.warning("%s could not be read: %s", video.title, error)
        return Clip(video, None, str(error))


def _as_finished(search, stage, futures):
    """Yield each future when it is done; meanwhile look whether the search may go on."""
    waiting = set(futures)
    while waiting:
        finished, waiting = wait(waiting, TICK, FIRST_COMPLETED)
        yield from finished
        search.watch(stage, 0, 1, "")


def _report_part(report, start, end, name, done, total, what):
    """Report a part of the way, from `start` to `end`, under a name of its own where it has one."""
    report(start + (end - start) * min(1.0, done / max(total, 1)), 1, name or what)


@contextmanager
def _dropped_on_error(futures):
    """When the block raises, drop what has not started."""
    try:
        yield
    except BaseException:
        for future in futures:
            future.cancel()
        raise


def _said_once(clips):
    """The clips' warnings and errors; what several clips have in common is said once."""
    lines = []
    for clip in clips:
        lines += clip.text.warnings if clip.text else [f"“{clip.video.title}” could not be read: {clip.error}"]
    return list(dict.fromkeys(lines))


def _describe(clip):
    video, text = clip.video, clip.text
    return {
        "title": video.title,
        "tag": video.tag,
        "url": f"/clips/{video.source}/{quote(video.key)}",
        "seconds": text and round(text.seconds, 2),
        "transcript": text and text.transcript,
        "on_screen_text": text and "\n".join(text.on_screen),
        "phrases": [{"start": p.start, "end": p.end, "text": p.text} for p in text.phrases] if text else [],
        "error": clip.error,
    }


def _summarise(search, clips):
    if "summary" in search.made:
        return _brief(search.made["summary"]["value"])
    start = time.perf_counter()
    texts = [clip.text for clip in clips if clip.text]
    brief, engine, warnings = _answer(
        "summary",
        summariser.summarise,
        [text.transcript for text in texts],
        ["\n".join(text.on_screen) for text in texts],
        search.query.tags,
        search.settings,
        partial(search.watch, "summary"),
    )
    if brief and not brief.summary:
        warnings.append("There is no summary: the videos have no words that could be read.")
    search.keep("summary", brief and asdict(brief), engine, warnings, time.perf_counter() - start)
    return brief


def _brief(value):
    return value and Brief(**value | {"tags": tuple(value["tags"]), "ideas": tuple(Idea(**i) for i in value["ideas"])})


def _answer(stage, ask, *arguments):
    """What an engine answers, its name and its warnings; where none worked, the reasons."""
    try:
        answer = ask(*arguments)
    except NoneWorked as error:
        return None, None, [*error.warnings, f"There is no {stage}: no engine could make it."]
    return answer.value, answer.engine, list(answer.warnings)


def _generate(search, brief, clips):
    """Make the music and the picture, in that order on one device."""
    if brief is None:
        search.keep("music", None, None, ["There is no music: it is made from the summary's ideas."], 0)
        search.keep("image", None, None, ["There is no picture: it is made from the summary's ideas."], 0)
        return
    title = brief.ideas[0].title if brief.ideas else brief.tags[0]
    stills = [still for clip in clips if clip.text for still in clip.text.stills]
    seed = search.query.seed
    wanted = {
        "music": (music_gen.generate, brief.music_prompt, search.query.seconds, seed),
        "image": (animate_text.generate, brief.image_prompt, title, brief.tags, stills, seed),
    }
    clocks = {stage: _Clock(search, stage) for stage in wanted if not _is_stored(search, stage)}
    futures = {
        stage: search.pools.accelerator.submit(*wanted[stage], search.settings, clock.report)
        for stage, clock in clocks.items()
    }
    with _dropped_on_error(futures.values()):
        for stage, future in futures.items():
            (finished,) = _as_finished(search, stage, [future])
            made, engine, warnings = _answer(stage, finished.result)
            value = made and _publish_all(search, stage, made)
            search.keep(stage, value, engine, warnings, clocks[stage].seconds())


class _Clock:
    """A stage's report that also tells how long the stage ran, waiting for the device left out."""

    def __init__(self, search, stage):
        self._search, self._stage, self._start = search, stage, None

    def report(self, done, total, what):
        if self._start is None:
            self._start = time.perf_counter()
        self._search.watch(self._stage, done, total, what)

    def seconds(self):
        return time.perf_counter() - self._start if self._start else 0.0


def _is_stored(search, stage):
    """Whether an earlier run has made this stage, and its files are still there."""
    value = search.made.get(stage, {}).get("value")
    return bool(value) and all((search.folder / name).is_file() for name in value.values() if name)


def _publish_all(search, stage, made):
    """Write what was made to files; their names by what they are."""
    files = {
        "music": lambda track: {"music": ("music.wav", track.wav), "midi": ("music.mid", track.midi)},
        "image": lambda picture: {"image": ("image.png", picture.png)},
    }[stage](made)
    return {key: data and _publish(search, name, data) for key, (name, data) in files.items()}


def _publish(search, name, data):
    """Write a file under a temporary name, rename it, and return its name: nobody ever reads half a file."""
    with tempfile.NamedTemporaryFile(dir=search.folder, prefix=f".{name}-", delete=False) as file:
        try:
            file.write(data)
            file.close()
            Path(file.name).chmod(0o644)
            Path(file.name).replace(search.folder / name)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
    return name


def engine_states(settings: Settings) -> dict[str, dict[str, str]]:
    """Say of every engine in the settings whether it is ready, and if not, what is missing."""
    return {
        stage: {
            name: engines[name].missing(settings) or "ready"
            for name in getattr(settings, f"{stage}_engines")
            if name in engines
        }
        for stage, engines in ENGINES.items()
    }


def checks(settings: Settings) -> Iterator[tuple[str, str | None, Callable[[], object]]]:
    """For each source and engine in the settings: its name, what must be set up first, and a call that tries it once.

    The call raises EngineError where a search would fail there.
    """
    for name in settings.video_sources:
        source = tiktok_videos.SOURCES[name]
        yield f"videos from {name}", source.missing(settings), partial(source.check, settings)
    for stage, choice in ENGINES.items():
        for name in getattr(settings, f"{stage}_engines"):
            engine = choice[name]
            yield f"{stage} by {name}", engine.missing(settings), partial(engine.check or _nothing, settings)


def _nothing(_settings):
    """The check of an engine that needs none."""


def warm(settings: Settings) -> None:
    """Load the models that the first search would otherwise wait for. Takes some seconds."""
    tiktok_to_text.warm(settings)
    embeddings.load()
    music_gen.warm(settings)
    animate_text.warm(settings)
