"""A search, stage by stage: the one place that knows them all."""

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

import animate_text
import music_gen
import summariser
import tiktok_videos
import trend_insights
from core import provenance
from core.engines import AllEnginesFailed, EngineError, EngineResult
from core.executors import Pools
from core.files import LocalFile
from core.manifest import Input
from pipeline import draft_turns, drafting, files, origins, requests
from pipeline.clips import Clip, clip_of, describe_all, held_file, read_clip
from pipeline.pooled import as_finished, dropped_on_error
from pipeline.progress import OnProgress, Progress, no_progress
from pipeline.query import Query
from pipeline.results import OnResult, Provenance, SearchResult, StageResult, no_result
from settings import Settings
from summariser import Brief, BriefRequest, ScriptRequest

log = logging.getLogger(__name__)

_BRIEF = TypeAdapter(Brief)


@dataclass(frozen=True)
class _Search:
    """A search under way; `results` holds what each stage has made."""

    query: Query
    folder: Path
    settings: Settings
    pools: Pools
    on_progress: OnProgress
    on_result: OnResult
    results: dict[str, StageResult]

    def keep(self, stage: str, result: StageResult) -> None:
        """Note what a stage has made, or what it has made so far."""
        self.results[stage] = result
        self.on_result(stage, result)


def search(
    query: Query,
    search_id: str,
    folder: Path,
    settings: Settings,
    pools: Pools,
    on_progress: OnProgress = no_progress,
    on_result: OnResult = no_result,
    earlier: Mapping[str, StageResult] | None = None,
) -> SearchResult:
    """Run a whole search and return its result, as `POST /search` answers it.

    What is made is written to `folder`, each file complete or not at all. `earlier` is what `on_result` was told by an
    earlier run of the same search: such a stage is not done again. Raises tiktok_videos.UnknownTagsError where there is
    nothing to read, and Cancelled when `on_progress` or `on_result` does; anything else that fails costs its part
    alone.
    """
    under_way = _Search(query, folder, settings, pools, on_progress, on_result, dict(earlier or {}))
    clips = _read_clips(under_way)
    brief = _summarise(under_way, clips)
    folder.mkdir(parents=True, exist_ok=True)
    _generate(under_way, brief, clips)
    if query.video:
        _make_video(under_way, brief, clips)
    return SearchResult.of(query, search_id, under_way.results)


def _read_clips(search: _Search) -> list[Clip]:
    """Find the videos, then fetch and read them side by side."""
    start = time.perf_counter()
    search.on_progress("videos", 0, 1, "Looking for videos")
    found = tiktok_videos.find(search.query.tags, search.settings, search.query.uploads)
    total = len(found.videos)
    progress = Progress("videos", search.on_progress, total)
    parts = [progress.part(n / total, (n + 1) / total, f"{video.title}: ") for n, video in enumerate(found.videos)]
    futures = {
        search.pools.videos.submit(
            read_clip, video, search.query.language, search.settings, parts[number], held_file(video, search.settings)
        ): number
        for number, video in enumerate(found.videos)
    }
    read: dict[int, Clip] = {}
    with dropped_on_error(futures):
        for future in as_finished(progress, futures, "Waiting for a processor"):
            number = futures[future]
            read[number] = clip_of(found.videos[number], future)
            parts[number](1, 1, "read")
            done = [read[number] for number in sorted(read)]
            search.keep("videos", describe_all(done, found.warnings, time.perf_counter() - start))
    return done


def _summarise(search: _Search, clips: Sequence[Clip]) -> Brief | None:
    earlier = search.results.get("summary")
    if earlier and (not earlier.value or earlier.value.get("ideas") is not None):
        return _brief(earlier.value)
    start = time.perf_counter()
    brief: Brief | None
    brief, engine, warnings = _ask("summary", lambda: _write_brief(search, requests.brief(search.query, clips)))
    if brief and earlier:  # other ideas to the same brief
        brief = replace(_brief(earlier.value | {"ideas": ()}) or brief, ideas=brief.ideas)
    brief = brief and requests.with_tempo(brief, clips)
    if brief and not brief.summary:
        warnings.append("There is no summary: the videos have no words that could be read.")
    seconds = round(time.perf_counter() - start, 3)
    origin = origins.of(engine, search.query.seed, _inputs(clips, search.settings), "", search.settings)
    said = Provenance(**provenance.claim(origin)) if brief else None
    search.keep("summary", _stage(brief and asdict(brief), engine, warnings, seconds, said))
    return brief


