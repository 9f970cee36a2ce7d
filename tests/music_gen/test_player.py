"""The player: music is played in a process of its own, which may be killed, and never outlives its time or us."""

import signal
import subprocess
import sys
import threading
import time

import midirenderer
import pretty_midi
import pytest

from core.engines import EngineError
from core.packages import package_folder
from music_gen import rendering
from settings import ROOT
from tests.processes import children, command_line
from tools.waiting import until

KILLED_ONCE = """
import os, pathlib, runpy, signal
seen = pathlib.Path(__file__).with_suffix(".seen")
if not seen.exists():
    seen.touch()
    os.kill(os.getpid(), signal.SIGKILL)
runpy.run_path({player!r}, run_name="__main__")
"""
KILLED_ALWAYS = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
ENDLESS = "import time; time.sleep(600)"


@pytest.fixture
def score():
    return long_score(4)


def long_score(seconds):
    score = pretty_midi.PrettyMIDI()
    piano = pretty_midi.Instrument(0)
    piano.notes = [pretty_midi.Note(90, 48 + beat % 24, beat / 4, beat / 4 + 0.2) for beat in range(seconds * 4)]
    score.instruments.append(piano)
    return score


def player(tmp_path, monkeypatch, program):
    """Have this program take the player's place."""
    path = tmp_path / "player.py"
    path.write_text(program)
    monkeypatch.setattr(rendering, "PLAYER", path)


def players(studio="self"):
    """The programs of a process that play; others, of other tests, may still be there."""
    return [pid for pid, line in children(studio).items() if rendering.PLAYER.name in line]


def test_it_plays_what_midirenderer_makes_byte_for_byte(score):
    midi = rendering.write_midi(score)
    soundfont = (package_folder("pretty_midi") / "TimGM6mb.sf2").read_bytes()
    assert rendering.play(midi) == midirenderer.render_wave_from(soundfont, midi)
    assert not players()


def test_others_go_on_while_it_plays():
    """midirenderer would hold the interpreter's lock for all of the time."""
    midi, turns, over = rendering.write_midi(long_score(30)), 0, threading.Event()

    def take_turns():
        nonlocal turns
        while not over.is_set():
            turns += 1
            time.sleep(0.001)

    other = threading.Thread(target=take_turns)
    other.start()
    try:
        rendering.play(midi)
    finally:
        over.set()
        other.join()
    assert turns > 50


def test_a_player_that_is_killed_is_started_once_more(tmp_path, monkeypatch, score):
    expected = rendering.render_loop(score, 5)
    player(tmp_path, monkeypatch, KILLED_ONCE.format(player=str(rendering.PLAYER)))
    assert (rendering.render_loop(score, 5) == expected).all()


def test_a_player_that_is_always_killed_is_an_error_that_says_so(tmp_path, monkeypatch, caplog, score):
    player(tmp_path, monkeypatch, KILLED_ALWAYS)
    with pytest.raises(EngineError, match="could not be played"):
        rendering.render_loop(score, 5)
    assert [record.getMessage().startswith("the player ended with -9") for record in caplog.records] == [True, True]


def test_what_is_no_midi_is_an_error_that_says_so_at_once(caplog):
    with pytest.raises(EngineError, match="could not be played"):
        rendering.play(b"no music")
    assert len(caplog.records) == 1


def test_a_player_that_does_not_end_is_ended(tmp_path, monkeypatch, score):
    player(tmp_path, monkeypatch, ENDLESS)
    monkeypatch.setattr(rendering, "TIME_LIMIT", 0.3)
    with pytest.raises(EngineError):
        rendering.render_loop(score, 5)
    assert not players()


def test_a_player_outlives_a_killed_studio_by_no_more_than_its_piece(tmp_path):
    program = "from music_gen import rendering; from tests.music_gen.test_player import long_score\n"
    program += "print('plays', flush=True); rendering.render_loop(long_score(120), 120)"
    studio = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE)
    assert studio.stdout.readline() == b"plays\n"
    until(lambda: players(studio.pid), seconds=30)
    (playing,) = players(studio.pid)
    studio.send_signal(signal.SIGKILL)
    studio.wait()
    studio.stdout.close()
    until(lambda: rendering.PLAYER.name not in command_line(playing), seconds=60)
