"""The stage that makes a video of an idea: script, voice, times of its words, pictures, storyboard, rendering."""

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import animate_text
import summariser
import tiktok_to_text
import trend_insights
from animate_text import (
    Draft,
    DraftRequest,
    Footage,
    PictureRequest,
    SpokenLine,
    StoryboardRequest,
    Timeline,
    VoiceRequest,
    Word,
)
from animate_text.timeline import LONGEST, CaptionStyle
from core.engines import AllEnginesFailed, EngineError, EngineResult, Report, no_report
from core.files import File
from pipeline import draft_pictures
from pipeline.draft_pictures import ClipStills
from pipeline.query import DraftEdit
from settings import Settings
from summariser import ScriptRequest

BACKDROPS = ("backdrop-1", "backdrop-2", "backdrop-3")
PAUSE = 0.6  # seconds between two lines, when they are listened to
SHARES = {"": 0.0, "script": 0.02, "voice": 0.08, "pictures": 0.2, "render": 1.0}  # of the stage, at the end of a part


@dataclass(frozen=True)
class Script:
    """The lines of a draft, and whether they are to be spoken."""

    lines: tuple[str, ...]
    spoken: bool


@dataclass(frozen=True)
class MakeDraft:
    """What a draft is made of. `clips` are those of the search, of which the cover is made and some may be shown.

    `music` and `midi` are whole files. `edit` holds the lines where somebody wrote them. `script` and `paintings` are
    what models of the accelerator made in their turns (see `script` and `draw`); without them they are made here.
    """

    idea: ScriptRequest
    image_prompt: str
    seed: int
    music: bytes | None = None
    midi: bytes | None = None
    clips: tuple[ClipStills, ...] = ()
    cuts_per_minute: float | None = None
    words_per_minute: float | None = None
    edit: DraftEdit | None = None
    script: Script | None = None
    paintings: Mapping[str, bytes] | None = None
    footage: tuple[Footage, ...] = ()


@dataclass(frozen=True)
class MadeDraft:
    """A draft with the timeline it was rendered from and the lines of its script."""

    draft: Draft
    timeline: Timeline
    lines: tuple[str, ...]


@dataclass
class _Notes:
    """Warnings so far, and the voice that spoke."""

    warnings: list[str] = field(default_factory=list)
    voice: str = ""


def make_draft(
    request: MakeDraft, settings: Settings, report: Report = no_report, clips: tuple[File, ...] = ()
) -> EngineResult:
    """Make a draft; the answer's value is a MadeDraft, its engine the voice that spoke (`none` where nobody did).

    `clips` are the files of the request's footage, in its order. A part that fails costs that part alone: without a
    voice there are captions, without music the voice, without a picture a backdrop. Raises core.engines.EngineError
    where nothing can be rendered, core.files.FileWanted where a clip is not on this machine, and Cancelled.
    """
    notes = _Notes()
    files = {one.name: clip.here() for one, clip in zip(request.footage, clips, strict=True)}
    lines, spoken = _lines(request, settings, notes, _part(report, "", "script"))
    speech = _speech(request, lines, settings, notes, _part(report, "script", "voice")) if spoken else ()
    timed = _timed(lines, speech, request.idea.language, settings, notes)
    pictures = _pictures(request, lines, settings, notes, _part(report, "voice", "pictures"))
    edit = request.edit
    made = animate_text.storyboard(
        StoryboardRequest(
            lines=lines,
            pictures=_order(request, lines, pictures),
            spoken=timed,
            beats=animate_text.beats_of(request.music, request.midi, LONGEST, trend_insights.beats),
            cuts_per_minute=request.cuts_per_minute,
            words_per_minute=request.words_per_minute,
            lengths=edit.lengths if edit else (),
            footage=request.footage,
            moments=animate_text.moments_for(lines, request.footage),
            caption_style=cast(CaptionStyle, edit.caption_style if edit else "pop"),
            voice_speed=edit.voice_speed if edit else 1.0,
            music_db=edit.music_db if edit else 0.0,
            seed=request.seed,
        )
    )
    wavs = tuple(speech[number] for number in made.lines) if speech else ()
    draft = animate_text.render(
        DraftRequest(made.timeline, pictures, wavs, request.music, request.image_prompt, files),
        settings,
        _part(report, "pictures", "render"),
    )
    warnings = (*notes.warnings, *made.warnings, *draft.warnings)
    value = MadeDraft(draft, made.timeline, tuple(scene.line for scene in made.timeline.scenes))
    return EngineResult(value, notes.voice or "none", warnings)


