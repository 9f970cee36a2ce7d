"""What the brief, the music and the cover of a search are asked to be, by what was read and measured of the clips."""

from collections.abc import Sequence
from dataclasses import replace

import music_gen
import tiktok_videos
import trend_insights
from animate_text import Footage, PictureRequest
from core.files import LocalFile
from music_gen import MusicRequest
from pipeline.clips import Clip
from pipeline.draft_pictures import ClipStills
from pipeline.query import Query
from settings import Settings
from summariser import Brief, BriefRequest, Idea, Measured, Phrase

GLIMPSE = 3.0  # seconds of a moment that a draft shows of it, or nearly so


def brief(query: Query, clips: Sequence[Clip]) -> BriefRequest:
    """What was read, one entry a clip; of a clip that could not be read the texts are empty."""
    texts = [clip.text for clip in clips]
    traits = [clip.traits for clip in clips if clip.traits]
    shared = trend_insights.compare(traits) if traits else None
    return BriefRequest(
        transcripts=tuple(text.transcript if text else "" for text in texts),
        on_screen=tuple("\n".join(text.on_screen) if text else "" for text in texts),
        tags=query.tags,
        titles=tuple(clip.video.title for clip in clips),
        phrases=tuple(tuple(Phrase(p.start, p.end, p.text) for p in text.phrases) if text else () for text in texts),
        language=query.language,
        seed=query.seed,
        earlier=query.earlier_ideas,
        facts=shared.said if shared else (),
        measured=_measured(shared) if shared else None,
    )


def _measured(shared: trend_insights.Shared) -> Measured:
    """What ideas take over from the clips: the medians of what was measured of them."""
    names = ("seconds", "shot_seconds", "first_word_at", "text_first_at", "words_per_minute")
    return Measured(shared.n, **{name: shared.spreads[name].median for name in names})


def with_tempo(brief: Brief, clips: Sequence[Clip]) -> Brief:
    """The brief with the tempo and the key of the clips in the description of its music, where they share one."""
    tempo = trend_insights.common_tempo([clip.traits for clip in clips if clip.traits])
    if tempo is None or not brief.music_prompt:
        return brief
    return replace(brief, music_prompt=music_gen.described(brief.music_prompt, tempo.bpm, tempo.key))


def music(query: Query, brief: Brief, clips: Sequence[Clip]) -> MusicRequest:
    """Music for the brief at the tempo and in the key of the clips, where most of them have the same."""
    tempo = trend_insights.common_tempo([clip.traits for clip in clips if clip.traits])
    return MusicRequest(
        prompt=brief.music_prompt,
        seconds=query.seconds,
        seed=query.seed,
        tempo=tempo.bpm if tempo else None,
        key=tempo.key if tempo else None,
    )


def picture(query: Query, brief: Brief, title: str, clips: Sequence[Clip]) -> PictureRequest:
    """A cover for the brief in the colours of the clips, its title where they have their text."""
    shared = trend_insights.compare([clip.traits for clip in clips if clip.traits])
    return PictureRequest(
        prompt=brief.image_prompt,
        title=title,
        hashtags=brief.tags,
        stills=stills(clips),
        seed=query.seed,
        palette=shared.palette,
        text_places=shared.text_places,
        fitting=_stills_of(brief.ideas[:1], clips),
    )


def _stills_of(ideas: Sequence[Idea], clips: Sequence[Clip]) -> tuple[bytes, ...]:
    """The pictures of the clips that ideas take something from."""
    return stills([clips[idea.clip] for idea in ideas if idea.clip is not None and idea.clip < len(clips)])


def may_be_shown(clips: Sequence[Clip], settings: Settings) -> list[Clip]:
    """The clips that a draft may show: the visitor's own. Those that were found belong to others."""
    return [clip for clip in clips if settings.use_found_footage or clip.video.source == "uploads"]


def footage(clips: Sequence[Clip], settings: Settings) -> tuple[tuple[Footage, ...], tuple[LocalFile, ...]]:
    """What may be shown of clips, moving, and their files: those that are on this machine and were measured.

    Each has the moments that were measured to be worth it, the best first.
    """
    there = [
        (clip, clip.traits, path)
        for clip in clips
        if clip.traits
        and clip.traits.form.width
        and (path := tiktok_videos.stored(clip.video.source, clip.video.key, settings))
    ]
    shown = []
    for number, (clip, traits, _) in enumerate(there):
        moments = trend_insights.moments(traits)
        said = tuple(_said_about(clip, at) for at in moments)
        shown.append(Footage(f"clip-{number}", traits.form.seconds, moments, said))
    return tuple(shown), tuple(LocalFile(path) for _, _, path in there)


def _said_about(clip: Clip, at: float) -> tuple[str, ...]:
    """What is said in a clip, and what stands on its screen, in the seconds from a moment on."""
    if not clip.text:
        return ()
    spans = [(p.start, p.end, p.text) for p in clip.text.phrases] + [
        (line.start, line.end, line.text) for line in clip.text.texts or ()
    ]
    return tuple(text for start, end, text in spans if text and start < at + GLIMPSE and end > at)


def clip_stills(clips: Sequence[Clip], settings: Settings) -> tuple[ClipStills, ...]:
    """The pictures of each clip, with what is said and shown in it."""
    shown = may_be_shown(clips, settings)
    return tuple(
        ClipStills(clip.text.stills, (*(p.text for p in clip.text.phrases), *clip.text.on_screen), clip in shown)
        for clip in clips
        if clip.text and clip.text.stills
    )


def stills(clips: Sequence[Clip]) -> tuple[bytes, ...]:
    """The pictures that were taken from the clips."""
    return tuple(still for clip in clips if clip.text for still in clip.text.stills)