def _write_brief(search: _Search, request: BriefRequest) -> EngineResult:
    """A brief; where a model of ours writes it, it waits for its turn on the device."""
    progress = Progress("summary", search.on_progress)
    # Only a worker knows whether it has the model.
    on_cluster = search.pools.cluster is not None and "local" in search.settings.summary_engines
    if not (on_cluster or summariser.needs_device(search.settings)):
        return summariser.summarise(request, search.settings, progress)
    future = search.pools.accelerator.submit(summariser.summarise, request, search.settings, progress)
    with dropped_on_error([future]):
        (finished,) = as_finished(progress, [future])
        written: EngineResult = finished.result()
    return written


def _brief(value: dict[str, Any] | None) -> Brief | None:
    return None if value is None else _BRIEF.validate_python(value)


def _stage(
    value: Any, engine: str | None, warnings: Sequence[str], seconds: float, said: Provenance | None = None
) -> StageResult:
    return StageResult(value=value, engine=engine, warnings=tuple(warnings), seconds=seconds, provenance=said)


def _ask(stage: str, call: Callable[[], EngineResult]) -> tuple[Any, str | None, list[str]]:
    """What an engine made, its name and its warnings; where none worked, the reasons."""
    try:
        answer = call()
    except AllEnginesFailed as error:
        return None, None, [*error.warnings, f"There is no {stage}: no engine could make it."]
    except EngineError as error:  # the stage could not be run at all
        return None, None, [f"There is no {stage}: {error}"]
    return answer.value, answer.engine, list(answer.warnings)


def _generate(search: _Search, brief: Brief | None, clips: Sequence[Clip]) -> None:
    """Make the music and the picture: side by side, or in that order where both need the device."""
    if brief is None:
        search.keep("music", _stage(None, None, ["There is no music: it is made from the summary's ideas."], 0))
        search.keep("image", _stage(None, None, ["There is no picture: it is made from the summary's ideas."], 0))
        return
    title = brief.ideas[0].title if brief.ideas else next(iter(brief.tags), "")
    wanted: dict[str, tuple[Callable[..., EngineResult], Any]] = {
        "music": (music_gen.generate, requests.music(search.query, brief, clips)),
        "image": (animate_text.generate, requests.picture(search.query, brief, title, clips)),
    }
    for stage, asked in (("music", brief.music_prompt), ("image", brief.image_prompt)):
        if not asked:
            del wanted[stage]
            search.keep(stage, _stage(None, None, [f"There is no {stage}: no engine wrote what it should be."], 0))
    reports = {
        stage: Progress(stage, search.on_progress)
        for stage in wanted
        if not files.are_there(search.folder, stage, search.results)
    }
    if "music" in reports:
        reports["music"].take_sound = partial(files.keep_part, search.folder)
    with ThreadPoolExecutor(1, "cover") as own:
        futures = {
            stage: pool.submit(wanted[stage][0], wanted[stage][1], search.settings, reports[stage])
            for stage, pool in _pools_of(reports, search, own).items()
        }
        with dropped_on_error(futures.values()):
            for stage, future in futures.items():
                (finished,) = as_finished(reports[stage], [future])
                _keep_made(search, stage, finished, reports[stage], wanted[stage][1].prompt, clips)


def _pools_of(stages: Collection[str], search: _Search, own: Executor) -> dict[str, Executor]:
    """Where music and picture are made: on the device, where a model of ours makes them, else in a thread for all.

    Where no other search has that thread, the cover gets one of its own beside the music. Many searches at once take
    turns: with all their threads computing, pages took three times as long.
    """
    pools, chosen = search.pools, dict[str, Executor]()
    is_free = not any(pools.built_in.load())
    needs_device = {"music": music_gen.needs_device, "image": animate_text.needs_device}
    for stage in stages:
        # Only a worker of a cluster knows whether it has the model.
        if pools.cluster is not None or needs_device[stage](search.settings):
            chosen[stage] = pools.accelerator
        else:
            chosen[stage] = own if is_free and pools.built_in in chosen.values() else pools.built_in
    return chosen


