"""A video in a browser: that it plays, and its editor, with scripts and without."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_result import CUES, WIDTHS, fits
from tests.small_frames import HEIGHT, WIDTH

PLAY = """video => new Promise((done) => {
  const size = () => [video.videoWidth, video.videoHeight];
  const end = () => done({ at: video.currentTime, error: video.error && video.error.message, size: size() });
  video.addEventListener("timeupdate", () => { if (video.currentTime > 1) end(); });
  video.addEventListener("error", end);
  video.muted = true;
  video.play().catch(end);
})"""


@pytest.fixture
def editor(visitor, finished):
    """The editor of a finished video."""
    url, cookies = finished
    with visitor(storage_state=cookies) as page:
        page.goto(f"{url.split('#')[0]}/draft")
        yield page


def test_the_video_plays_on_the_page_of_its_search(visitor, finished):
    url, cookies = finished
    with visitor(storage_state=cookies) as page:
        page.goto(url)
        played = page.get_by_label("The video of:").evaluate(PLAY)
    assert played["error"] is None
    assert played["at"] > 1
    assert played["size"] == [WIDTH, HEIGHT]


def test_the_video_plays_in_its_editor_and_its_captions_load(editor):
    video = editor.get_by_label("The video as it was rendered")
    played = video.evaluate(PLAY)
    assert played["error"] is None
    assert played["at"] > 1
    cues = " ".join(video.evaluate(CUES))
    lines = [one.input_value() for one in editor.get_by_label("Line of scene").all()]
    assert cues.split() == " ".join(lines).split()


def test_a_line_is_previewed_on_the_video_while_it_is_edited(editor):
    preview = editor.locator("[data-try]")
    expect(preview).to_be_hidden()
    line = editor.get_by_label("Line of scene 2", exact=True)
    line.fill("Totally new words here")
    expect(preview).to_be_visible()
    expect(preview).to_contain_text("Totally new words")
    start = editor.locator(".scene-row").nth(1).get_attribute("data-start")
    assert editor.get_by_label("The video as it was rendered").evaluate("video => video.currentTime") == pytest.approx(
        float(start) + 0.4, abs=0.01
    )
    editor.get_by_role("heading", name="The video", exact=True).click()
    expect(preview).to_be_hidden()


def test_scenes_are_moved_and_their_length_is_added_up(editor):
    lines = editor.get_by_label("Line of scene")
    before = [one.input_value() for one in lines.all()]
    editor.get_by_role("button", name="Move scene 2 up").click()
    after = [one.input_value() for one in lines.all()]
    assert after == [before[1], before[0], *before[2:]]
    assert [one.input_value() for one in editor.get_by_label("Place of scene").all()] == [
        str(n + 1) for n in range(len(after))
    ]
    total = editor.locator("[data-total]")
    seconds = [float(one.input_value() or 0) for one in editor.get_by_label("Seconds of scene").all()]
    expect(total).to_have_text(f"About {sum(seconds):.1f} seconds")


def test_without_scripts_a_changed_line_is_rendered_again_and_a_wrong_one_is_named(visitor, finished):
    url, cookies = finished
    refused = "status of 422"
    with visitor(storage_state=cookies, java_script_enabled=False, allowed=refused) as page:
        page.goto(f"{url.split('#')[0]}/draft")
        page.get_by_label("Line of scene 1", exact=True).fill("A line that was changed.")
        page.get_by_label("Seconds of scene 2", exact=True).fill("long")
        page.get_by_role("button", name="Render again").click()
        expect(page.get_by_role("alert")).to_contain_text("Line 2: seconds must be a number")
        wrong = page.get_by_label("Seconds of scene 2", exact=True)
        expect(wrong).to_have_attribute("aria-invalid", "true")
        expect(page.get_by_label("Line of scene 1", exact=True)).to_have_value("A line that was changed.")
        wrong.fill("")
        page.get_by_role("button", name="Render again").click()
        page.wait_for_url("**#video")
        assert url.split("#")[0] not in page.url
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_text("called off")).to_be_visible()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_editor_fits_its_screen(visitor, finished, width):
    url, cookies = finished
    with visitor(storage_state=cookies, viewport={"width": width, "height": 800}) as page:
        page.goto(f"{url.split('#')[0]}/draft")
        fits(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_editor_stands_in_nobodys_way(visitor, finished, accessible, scheme):
    url, cookies = finished
    with visitor(storage_state=cookies, color_scheme=scheme, reduced_motion="reduce") as page:
        page.goto(f"{url.split('#')[0]}/draft")
        accessible(page)
        page.get_by_label("Line of scene 1", exact=True).focus()
        accessible(page)
