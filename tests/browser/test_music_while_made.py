"""MusicGen's piece is heard in the page while the rest of it is being made."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import WITHOUT_VIDEO
from tests.servers import serving
from tools.random_weights.musicgen import save_musicgen
from tools.waiting import until

pytestmark = pytest.mark.slow

MADE = 240_000  # milliseconds until a minute of music is made by a small model

# Every part that is played: when it begins, by the clock of its context, and how long it is.
WATCH_SOUND = """
    window.played = [];
    const start = AudioBufferSourceNode.prototype.start;
    AudioBufferSourceNode.prototype.start = function (at) {
        window.played.push([at, this.buffer.duration, Math.max(...this.buffer.getChannelData(0))]);
        return start.call(this, at);
    };
"""


@pytest.fixture(scope="module")
def making(chromium, library, tmp_path_factory):
    """The address of a studio whose MusicGen is small and of random weights."""
    folder = save_musicgen(tmp_path_factory.mktemp("musicgen") / "model")
    chosen = {"MUSIC_ENGINES": "musicgen", "MUSICGEN_MODEL": folder, "MUSIC_SECONDS": 60, "DEVICE": "cpu"}
    with serving(tmp_path_factory.mktemp("studio"), VIDEO_LIBRARY=library, IMAGE_ENGINES="poster", **chosen) as address:
        yield address


def ask(page, making):
    page.goto(making)
    page.get_by_role("button", name="#AI", exact=True).click()
    page.wait_for_url("**/jobs/*")


def test_the_first_seconds_play_before_the_piece_is_there_and_the_whole_goes_on_from_them(browser, making):
    page = browser.new_page()
    page.add_init_script(WATCH_SOUND)
    page.add_init_script(WITHOUT_VIDEO)
    errors = []
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    ask(page, making)
    play = page.get_by_role("button", name="Play what is there")
    expect(play).to_be_visible(timeout=MADE)
    assert page.locator("#result > [data-key=music]").get_attribute("data-made") == "waiting"
    play.click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    until(lambda: page.evaluate("window.played.length >= 2"), seconds=60)
    (first, seconds, loudest), (second, *_) = page.evaluate("window.played.slice(0, 2)")
    assert seconds == pytest.approx(2.0, abs=0.01) and loudest > 0.05
    assert second >= first + seconds - 0.001
    audio = page.locator("#result > [data-key=music] audio")
    expect(audio).to_be_attached(timeout=MADE)
    until(lambda: audio.evaluate("(own) => !own.paused && own.currentTime > 1"), seconds=60)
    assert errors == []
    page.close()
