"""Google's speech service on a loopback port: FLAC in, words out, with the answers of the real one."""

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from speech_recognition.audio import get_flac_converter

from tools.services.faults import Reply, Request, Service

NOTHING = '{"result":[]}\n'


@dataclass(frozen=True)
class Piece:
    """A piece of sound as it came in: 16-bit mono samples and their rate in Hz, and the language asked for."""

    samples: bytes = field(repr=False)
    rate: int
    language: str

    @property
    def seconds(self) -> float:
        return len(self.samples) / 2 / self.rate


class GoogleSpeech(Service):
    """`understand` turns a piece of sound into its words, empty where it understands nothing.

    With `key`, every other key is refused. `thinking` is how many seconds an answer takes; `most_at_once` tells how
    many pieces were being listened to at the same time.
    """

    def __init__(self, understand: Callable[[Piece], str] = lambda _piece: "hello world", key: str = ""):
        super().__init__(self._answer)
        self.understand = understand
        self.key = key
        self.thinking = 0.0
        self.pieces: list[Piece] = []
        self.most_at_once = 0
        self._at_once = 0
        self._counting = threading.Lock()

    @property
    def address(self) -> str:
        return f"{self.url}/speech-api/v2/recognize"

    def _answer(self, request: Request) -> Reply:
        if (request.method, request.path) != ("POST", "/speech-api/v2/recognize"):
            return Reply(b"<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>", 404)
        if request.query.get("client") != "chromium" or (self.key and request.query.get("key") != self.key):
            return Reply(b"<HTML><TITLE>Forbidden</TITLE>Your client does not have permission</HTML>", 403)
        kind, _, parameters = request.headers.get("content-type", "").partition(";")
        rate = parse_qs(parameters.strip()).get("rate", [""])[-1]
        samples = decode(request.body) if kind == "audio/x-flac" and rate == "16000" else b""
        if not samples or not request.query.get("lang"):
            return Reply(b"<HTML><TITLE>Bad Request</TITLE></HTML>", 400)
        piece = Piece(samples, int(rate), request.query["lang"])
        with self._counting:
            self.pieces.append(piece)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        self.stopping.wait(self.thinking)
        words = self.understand(piece)
        with self._counting:
            self._at_once -= 1
        return Reply(said(words).encode(), headers={"Content-Type": "application/json; charset=utf-8"})


def said(words: str) -> str:
    """The body of an answer: an empty result first, as the service always gives, then the best guess and another."""
    if not words:
        return NOTHING
    alternatives = [{"transcript": words, "confidence": 0.93}, {"transcript": f"{words} uh"}]
    result = {"result": [{"alternative": alternatives, "final": True}], "result_index": 0}
    return NOTHING + json.dumps(result, ensure_ascii=False) + "\n"


def decode(flac: bytes) -> bytes:
    """The samples of a FLAC file, as they were before it was packed; empty where it is none."""
    command = [
        get_flac_converter(),
        "-d",
        "-c",
        "--totally-silent",
        "--force-raw-format",
        "--endian=little",
        "--sign=signed",
        "-",
    ]
    done = subprocess.run(command, input=flac, stdout=subprocess.PIPE, check=False, timeout=30)
    return done.stdout if done.returncode == 0 else b""


def knows(sound: bytes, sentences: Iterable[tuple[float, float, str]]) -> Callable[[Piece], str]:
    """Understand pieces of `sound` (16-bit mono, 16 kHz): the words of each sentence, given as its start and end in
    seconds and its words, whose middle lies in the piece. Earlier pieces take longer, as no order is promised."""
    script = list(sentences)
    whole = len(sound) / 2 / 16_000

    def understand(piece):
        offset = sound.find(piece.samples)
        if offset < 0:
            raise ValueError("these samples are not in the clip")
        start = offset / 2 / piece.rate
        time.sleep(0.3 * (1 - start / whole))
        return " ".join(words for begin, end, words in script if start <= (begin + end) / 2 <= start + piece.seconds)

    return understand