def _keep_made(
    search: _Search, stage: str, finished: Future[EngineResult], report: Progress, prompt: str, clips: Sequence[Clip]
) -> None:
    made, engine, warnings = _ask(stage, finished.result)
    origin = origins.of(engine, search.query.seed, _inputs(clips, search.settings), prompt, search.settings)
    value, said = _publish(search, _files_of(stage, made), origin, warnings) if made else (None, None)
    kept = _stage(value, engine, warnings, round(report.seconds(), 3), said)
    search.keep(stage, kept.model_copy(update={"tempo": getattr(made, "tempo", None)}))
    if stage == "music":
        files.remove_parts(search.folder)


def _inputs(clips: Sequence[Clip], settings: Settings) -> tuple[Input, ...]:
    """The clips that were read, as what the rest is made from."""
    read = [clip.video for clip in clips if clip.text]
    return tuple(Input(v.title, tiktok_videos.stored(v.source, v.key, settings)) for v in read)


def _files_of(stage: str, made: Any) -> dict[str, tuple[str, bytes | None]]:
    """The key, the name and the content of each file of the music or the picture."""
    if stage == "music":
        return {"music": ("music.wav", made.wav), "midi": ("music.mid", made.midi)}
    return {"image": ("image.png", made.png)}


def _publish(
    search: _Search, contents: Mapping[str, tuple[str, bytes | None]], origin: provenance.Origin, warnings: list[str]
) -> tuple[dict[str, str | None], Provenance | None]:
    """Write what was made to files that say what made them; their names by what they are, and what they say."""
    names: dict[str, str | None] = {}
    said = None
    for key, (name, data) in contents.items():
        if data and name.endswith(provenance.SUFFIXES):
            marked = provenance.mark(data, name, origin, search.settings)
            said = Provenance(**marked.claim)
            warnings += marked.warnings
            names[key] = files.publish(search.folder, name, marked.data)
        else:
            names[key] = files.publish(search.folder, name, data) if data else None
    return names, said


def _make_video(search: _Search, brief: Brief | None, clips: Sequence[Clip]) -> None:
    """Make a video of an idea out of everything that the other stages have made."""
    if files.are_there(search.folder, "video", search.results):
        return
    if brief is None or not brief.ideas:
        search.keep("video", _stage(None, None, ["There is no video: it is made from the summary's ideas."], 0))
        return
    progress = Progress("video", search.on_progress)
    made, engine, notes = _draft(search, brief, clips, progress)
    origin = origins.of(engine, search.query.seed, _inputs(clips, search.settings), "", search.settings)
    value, said = _publish(search, drafting.files_of(made), origin, notes) if made else (None, None)
    search.keep("video", _stage(value, engine, notes, round(progress.seconds(), 3), said))


def _draft(
    search: _Search, brief: Brief, clips: Sequence[Clip], progress: Progress
) -> tuple[drafting.MadeDraft | None, str | None, list[str]]:
    """A draft, the voice that spoke, and warnings; where there is none, the reason."""
    try:
        asked, files_shown = _draft_request(search, brief, clips)
        request, rest, notes = draft_turns.take(asked, search.settings, search.pools, progress)
        future = search.pools.videos.submit(drafting.make_draft, request, search.settings, rest, files_shown)
        with dropped_on_error([future]):
            (finished,) = as_finished(progress, [future])
            answer = finished.result()
    except EngineError as error:
        return None, None, [f"There is no video: {error}"]
    return answer.value, answer.engine, [*notes, *answer.warnings]


def _draft_request(
    search: _Search, brief: Brief, clips: Sequence[Clip]
) -> tuple[drafting.MakeDraft, tuple[LocalFile, ...]]:
    """Everything that a draft is made of, and the files of the clips that it may show."""
    query, idea = search.query, brief.ideas[min(search.query.idea, len(brief.ideas) - 1)]
    shown = requests.may_be_shown(clips, search.settings)
    footage, files_shown = requests.footage(shown, search.settings)
    spreads = trend_insights.compare([clip.traits for clip in clips if clip.traits]).spreads
    asked = drafting.MakeDraft(
        idea=ScriptRequest(
            idea.title, idea.concept, brief.summary, query.tags or brief.tags, query.language, idea.opening
        ),
        image_prompt=brief.image_prompt,
        seed=query.seed,
        music=files.contents(search.folder, "music", "music", search.results),
        midi=files.contents(search.folder, "music", "midi", search.results),
        clips=requests.clip_stills(clips, search.settings),
        footage=footage,
        cuts_per_minute=spreads["cuts_per_minute"].median,
        words_per_minute=spreads["words_per_minute"].median,
        edit=query.edit,
    )
    return asked, files_shown
