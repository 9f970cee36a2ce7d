"""Everything that a search made, as one ZIP file; and a clip's phrases as captions."""

import json
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

ABOUT = """Made by TrendTok Studio for {tags}.

summary.txt    the summary, the tags and the ideas
result.json    all of it, as the interface gives it
music.wav      the music ({music_prompt}); music.mid, where there is one, holds its notes
image.png      the cover
captions/      what is said in each video, as WebVTT
"""


def bundle(result: dict, folder: Path) -> IO[bytes]:
    """Pack a search's result and the files in its folder; the open file is removed when it is closed."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 the caller closes it
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        tags = ", ".join(result["asked"]["tags"]) or "your own videos"
        archive.writestr("README.txt", ABOUT.format(tags=tags, music_prompt=result["music_prompt"]))
        archive.writestr("summary.txt", _summary(result))
        archive.writestr("result.json", json.dumps(result, ensure_ascii=False, indent=2))
        for number, video in enumerate(result["videos"], 1):
            if video["phrases"]:
                archive.writestr(f"captions/video-{number}.vtt", webvtt(video["phrases"]))
        for path in sorted(folder.glob("[!.]*")):
            stored = zipfile.ZIP_STORED if path.suffix == ".png" else zipfile.ZIP_DEFLATED
            archive.write(path, path.name, stored)
    file.seek(0)
    return file


def _summary(result):
    ideas = [f"{number}. {idea['title']}\n   {idea['concept']}" for number, idea in enumerate(result["ideas"], 1)]
    return "\n\n".join(filter(None, [result["summary"], result["tags"], *ideas])) + "\n"


def webvtt(phrases: Sequence[dict]) -> str:
    """Phrases, each with `start` and `end` in seconds and `text`, as a WebVTT file (W3C WebVTT, 2019)."""
    cues = [f"{_time(phrase['start'])} --> {_time(phrase['end'])}\n{_cue(phrase['text'])}\n" for phrase in phrases]
    return "\n".join(["WEBVTT\n", *cues])


def _time(seconds):
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02}.{milliseconds % 1000:03}"


def _cue(text):
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return " ".join(escaped.split())
