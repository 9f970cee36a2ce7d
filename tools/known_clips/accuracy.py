"""How near the measures come to the truth of clips that are made: the tests ask for it, `make bench` prints it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import cv2
import numpy as np

import tiktok_to_text
from core import tempo
from core.engines import no_report
from core.tempo import Tempo
from settings import Settings
from tools.known_clips import made
from trend_insights import MeasureRequest, Traits, key, measure

FPS = 25
NEAR = 2  # frames by which a cut may be off
TOLERANCE = 0.04  # of a tempo
CLICKS = (60, 75, 90, 100, 120, 128, 140, 160, 180)  # BPM
HUMAN = 0.012  # seconds by which a click may be off
STYLES = {
    "lo-fi hip hop": (70, 95), "upbeat pop": (90, 130), "house": (115, 130), "trap": (130, 150), "funk": (100, 125),
    "acoustic folk": (80, 120), "bossa nova": (110, 145), "synthwave": (80, 118), "rock": (110, 180),
    "jazz": (100, 160), "reggaeton": (85, 105), "afrobeats": (95, 120),
}  # fmt: skip
SAID = (
    "Stop peeling garlic like this. Put the cloves into a jar, close the lid, and shake it hard for ten seconds. The"
    " skins come off on their own, and your hands stay clean. Try it tonight and tell me how it went."
)
SPOKEN = (  # no numbers and no hyphens, so that everybody counts the same words
    (SAID, 0.9),
    (SAID, 1.15),
    (
        "I moved my desk to the window and stopped working at night. It was the cheapest thing that helped me sleep.",
        1.0,
    ),
    (
        "Never buy a blazer before you check the shoulders. Sleeves can be changed, but shoulders stay as they are.",
        1.1,
    ),
    ("This train leaves before sunrise. Sit on the left side, and you will see the whole valley wake up.", 0.95),
    ("Salt the water until it tastes like the sea. Keep one cup of it, and your sauce will never be dry again.", 1.2),
)
SHOWN = (  # seconds of ten in which there is text
    ((0.0, 10.0),),
    ((0.0, 3.1),),
    ((2.2, 6.9),),
    ((1.1, 3.8), (6.4, 9.2)),
    ((0.0, 1.7), (3.3, 5.2), (6.1, 8.6)),
    ((8.4, 10.0),),
)


# --- cuts


def hits(found: Sequence[float], changes: Sequence[tuple[int, int]], fps: float = FPS) -> int:
    """How many of the changes, (first frame, last frame), have a cut of their own."""
    left, matched = [round(time * fps) for time in found], 0
    for first, last in changes:
        match = next((cut for cut in left if first - NEAR <= cut <= last + NEAR), None)
        if match is not None:
            left.remove(match)
            matched += 1
    return matched


@dataclass(frozen=True)
class Shots:
    f1: float
    clips: int
    changes: int


def hard_cuts(folder: Path, settings: Settings) -> Shots:
    """Clips of eight shots under a moving camera."""
    return _shots(folder, settings, [made.cut_list(_lengths(seed), seed, speed=1 + seed % 3) for seed in range(51, 61)])


def fades(folder: Path, settings: Settings) -> Shots:
    """Clips in which three of five changes are fades, some of them through black."""
    clips = []
    for seed in range(61, 69):
        rng, shots = Random(seed), [length + 30 for length in _lengths(seed, 6)]
        clips.append(
            made.cut_list(shots, seed, [(n, rng.choice((10, 15, 20, 25, 30)), rng.random() < 0.4) for n in (1, 3, 4)])
        )
    return _shots(folder, settings, clips)


def _lengths(seed, count=8):
    rng = Random(seed)
    return [rng.randint(12, 60) for _ in range(count)]


def _shots(folder, settings, clips):
    results = []
    for number, (frames, changes) in enumerate(clips):
        path = made.write_clip(folder / f"shots-{number}.mp4", frames, FPS)
        results.append((traits(path, settings).cuts.times, changes))
    matched = sum(hits(found, changes) for found, changes in results)
    truth = sum(len(changes) for _, changes in results)
    return Shots(2 * matched / (sum(len(found) for found, _ in results) + truth), len(clips), truth)


def traits(path: Path, settings: Settings) -> Traits:
    """What is measured of a clip of which nothing has been read."""
    return measure(MeasureRequest(str(path)), settings, no_report)


# --- tempo and key


@dataclass(frozen=True)
class Piece:
    sound: np.ndarray
    bpm: float
    key: str
    relative: str


def pieces(count: int, seed: int) -> Iterator[Piece]:
    """Music of every style in turn, at tempi from 70 to 180, in keys drawn by lot; the players are not machines."""
    rng, styles = Random(seed), list(STYLES)
    for number in range(count):
        style = styles[number % len(styles)]
        bpm, mode, root = rng.randint(*STYLES[style]), rng.choice(("major", "minor")), rng.choice("CDEFGB")
        piece, sound = made.music(f"{style}, {bpm} BPM, in {root} {mode}", 15, seed * 100 + number)
        root, minor = piece.key.root, piece.key.minor
        relative = f"{key.NAMES[(root + 3) % 12]} major" if minor else f"{key.NAMES[(root - 3) % 12]} minor"
        yield Piece(sound, piece.tempo, f"{key.NAMES[root]} {'minor' if minor else 'major'}", relative)


@dataclass(frozen=True)
class Tempi:
    """Shares: of all how many have an answer, and of the answers how many are right, and half or double."""

    answered: float
    right: float
    octaves: float
    count: int


def tempi(results: Sequence[tuple[Tempo | None, float]]) -> Tempi:
    """Score found tempi against the true ones."""
    known = [(found.bpm, bpm) for found, bpm in results if found]
    right = sum(abs(found / bpm - 1) <= TOLERANCE for found, bpm in known)
    octaves = sum(any(abs(found / bpm / times - 1) <= TOLERANCE for times in (0.5, 2.0)) for found, bpm in known)
    return Tempi(len(known) / len(results), right / len(known), octaves / len(known), len(results))


def clicks() -> Tempi:
    """Click tracks from 60 to 180 BPM whose clicks are up to HUMAN off."""
    return tempi([(tempo.measure(made.clicks(bpm, human=HUMAN, seed=bpm))[0], bpm) for bpm in CLICKS])


def music_tempi() -> Tempi:
    return tempi([(tempo.measure(one.sound)[0], one.bpm) for one in pieces(24, seed=31)])


def tempi_under_a_voice() -> Tempi:
    """Music 3 to 9 dB under a voice, both in a room."""
    results = []
    for number, one in enumerate(pieces(16, seed=32)):
        voice = made.speech(SAID, speed=(0.9, 1.0, 1.1)[number % 3])
        mixed = made.in_a_room(made.over(voice, one.sound, (3, 6, 9)[number % 3]), seed=number)
        results.append((tempo.measure(mixed)[0], one.bpm))
    return tempi(results)


@dataclass(frozen=True)
class Keys:
    """Shares of all pieces."""

    right: float
    right_or_relative: float
    count: int


def keys() -> Keys:
    found = [(key.measure(one.sound), one) for one in pieces(24, seed=31)]
    right = sum(bool(name) and name.name == one.key for name, one in found)
    near = sum(bool(name) and name.name in (one.key, one.relative) for name, one in found)
    return Keys(right / len(found), near / len(found), len(found))


# --- pace and text, which stand on what is read


def _read_and_measured(path, settings):
    text = tiktok_to_text.read(path, "en-US", settings, no_report)
    phrases = tuple((phrase.start, phrase.end, phrase.text) for phrase in text.phrases)
    texts = tuple((one.start, one.end, one.text, one.box) for one in text.texts or ())
    return measure(MeasureRequest(str(path), phrases, texts), settings, no_report)


def pace_errors(folder: Path, settings: Settings) -> list[float]:
    """By which share the words a minute of each of SPOKEN are off, every other one over music."""
    errors = []
    for number, (said, speed) in enumerate(SPOKEN):
        voice = made.speech(said, speed, number)
        loud = np.flatnonzero(np.abs(voice) > 0.05 * np.abs(voice).max())
        truth = 60 * len(said.split()) / ((loud[-1] - loud[0]) / made.RATE)
        sound = np.concatenate([np.zeros(made.RATE, np.float32), voice, np.zeros(made.RATE, np.float32)])
        if number % 2:
            _, music = made.music("lo-fi hip hop, 84 BPM", 15, 5)
            sound += np.resize(music, len(sound)) * voice.std() / music.std() * 10 ** (-18 / 20)
        wav = made.write_wav(folder / "voice.wav", sound)
        frames = [made.scene(number)[:320, :180]] * round(5 * len(sound) / made.RATE)
        path = made.write_clip(folder / f"pace-{number}.mp4", frames, 5, wav)
        errors.append(abs(_read_and_measured(path, settings).pace.words_per_minute / truth - 1))
    return errors


def text_share_errors(folder: Path, settings: Settings, busy: bool = False) -> list[float]:
    """By how much of the time the share with text of each of SHOWN is off, over calm or over busy moving pictures."""
    errors = []
    for number, spans in enumerate(SHOWN):
        pictures = made.busy(number, 120, number % 2 == 1) if busy else _calm(number)
        path = made.write_clip(folder / f"text-{number}.mp4", list(_captioned(pictures, spans)), 12)
        truth = sum(_is_shown(frame, spans) for frame in range(120)) / 120
        errors.append(abs(_read_and_measured(path, settings).text.share - truth))
    return errors


def _is_shown(frame, spans):
    return any(start <= frame / 12 < end for start, end in spans)


def _calm(seed):
    """Ten seconds of one calm picture at 12 frames a second."""
    calm = cv2.GaussianBlur(cv2.resize(made.scene(seed), (360, 640)), (0, 0), 12)
    return (calm.copy() for _ in range(120))


def _captioned(pictures, spans):
    """Frames, 12 a second, with a caption while `spans` have one."""
    for number, frame in enumerate(pictures):
        if _is_shown(number, spans):
            for colour, width in (((0, 0, 0), 10), ((255, 255, 255), 3)):
                cv2.putText(frame, "SAVE AN HOUR", (35, 300), cv2.FONT_HERSHEY_DUPLEX, 1.2, colour, width, cv2.LINE_AA)
        yield frame
