"""Clips and sounds whose truth is known: shots, clicks, music, speech."""

import functools
import subprocess
import wave
from random import Random

import cv2
import imageio_ffmpeg
import numpy as np
from scipy.signal import fftconvolve, resample_poly

from music_gen import composer, rendering

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
RATE = 24_000  # samples a second
WIDTH, HEIGHT = 180, 320


# --- sound


def clicks(bpm, seconds=15, seed=0, human=0.0):
    """A click on each beat, every fourth louder; each up to `human` seconds off."""
    rng, sound = Random(seed), np.zeros(round(seconds * RATE), np.float32)
    click = np.sin(2 * np.pi * 1500 * np.arange(600) / RATE) * np.exp(-np.arange(600) / 120)
    for number in range(int(seconds * bpm / 60)):
        start = round((0.1 + number * 60 / bpm + rng.uniform(-human, human)) * RATE)
        room = sound[max(0, start) : start + len(click)]
        room += (0.8 if number % 4 == 0 else 0.5) * click[: len(room)]
    return sound


@functools.cache
def music(prompt, seconds=15, seed=1):
    """A piece that the composer wrote for `prompt`, and its sound."""
    piece = composer.compose(prompt, seconds, seed)
    return piece, resample_poly(rendering.render_loop(piece.score, seconds).mean(axis=1), 3, 4).astype(np.float32)


@functools.cache
def _voice():
    from hibari import Hibari

    return Hibari()


@functools.cache
def speech(text, speed=1.0, seed=0):
    """`text` spoken, as loud as sound in clips is."""
    sound = np.asarray(_voice()(text, speed=speed, seed=seed), np.float32)
    assert _voice().sample_rate == RATE
    return sound * 0.1 / sound.std()


def over(voice, background, decibels):
    """A voice, again and again, over a background that is so many decibels softer."""
    voice = np.resize(voice, len(background))
    return voice + background * voice.std() / background.std() * 10 ** (-decibels / 20)


def in_a_room(sound, seconds=0.25, wet=0.5, seed=0):
    """The sound with the echo of a room that rings for so long; `wet` is the echo's level against the sound's."""
    rng = np.random.default_rng(seed)
    times = np.arange(int(seconds * RATE)) / RATE
    echo = rng.standard_normal(len(times)) * np.exp(-6.9 * times / seconds)
    wet_sound = fftconvolve(sound, echo)[: len(sound)]
    return (sound + wet * wet_sound * sound.std() / wet_sound.std()).astype(np.float32)


def write_wav(path, sound, level=0.25):
    """Write a mono sound whose peak is at `level`."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        peak = max(1e-9, float(np.abs(sound).max()))
        file.writeframes((np.asarray(sound) / peak * level * 32767).astype("<i2").tobytes())
    return path


# --- pictures


def scene(seed):
    """A picture with large and small shapes, larger than the frame so that a camera can move over it."""
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 255, (6, 4, 3)).astype(np.uint8)
    picture = cv2.resize(base, (WIDTH * 2, HEIGHT * 2), interpolation=cv2.INTER_CUBIC)
    for _ in range(14):
        centre = (int(rng.integers(0, WIDTH * 2)), int(rng.integers(0, HEIGHT * 2)))
        colour = tuple(int(value) for value in rng.integers(0, 255, 3))
        cv2.circle(picture, centre, int(rng.integers(8, 60)), colour, -1)
    return picture


def busy(seed, count, lined=False):
    """`count` frames, 360 x 640, of a camera that moves over detail of all sizes, or over many lines."""
    rng = np.random.default_rng(seed)
    width, height = 360, 640
    picture = np.full((2 * height, 2 * width, 3), 120, np.float32)
    for size in (8, 30) if lined else (1.2, 3, 8, 30):
        grain = cv2.GaussianBlur(rng.normal(size=picture.shape).astype(np.float32), (0, 0), size)
        picture += 38 * grain / grain.std()
    picture = np.clip(picture, 0, 255).astype(np.uint8)
    for _ in range(260 * lined):
        start = rng.integers(0, (2 * width, 2 * height))
        end = start + rng.integers(-80, 80, 2)
        colour = tuple(int(value) for value in rng.integers(0, 255, 3))
        cv2.line(picture, tuple(map(int, start)), tuple(map(int, end)), colour, int(rng.integers(1, 5)))
    way = rng.uniform(1, 3, 2) * rng.choice([-1, 1], 2)
    for number in range(count):
        x, y = (int((size / 2 + step * number) % size) for size, step in zip((width, height), way, strict=True))
        yield picture[y : y + height, x : x + width].copy()


def shot(seed, count, speed=1.0):
    """`count` frames of one shot: the camera moves over a scene, and something moves in it."""
    rng, picture = np.random.default_rng(seed), scene(seed)
    place, way = rng.uniform(0.2, 0.5, 2), rng.uniform(-1, 1, 2) * 0.004 * speed
    for number in range(count):
        x, y = (np.clip(place + way * number, 0, 0.5) * (WIDTH * 2, HEIGHT * 2)).astype(int)
        frame = picture[y : y + HEIGHT, x : x + WIDTH].copy()
        ball = (int(WIDTH * (0.5 + 0.3 * np.sin(number / 9))), int(HEIGHT * (0.5 + 0.2 * np.cos(number / 13))))
        cv2.circle(frame, ball, 22, (240, 240, 240), -1)
        yield frame


def cut_list(lengths, seed, fades=(), speed=1.0):
    """Frames of shots of so many frames, and the numbers of the frames at which they change.

    `fades` are (number of the shot that it leads to, frames it takes, through black or not); its truth is a range.
    """
    faded = {index: (length, black) for index, length, black in fades}
    shots = [list(shot(seed * 100 + index, length, speed)) for index, length in enumerate(lengths)]
    frames, changes = [], []
    for index, pictures in enumerate(shots):
        if index in faded:
            length, black = faded[index]
            start = len(frames) - length // 2
            before, after = frames[start:], pictures[: length - length // 2]
            before += [before[-1]] * (length - len(before))
            after = [after[0]] * (length - len(after)) + after
            mixed = [
                _mix(*pair, (n + 1) / (length + 1), black) for n, pair in enumerate(zip(before, after, strict=True))
            ]
            frames = frames[:start] + mixed + pictures[length - length // 2 :]
            changes.append((start, start + length))
        else:
            if index:
                changes.append((len(frames), len(frames)))
            frames += pictures
    return frames, changes


def _mix(before, after, share, black):
    if not black:
        return cv2.addWeighted(before, 1 - share, after, share, 0)
    return (
        cv2.convertScaleAbs(before, alpha=1 - 2 * share)
        if share < 0.5
        else cv2.convertScaleAbs(after, alpha=2 * share - 1)
    )


def write_clip(path, frames, fps=25, sound=None, more=()):
    """An MP4 of BGR frames, with the sound of a WAV file where there is one."""
    frames = list(frames)
    height, width = frames[0].shape[:2]
    raw = ["-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{width}x{height}", "-r", str(fps), "-i", "-"]
    heard = ["-i", str(sound), "-c:a", "aac", "-b:a", "128k"] if sound else []
    coded = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "24", "-pix_fmt", "yuv420p", *more]
    command = [FFMPEG, "-nostdin", "-v", "error", "-y", *raw, *heard, *coded, str(path)]
    subprocess.run(command, input=b"".join(frame.tobytes() for frame in frames), check=True, timeout=60)
    return path
