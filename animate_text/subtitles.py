"""The captions of a draft as files that players show: SubRip and WebVTT."""

from animate_text.caption_pages import HOLD, LOOKS, group_words
from animate_text.timeline import Timeline
from animate_text.words import join


def srt(timeline: Timeline) -> str:
    """The captions as SubRip text."""
    blocks = [
        f"{number}\n{_clock(start, ',')} --> {_clock(end, ',')}\n{text.replace('-->', '→')}\n"
        for number, (start, end, text) in enumerate(_cues(timeline), 1)
    ]
    return "\n".join(blocks)


def vtt(timeline: Timeline) -> str:
    """The captions as WebVTT (https://www.w3.org/TR/webvtt1/)."""
    blocks = [
        f"{_clock(start, '.')} --> {_clock(end, '.')}\n"
        + text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        + "\n"
        for start, end, text in _cues(timeline)
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def _cues(timeline: Timeline) -> list[tuple[float, float, str]]:
    """A cue for each page of a calm style: players set the words themselves."""
    groups = group_words(timeline.words(), LOOKS["karaoke"])
    cues = []
    for group, following in zip(groups, [*groups[1:], None], strict=True):
        end = min(group[-1].end + HOLD, following[0].start if following else timeline.seconds, timeline.seconds)
        cues.append((group[0].start, max(end, group[0].start + 0.05), join([word.text for word in group])))
    return cues


def _clock(seconds: float, point: str) -> str:
    thousandths = round(seconds * 1000)
    hours, rest = divmod(thousandths, 3_600_000)
    return f"{hours:02}:{rest // 60_000:02}:{rest // 1000 % 60:02}{point}{thousandths % 1000:03}"
