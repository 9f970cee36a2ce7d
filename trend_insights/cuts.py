"""Where one shot ends and the next begins, and how much moves within them."""

from collections.abc import Sequence

import numpy as np

from core.tempo import Tempo
from trend_insights.traits import Cuts

MIN_SHOT = 0.2  # seconds
WINDOW = 2  # frames on either side that a cut must stand out from
MIN_CONTENT = 15.0  # grey levels by which hue, saturation and value change on a cut
SMALL = 32  # pixels: the side of the copies on which fades are looked for
FADES = (0.3, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5)  # seconds that a fade is looked for to take
FADE_PARTS = (-0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75)  # of that time, from its middle on: the pictures looked at
STILL = 0.25  # of the change: what the pictures without may differ from the outer ones
PLAIN = 6.0  # grey levels: the deviation up to which a picture is black, white or another plain colour
FADE_CONTENT = 14.0  # grey levels that a fade changes
PURE = 0.15  # of the change: what may be left when a picture is explained as a mixture of those before and after
EVEN = 0.15  # how far the mixture may be from where an even fade has it
FADE_STEP = 0.08  # seconds between two moments at which a fade is looked for

MOTION_STEP = 0.2  # seconds between the pictures that are compared for motion
CHANGED = 12  # grey levels from which on a point has changed
ON_BEAT = 0.07  # seconds
BY_CHANCE = 0.05
FEWEST_CUTS = 4  # from which on it can be told whether they follow the beats
FEWEST_FRAMES = 5  # that it takes to tell a cut
USUAL_RATE = 25.0  # frames a second, where it is not known


class Watch:
    """Takes in the frames of a clip one after the other, then when they are shown. `fps` is their number a second."""

    def __init__(self, fps: float):
        from scenedetect import AdaptiveDetector

        self.fps = float(fps)
        self.count = 0
        self.at = np.zeros(0)  # seconds
        self.hard: list[int] = []
        self.small: list[np.ndarray] = []
        self.moves: list[tuple[int, float, float]] = []  # frame, share that changed, way of the camera
        self._every = max(1, round(MOTION_STEP * fps))
        self._last: np.ndarray | None = None
        self._detector = AdaptiveDetector(
            min_scene_len=max(2, round(MIN_SHOT * fps)), min_content_val=MIN_CONTENT, window_width=WINDOW
        )

    def see(self, picture: np.ndarray) -> None:
        """Take in a small picture (BGR, shape (side, side, 3))."""
        import cv2
        from scenedetect import FrameTimecode

        found = self._detector.process_frame(FrameTimecode(self.count, self.fps), picture)
        self.hard += [cut.frame_num for cut in found]
        self.small.append(cv2.resize(picture, (SMALL, SMALL), interpolation=cv2.INTER_AREA))
        if self.count % self._every == 0:
            grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), (3, 3), 0)
            if self._last is not None:
                self.moves.append((self.count, *_motion(self._last, grey)))
            self._last = grey
        self.count += 1

    def end(self, times: np.ndarray) -> None:
        """Take the times of the frames, in seconds; frames without one are taken to go on evenly."""
        known = np.sort(times)[: self.count]
        rest = (known[-1] if len(known) else -1 / self.fps) + np.arange(1, self.count - len(known) + 1) / self.fps
        self.at = np.concatenate([known, rest])

    def seconds(self) -> float:
        """When the last frame ends."""
        return float(self.at[-1] + np.median(np.diff(self.at))) if self.count > 1 else 0.0

    def motions(self, cuts: Sequence[float], until: float = np.inf) -> list[tuple[float, float]]:
        """The share of the picture that changes within MOTION_STEP and the camera's way in frame widths a second."""
        found = []
        for frame, share, way in self.moves:
            before, after = self.at[frame - self._every], self.at[frame]
            if after <= until and not any(before < cut <= after for cut in cuts):
                found.append((share, way / max(after - before, 1e-3)))
        return found


def _motion(before, after):
    """The share of the picture that changed, and how far the whole of it went, in frame widths."""
    import cv2

    changed = float(np.mean(cv2.absdiff(before, after) > CHANGED))
    if changed < 0.1:  # too little to be the whole picture
        return changed, 0.0
    window = cv2.createHanningWindow(before.shape[::-1], cv2.CV_32F)
    (x, y), response = cv2.phaseCorrelate(before.astype(np.float32), after.astype(np.float32), window)
    return changed, float(np.hypot(x, y)) / before.shape[1] if response > 0.3 else 0.0