def _part(report: Report, start: str, end: str) -> Report:
    """The report of a part of the stage."""
    low, high = SHARES[start], SHARES[end]

    def part(done: float, total: int, what: str) -> None:
        report(1000 * (low + (high - low) * min(1.0, done / max(1, total))), 1000, what)

    return part


def _lines(request: MakeDraft, settings: Settings, notes: _Notes, report: Report) -> tuple[tuple[str, ...], bool]:
    """The lines, and whether they are to be spoken."""
    written = request.script
    if written is None:
        answer = script(request, settings, report)
        notes.warnings += answer.warnings
        written = answer.value
    return written.lines, written.spoken


def script(request: MakeDraft, settings: Settings, report: Report = no_report) -> EngineResult:
    """Write the script; the answer's value is a Script.

    What a model wrote is kept: it would write something else again. Raises AllEnginesFailed, and Cancelled.
    """
    if request.edit:
        return EngineResult(Script(request.edit.lines, request.edit.voice), "edit")
    report(0, 1, "Writing the script")
    writers = (settings.summary_engines, settings.llama_api_url, settings.llama_model, settings.local_llm_model)
    path = _cached(settings, "scripts", "json", request.idea, request.seed, writers)
    with suppress(OSError, ValueError):
        kept = json.loads(path.read_text(encoding="utf-8"))
        return EngineResult(Script(tuple(kept["lines"]), kept["spoken"]), "kept")
    answer = summariser.write_script(request.idea, settings, report)
    made = Script(animate_text.split_lines(answer.value.lines), answer.value.spoken)
    if not answer.warnings:
        _keep(path, json.dumps({"lines": made.lines, "spoken": made.spoken}).encode())
    return EngineResult(made, answer.engine, tuple(answer.warnings))


def _speech(
    request: MakeDraft, lines: Sequence[str], settings: Settings, notes: _Notes, report: Report
) -> tuple[bytes, ...]:
    """A WAV file for each line; none at all where no voice could speak them."""
    speed = request.edit.voice_speed if request.edit else 1.0
    try:
        answer = animate_text.speak(VoiceRequest(tuple(lines), request.idea.language, speed), settings, report)
    except AllEnginesFailed as error:
        notes.warnings += [*error.warnings, "The video has no voice: no engine could speak its lines."]
        return ()
    notes.warnings += answer.warnings
    notes.voice = answer.engine
    return tuple(speech.wav for speech in answer.value.lines)


def _timed(
    lines: Sequence[str], speech: Sequence[bytes], language: str, settings: Settings, notes: _Notes
) -> tuple[SpokenLine, ...]:
    """When each word of each line is said. What is new is listened to in one go; the rest stays as it was heard."""
    if not speech:
        return ()
    model = (language, settings.whisper_model)
    paths = [_cached(settings, "words", "json", line, wav, model) for line, wav in zip(lines, speech, strict=True)]
    known = [_heard_before(path) for path in paths]
    new = [number for number, spoken in enumerate(known) if spoken is None]
    fresh = _listened([lines[n] for n in new], [speech[n] for n in new], language, settings, notes) if new else ()
    for number, spoken in zip(new, fresh, strict=True):
        known[number] = spoken
        if not any(line.startswith("Video: ") for line in notes.warnings):
            words = [(word.text, float(word.start), float(word.end)) for word in spoken.words]
            _keep(paths[number], json.dumps([float(spoken.seconds), words]).encode())
    return tuple(spoken for spoken in known if spoken)


def _heard_before(path: Path) -> SpokenLine | None:
    with suppress(OSError, ValueError):
        seconds, words = json.loads(path.read_text(encoding="utf-8"))
        return SpokenLine(seconds, tuple(Word(*word) for word in words))
    return None


def _listened(
    lines: Sequence[str], speech: Sequence[bytes], language: str, settings: Settings, notes: _Notes
) -> tuple[SpokenLine, ...]:
    wav, starts = animate_text.one_recording(speech, PAUSE)
    heard: tuple[Word, ...] = ()
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "voice.wav")
            path.write_bytes(wav)
            found = tiktok_to_text.word_times(path, language, settings)
        heard = tuple(Word(word.text, word.start, word.end) for word in found)
    except EngineError as error:
        notes.warnings.append(f"Video: {error}")
    return animate_text.time_lines(lines, speech, starts, heard)


