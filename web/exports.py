"""Everything that a search made, as one ZIP file; and a clip's phrases as captions."""

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

ABOUT = """Made by TrendTok Studio for {tags}.

summary.txt    the summary, the tags and the ideas
post.txt       a text to paste under a video
result.json    all of it, as the interface gives it
music.wav      the music ({music_prompt}); music.mid, where there is one, holds its notes
image.png      the cover
draft.mp4      the video, where one was asked for, with its captions (draft.srt, draft.vtt), its thumbnail (draft.jpg),
               its script (script.txt), and its timeline (draft.json)
insights.csv   what was measured of each video; result.json holds all of it
captions/      what is said in each video, as WebVTT

The music and the cover say themselves what made them (XMP and C2PA), and so does "provenance" in result.json. Where it
says "label_needed": true, TikTok's label for AI-generated content must be ticked when they are posted.
"""


def bundle(result: dict[str, Any], folder: Path) -> IO[bytes]:
    """Pack a search's result and the files in its folder; the open file is removed when it is closed."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 the caller closes it
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        tags = ", ".join(result["asked"]["tags"]) or "your own videos"
        archive.writestr("README.txt", ABOUT.format(tags=tags, music_prompt=result["music_prompt"]))
        archive.writestr("summary.txt", _summary(result))
        if result["post"]:
            archive.writestr("post.txt", result["post"] + "\n")
        archive.writestr("result.json", json.dumps(result, ensure_ascii=False, indent=2))
        if result["insights"]:
            archive.writestr("insights.csv", insights_table(result["insights"]))
        for number, video in enumerate(result["videos"], 1):
            if video["phrases"]:
                archive.writestr(f"captions/video-{number}.vtt", webvtt(video["phrases"]))
        for path in sorted(folder.glob("[!.]*")):
            stored = zipfile.ZIP_STORED if path.suffix in (".png", ".mp4", ".jpg") else zipfile.ZIP_DEFLATED
            archive.write(path, path.name, stored)
    file.seek(0)
    return file


def insights_table(insights: dict[str, Any]) -> str:
    """A CSV file (RFC 4180) with a row for each clip and a column for each number, text and list of numbers."""
    rows = [_row(clip) for clip in insights["clips"]]
    file = io.StringIO()
    writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def _row(clip: dict[str, Any]) -> dict[str, Any]:
    """A clip's values by the names of the columns: what is nested is left out, but for what has a name and a value."""
    row: dict[str, Any] = {}
    for name, value in clip.items():
        if isinstance(value, dict):
            row |= {f"{name}_{part}": _cell(inner) for part, inner in value.items()}
        elif not isinstance(value, list):
            row[name] = _cell(value)
        elif not value or not isinstance(value[0], (dict, list)):
            row[name] = " ".join("" if one is None else str(one) for one in value)
    for unknown in ("tempo", "key", "call_to_action"):
        if row.get(unknown, "") is None:
            row.pop(unknown)
    return row


def _cell(value: Any) -> Any:
    """A value; a text that a spreadsheet would take for a formula gets an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _summary(result: dict[str, Any]) -> str:
    ideas = [_idea(number, idea) for number, idea in enumerate(result["ideas"], 1)]
    return "\n\n".join(filter(None, [result["summary"], result["tags"], *ideas])) + "\n"


def _idea(number: int, idea: dict[str, Any]) -> str:
    lines = [idea["concept"], idea["opening"] and f"Say: {idea['opening']}"]
    lines += [f"{shot['seconds']} s: {shot['shows']}" for shot in idea["shots"]]
    lines += [idea["caption"] and f"On screen: {idea['caption']}", idea.get("timing"), idea["reason"]]
    return "\n   ".join([f"{number}. {idea['title']}", *filter(None, lines)])


def webvtt(phrases: Sequence[dict[str, Any]]) -> str:
    """Phrases, each with `start` and `end` in seconds and `text`, as a WebVTT file (W3C WebVTT, 2019)."""
    cues = [f"{_time(phrase['start'])} --> {_time(phrase['end'])}\n{_cue(phrase['text'])}\n" for phrase in phrases]
    return "\n".join(["WEBVTT\n", *cues])


def _time(seconds: float) -> str:
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02}.{milliseconds % 1000:03}"


def _cue(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return " ".join(escaped.split())