def measure(watch: Watch, seconds: float) -> Cuts:
    """The cuts of a clip that lasts `seconds`, all of whose frames have been seen.

    Hard cuts are PySceneDetect's, by its AdaptiveDetector: a change of content that stands out from those around it.
    Fades are stretches whose pictures are mixtures of the picture before and the one after.
    """
    times, count = watch.at, watch.count
    if count < FEWEST_FRAMES:
        return Cuts((), None, (), None, None, None, None, 0.0)
    fades = _fades(times, np.array(watch.small, np.float32).reshape(count, -1), watch.hard)
    found = sorted({*watch.hard, *fades})
    cuts = tuple(round(float(times[frame]), 3) for frame in found)
    edges = [0.0, *cuts, max(seconds, float(times[-1]))]
    shots = tuple(round(float(length), 3) for length in np.diff(edges))
    motions = watch.motions(cuts)
    return Cuts(
        times=cuts,
        per_minute=round(60 * len(cuts) / seconds, 1) if seconds else None,
        shots=shots,
        median_shot=round(float(np.median(shots)), 2),
        first_at=cuts[0] if cuts else None,
        motion=_mean([share for share, _ in motions]),
        camera_motion=_mean([way for _, way in motions]),
        confidence=round(0.95 - 0.3 * len(fades) / max(1, len(found)), 2),
    )


def on_beats(cuts: Sequence[float], beats: Sequence[float], tempo: Tempo | None) -> tuple[float | None, bool | None]:
    """The share of `cuts` that fall on a beat, and whether that is more than chance would have; None without a beat.

    The cuts follow the beats where so many on one would be chance in at most one clip of twenty (binomial test).
    """
    from scipy.stats import binomtest

    inside = [cut for cut in cuts if beats and beats[0] - ON_BEAT <= cut <= beats[-1] + ON_BEAT]
    if tempo is None or not inside:
        return None, None
    hits = sum(min(abs(cut - beat) for beat in beats) <= ON_BEAT for cut in inside)
    chance = min(1.0, 2 * ON_BEAT * tempo.bpm / 60)
    likely = binomtest(hits, len(inside), chance, "greater").pvalue
    return round(hits / len(inside), 2), bool(likely < BY_CHANCE) if len(inside) >= FEWEST_CUTS else None


def motion_until(watch: Watch, cuts: Sequence[float], end: float) -> float | None:
    """The share of the picture that changes within MOTION_STEP, up to `end` in seconds; None where it is not known."""
    return _mean([share for share, _ in watch.motions(cuts, end)])


def _mean(values):
    return round(float(np.mean(values)), 3) if values else None


def _fades(times, pictures, hard):
    """The middle frames of fades. `pictures` are small ones, shape (frames, values)."""
    candidates = []
    for length in FADES:
        for frames in _possible_fades(times, pictures, hard, length):
            strength = _fade_strength(pictures[frames])
            if strength:
                candidates.append((strength, *(int(frames[part]) for part in (3, 1, 5))))
    chosen: list[tuple[int, int, int]] = []
    for _, middle, first, last in sorted(candidates, reverse=True):
        if all(last < other_first or first > other_last for _, other_first, other_last in chosen):
            chosen.append((middle, first, last))
    return _joined(chosen)


def _possible_fades(times, pictures, hard, length):
    """The frames at FADE_PARTS of each stretch of `length` seconds that changes enough and has no hard cut in it."""
    middles = np.arange(times[0] + length / 2, times[-1] - length / 2, FADE_STEP)
    moments = middles[:, None] + length * np.array(FADE_PARTS)
    frames = np.minimum(np.searchsorted(times, moments), len(times) - 1)
    hard = np.sort(np.array(hard, int))
    cuts_before = [np.searchsorted(hard, edge) for edge in (frames[:, 1] - 1, frames[:, 5] + 2)]
    apart = (np.diff(frames[:, 1:6], axis=1) > 0).all(axis=1)
    frames = frames[apart & (cuts_before[0] == cuts_before[1])]
    changes = [np.mean(np.abs(pictures[last] - pictures[first])) for first, last in frames[:, (1, 5)]]
    return frames[np.array(changes) >= FADE_CONTENT]


def _fade_strength(pictures):
    """How much the middle five of seven pictures change, where they are a fade; else 0.

    Those within are mixtures of the first and the last of the five, in even steps, and those without are much like
    them: a moving camera goes on, a fade has a beginning and an end. One plain picture, as black, may go on changing.
    """
    first, last = pictures[1], pictures[5]
    change = last - first
    size = float(np.mean(np.abs(change)))
    if size < FADE_CONTENT:
        return 0.0
    before, after = np.mean(np.abs(pictures[0] - first)), np.mean(np.abs(pictures[6] - last))
    if (before > STILL * size and first.std() > PLAIN) or (after > STILL * size and last.std() > PLAIN):
        return 0.0
    inner = pictures[2:5] - first
    shares = inner @ change / float(change @ change)
    rest = float(np.mean(np.abs(inner - shares[:, None] * change)))
    even = np.all(np.abs(shares - (0.25, 0.5, 0.75)) < EVEN) and np.all(np.diff(shares) > 0.08)
    return size if even and rest < PURE * size else 0.0


def _joined(fades):
    """The middle of each fade; out of a picture and into the next one, through black or white, is one cut."""
    found: list[tuple[int, int]] = []
    for middle, first, last in sorted(fades):
        if found and first - found[-1][1] <= last - first:
            found[-1] = ((found[-1][0] + middle) // 2, last)
        else:
            found.append((middle, last))
    return [middle for middle, _ in found]
