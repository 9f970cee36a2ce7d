"""Pieces of the composer, and how they are listened to."""

import io
import wave
from functools import cache

import numpy as np
import pyloudnorm
import pytest
from scipy.signal import resample

import music_gen
from music_gen import MusicRequest, composer
from settings import Settings

RATE = 32_000
SETTINGS = Settings.read({})

# Said in other words than the styles use of themselves.
HELD_OUT = {
    "lo-fi hip hop": "slow hazy lofi tune for doing homework on a rainy evening",
    "upbeat pop": "bright cheerful pop tune for a makeup tutorial, 115 BPM",
    "house": "club banger with a four-to-the-floor kick",
    "ambient": "peaceful drones for yoga and breathing exercises",
    "epic cinematic": "heroic symphony for the final battle of a blockbuster",
    "trap": "hard rap beat with rattling hats and sub bass",
    "funk and disco": "groovy bassline with wah-wah pedal and a tight horn section",
    "acoustic folk": "someone strumming a ukulele round the fire with friends",
    "bossa nova": "smooth guitar for cocktails on a Brazilian beach",
    "synthwave": "80s retro synthesizers cruising through a neon metropolis",
    "rock": "screaming overdriven guitars and pounding drum kit",
    "jazz": "saxophone quartet swinging in a dim bar",
    "reggaeton": "perreo party in Medellin",
    "afrobeats": "Nigerian dance groove with talking drums",
}
RHYTHMIC = [name for name in HELD_OUT if name not in ("ambient", "epic cinematic")]


@cache
def track(prompt, seconds=10, seed=1):
    answer = music_gen.generate(MusicRequest(prompt, seconds, seed), SETTINGS)
    assert (answer.engine, answer.warnings) == ("composer", ())
    return answer.value


@cache
def piece(prompt, seconds=20, seed=1):
    return composer.compose(prompt, seconds, seed)


def samples(wav):
    with wave.open(io.BytesIO(wav)) as sound:
        assert (sound.getframerate(), sound.getsampwidth(), sound.getnchannels()) == (RATE, 2, 2)
        return np.frombuffer(sound.readframes(sound.getnframes()), "<i2").reshape(-1, 2) / 32768


def true_peak(sound):
    """Four times oversampled by a Fourier transform of the whole loop, another way than the code's own filter."""
    return 20 * np.log10(np.abs(resample(sound, 4 * len(sound), axis=0)).max())


def check_sound(wav, seconds):
    sound = samples(wav)
    assert len(sound) == seconds * RATE
    assert pyloudnorm.Meter(RATE).integrated_loudness(sound) == pytest.approx(-14, abs=1)
    assert true_peak(sound) <= -1
    assert (np.abs(sound) >= 32767 / 32768).sum() == 0
    return sound


def instrument(score, name):
    return next((one for one in score.instruments if one.name.startswith(name)), None)
