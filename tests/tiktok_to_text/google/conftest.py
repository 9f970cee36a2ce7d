import gc
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from tests.tiktok_to_text.google.support import KEY, RATE, ffmpeg, samples_of, sockets, threads, words, write
from tools.services.google_speech import GoogleSpeech
from tools.waiting import until


@pytest.fixture(autouse=True)
def nothing_is_remembered_or_left_behind(monkeypatch):
    """No proxy is in the way, and no thread or socket is left in the end."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    before = sockets()
    gc.disable()  # what only the garbage collector closes was left open
    yield
    try:
        until(lambda: not threads() and sockets() <= before, 2)
    finally:
        gc.enable()


@pytest.fixture
def server():
    with GoogleSpeech(key=KEY) as server:
        yield server


@pytest.fixture
def settings(settings, server):
    return replace(
        settings,
        google_speech_url=server.address,
        google_speech_key=KEY,
        speech_engines=("google", "whisper"),
        service_timeout=20,
    )


@pytest.fixture
def hurried(settings):
    return replace(settings, service_timeout=1)


@pytest.fixture(scope="module")
def sample(samples):
    """A clip of four sentences, as they are spoken."""
    clip = sorted(samples.glob("*/*.mp4"))[0]
    return clip, re.findall(r"\S[^.!?]*[.!?]", json.loads(clip.with_suffix(".json").read_text())["script"])


@pytest.fixture(scope="module")
def wav(sample, tmp_path_factory):
    """The sound of the clip with four sentences."""
    return ffmpeg(sample[0], tmp_path_factory.mktemp("sound") / "sound.wav", "-ac", "1", "-ar", str(RATE))


@pytest.fixture(scope="module")
def sentences(wav, sample):
    """The sentences of the clip: when each begins and ends, in seconds, by its loudness, and its words."""
    sound = samples_of(wav).astype(float)
    frames = sound[: sound.size // 160 * 160].reshape(-1, 160)
    loud = np.flatnonzero(np.abs(frames).max(1) > 0.02 * np.abs(sound).max())  # in hundredths of a second
    stretches = np.split(loud, np.flatnonzero(np.diff(loud) > 55) + 1)
    return [
        (stretch[0] / 100, stretch[-1] / 100, " ".join(words(sentence)))
        for stretch, sentence in zip(stretches, sample[1], strict=True)
    ]


@pytest.fixture(scope="module")
def short_wav(wav, sentences, tmp_path_factory):
    """The first sentence alone."""
    path = tmp_path_factory.mktemp("sound") / "short.wav"
    return write(path, samples_of(wav)[: int((sentences[0][1] + 0.3) * RATE)])


@pytest.fixture(scope="module")
def short_clip(short_wav):
    """A clip of the first sentence, with nothing to see."""
    return ffmpeg(short_wav, short_wav.with_suffix(".mp4"))