def _pictures(
    request: MakeDraft, lines: Sequence[str], settings: Settings, notes: _Notes, report: Report
) -> dict[str, bytes]:
    """The pictures by their names: the cover's without its letters, more of its kind, stills that may be shown."""
    if request.paintings is not None:
        return dict(request.paintings)
    made = {}
    wished = wishes(request, lines, animate_text.needs_device(settings))
    for number, (name, wish) in enumerate(wished.items()):
        try:
            made[name] = draw(wish, settings, _within(report, number, len(wished))).value
        except AllEnginesFailed as error:
            notes.warnings += error.warnings
    return draft_pictures.without_doubles(made)


def wishes(request: MakeDraft, lines: Sequence[str], painted: bool) -> dict[str, PictureRequest]:
    """The pictures that a draft is to have, by name: painted ones for each scene, else stills that may be shown.

    Where none may, there are other covers, as the studio draws them from the clips.
    """
    stills = tuple(still for clip in request.clips for still in clip.stills)
    prompts = {"cover": request.image_prompt}
    if painted:
        shown = enumerate(lines[1:], 1)
        prompts |= {f"scene-{number}": f"{line.rstrip('.!?')}. {request.image_prompt}" for number, line in shown}
    wished = {name: PictureRequest(prompt, "", (), stills, request.seed) for name, prompt in prompts.items()}
    if painted:
        return wished
    for name, clip in draft_pictures.choose(request.clips, lines).items():
        wished[name] = PictureRequest(request.image_prompt, "", (), clip.stills, request.seed)
    return wished


def _within(report: Report, number: int, total: int) -> Report:
    return lambda done, of, what: report(number + min(1.0, done / max(1, of)), total, what)


def draw(wish: PictureRequest, settings: Settings, report: Report = no_report) -> EngineResult:
    """Draw one picture; the answer's value is a PNG file: what was made for the same wish before, else a new one.

    So a changed draft keeps its pictures. Raises core.engines.AllEnginesFailed, and Cancelled.
    """
    stills = [hashlib.sha256(still).hexdigest() for still in wish.stills]
    engine = (settings.image_engines, settings.stable_diffusion_model, settings.image_profile)
    path = _cached(settings, "pictures", "png", wish.prompt, stills, wish.seed, engine)
    if path.exists():
        return EngineResult(path.read_bytes(), "kept")
    answer = animate_text.generate(wish, settings, report)
    _keep(path, answer.value.png)
    return EngineResult(answer.value.png, answer.engine, answer.warnings)


def _cached(settings: Settings, kind: str, suffix: str, *key: object) -> Path:
    """Where something is kept, by what it was made from."""
    name = hashlib.sha256(repr(key).encode("utf-8", "replace")).hexdigest()
    return settings.data_dir / "drafts" / kind / f"{name}.{suffix}"


def _keep(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
        file.write(data)
    Path(file.name).replace(path)


def _order(request: MakeDraft, lines: Sequence[str], pictures: dict[str, bytes]) -> tuple[str, ...]:
    """In which order scenes show them; what is not a picture is a backdrop, made where it is missing."""
    if request.paintings is not None:  # of each line
        return tuple(pictures) or BACKDROPS
    clips = draft_pictures.choose(request.clips, lines)
    said = {name: clips[name].said if name in clips else () for name in pictures}
    left_out = [sentence for name in clips if name not in pictures for sentence in clips[name].said]
    if "cover" in said:  # which what is left out is a double of
        said["cover"] = tuple(left_out)
    return animate_text.pictures_for(lines, said) or BACKDROPS


def files_of(made: MadeDraft) -> dict[str, tuple[str, bytes | None]]:
    """What is kept of a draft: the key of each file, its name and its content."""
    script = "\n".join(made.lines) + "\n"
    return {
        "video": ("draft.mp4", made.draft.mp4),
        "captions": ("draft.vtt", made.draft.vtt.encode()),
        "subtitles": ("draft.srt", made.draft.srt.encode()),
        "thumbnail": ("draft.jpg", made.draft.thumbnail),
        "script": ("script.txt", script.encode()),
        "timeline": ("draft.json", json.dumps(made.timeline.to_json(), ensure_ascii=False).encode()),
    }
