"""Whether what a search made is right: all of it is there, and it is what the same search makes for others."""

import asyncio
import hashlib
import io
import wave
from typing import Any

from PIL import Image

from tools.attack.client import Answer, Client

MUSIC_SECONDS = 5
FIELDS = ("summary", "tags", "ideas", "music_url", "image_url", "videos", "post")


class Judge:
    """Remembers what each search made, by what was asked: the same seed makes the same, another one another."""

    def __init__(self) -> None:
        self._music: dict[tuple[str, int], str] = {}

    async def problems(self, client: Client, asked: dict[str, Any], job: dict[str, Any]) -> list[str]:
        """What is wrong with a search that has ended; nothing where it is right."""
        if job["state"] != "done":
            return [f"{job['state']}: {job['error']}"]
        result = job["result"]
        found = [f"no {name}" for name in FIELDS if not result[name]] + list(result["warnings"])
        if found:
            return found
        if result["asked"]["tags"] != asked["tags"] or {video["tag"] for video in result["videos"]} != {*asked["tags"]}:
            return ["it is another's"]
        music, image = await asyncio.gather(client.ask(result["music_url"]), client.ask(result["image_url"]))
        # Not on the event loop: what it stands still for would count as the studio's time.
        return [*await asyncio.to_thread(self._of_music, music, asked), *await asyncio.to_thread(_of_image, image)]

    def _of_music(self, answer: Answer, asked: dict[str, Any]) -> list[str]:
        try:
            with wave.open(io.BytesIO(answer.body)) as sound:
                seconds = sound.getnframes() / sound.getframerate()
                heard = hashlib.sha256(sound.readframes(sound.getnframes())).hexdigest()
        except (wave.Error, EOFError) as error:
            return [f"the music: {answer.status}, {error}"]
        same = (asked["tags"][0], asked["seed"])
        if self._music.setdefault(same, heard) != heard:
            return [f"the music of {same} is not what it was"]
        if any(heard == other for key, other in list(self._music.items()) if key != same):
            return [f"the music of {same} is another's"]
        return [] if abs(seconds - MUSIC_SECONDS) < 0.1 else [f"the music has {seconds} s"]


def _of_image(answer: Answer) -> list[str]:
    try:
        with Image.open(io.BytesIO(answer.body)) as image:
            image.load()
    except OSError as error:
        return [f"the cover: {answer.status}, {error}"]
    return []
