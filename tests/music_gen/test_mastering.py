"""Mastering and rendering: level, peaks, the tail, silence."""

import numpy as np
import pretty_midi
import pytest

from music_gen import mastering, rendering
from tests.music import HELD_OUT, RATE, check_sound, piece


def test_the_render_has_headroom_so_that_nothing_clips_before_mastering():
    for name in ("house", "trap", "bossa nova", "epic cinematic"):  # the loudest before mastering
        assert np.abs(rendering.render_loop(piece(HELD_OUT[name], 10).score, 10)).max() < 0.95


def test_the_tail_of_the_last_bar_rings_on_over_the_start():
    score = pretty_midi.PrettyMIDI()
    bell = pretty_midi.Instrument(14)
    bell.notes.append(pretty_midi.Note(120, 72, 4.5, 5.0))
    score.instruments.append(bell)
    looped = rendering.render_loop(score, 5)
    start, later = (np.sqrt((looped[int(a * RATE) : int(b * RATE)] ** 2).mean()) for a, b in ((0, 0.3), (3.9, 4.4)))
    assert start > 20 * max(later, 1e-6)


def test_mastering_brings_any_sound_to_level_and_keeps_its_waveform():
    time = np.arange(10 * RATE) / RATE
    swell = np.sin(2 * np.pi * 440 * time) * (0.6 + 0.4 * np.sin(2 * np.pi * 0.3 * time))
    for sound in (swell * 0.001, swell[:, None] * 40, np.stack([swell, 0.3 * swell], axis=1)):
        mastered = mastering.master(sound)
        assert mastered.shape == (len(time), 2)
        check_sound(mastering.write_wav(mastered), 10)
        power = np.abs(np.fft.rfft(mastered[:, 0] * np.hanning(len(time)))) ** 2
        hertz = np.fft.rfftfreq(len(time), 1 / RATE)
        assert power[(hertz < 400) | (hertz > 480)].sum() < 1e-4 * power.sum()


def test_mastering_limits_sharp_peaks_without_losing_loudness():
    random = np.random.default_rng(3)
    sound = random.standard_normal(10 * RATE) * 0.02
    sound[:: RATE // 2] = 1.0
    mastered = mastering.master(sound)
    assert mastering.true_peak(mastered) <= -1
    assert mastering.loudness(mastered) == pytest.approx(-14, abs=1)


def test_mastering_leaves_silence_silent_and_refuses_what_is_no_sound():
    assert not mastering.master(np.zeros(5 * RATE)).any()
    with pytest.raises(ValueError, match="not finite"):
        mastering.master(np.full(RATE, np.nan))
    with pytest.raises(ValueError, match="shape"):
        mastering.master(np.zeros((RATE, 3)))
