"""A finished search: what can be copied, taken home, shared, made again and found again."""

import io
import json
import wave
import zipfile
from urllib.parse import urljoin

import pytest
from playwright.sync_api import expect

from core import hashtags

pytestmark = pytest.mark.slow  # their searches take seconds

WIDTHS = (320, 390, 430, 520, 768, 1440, 2560)
CUES = """async (video) => {
  video.textTracks[0].mode = "hidden";
  const track = video.querySelector("track");
  if (track.readyState < HTMLTrackElement.LOADED)
    await new Promise((done, failed) => {
      track.onload = done;
      track.onerror = () => failed(new Error("the captions did not load"));
    });
  return [...track.track.cues].map((cue) => cue.text);
}"""
LONG = "Donaudampfschifffahrtsgesellschaftskapitän" * 2


@pytest.fixture
def page(visitor, finished):
    url, cookies = finished
    with visitor(storage_state=cookies, permissions=["clipboard-read", "clipboard-write"]) as page:
        page.goto(url)
        yield page


@pytest.fixture
def result(page):
    return page.request.get(page.url, headers={"Accept": "application/json"}).json()["result"]


def clipboard(page):
    return page.evaluate("navigator.clipboard.readText()")


def test_summary_hashtags_and_ideas_are_copied_as_they_are_posted(page, result):
    buttons = page.get_by_role("button", name="Copy", exact=True)
    buttons.nth(0).click()
    expect(page.get_by_text("Copied", exact=True)).to_be_visible()
    assert clipboard(page) == result["summary"]
    page.get_by_role("button", name="Copy", exact=True).nth(0).click()
    assert clipboard(page) == " ".join(hashtags.tagged(tag) for tag in result["tags"].split(", "))
    page.get_by_role("region", name="Ideas to film").get_by_role("button", name="Copy").first.click()
    idea = result["ideas"][0]
    page.wait_for_function(
        "text => navigator.clipboard.readText().then((now) => now === text)", arg=f"{idea['title']}\n{idea['concept']}"
    )


def test_the_link_can_be_shared_with_somebody_else(page, visitor):
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_text("Copied", exact=True)).to_be_visible()
    assert clipboard(page) == page.url
    with visitor() as other:
        other.goto(clipboard(page))
        expect(other.locator("#summary")).to_be_visible()


def test_everything_comes_as_one_zip(page, result):
    with page.expect_download() as download:
        page.get_by_role("link", name="Download all").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        names = archive.namelist()
        assert {"music.wav", "image.png", "result.json"} <= set(names)
        assert any("README" in name for name in names)
        assert json.loads(archive.read("result.json"))["summary"] == result["summary"]
        with wave.open(io.BytesIO(archive.read("music.wav"))) as music:
            assert music.getnframes() == 5 * music.getframerate()


@pytest.mark.parametrize(
    ("link", "key", "begins"),
    [("WAV", "music_url", b"RIFF"), ("MIDI", "midi_url", b"MThd"), ("Cover", "image_url", b"\x89PNG")],
)
def test_music_notes_and_cover_can_be_downloaded(page, result, link, key, begins):
    with page.expect_download() as download:
        page.get_by_role("link", name=link, exact=True).click()
    content = download.value.path().read_bytes()
    assert content.startswith(begins)
    assert content == page.request.get(urljoin(page.url, result[key])).body()


def test_captions_follow_the_words(page, result):
    with page.expect_download() as download:
        page.get_by_role("link", name=f"Captions of {result['videos'][0]['title']}").click()
    captions = download.value.path().read_text()
    assert captions.startswith("WEBVTT")
    assert result["videos"][0]["phrases"][0]["text"].split()[0] in captions
    texts = page.get_by_role("region", name="Heard and read").locator("video").first.evaluate(CUES)
    assert len(texts) >= len(result["videos"][0]["phrases"]) > 0


def test_the_waveform_is_drawn_and_a_click_seeks(page):
    slider = page.get_by_role("slider", name="Position in the music")
    expect(slider).to_be_visible()
    drawn = page.evaluate("""() => {
        const canvas = document.querySelector("canvas");
        const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        return pixels.filter((value, at) => at % 4 === 3 && value > 0).length / (pixels.length / 4);
    }""")
    assert 0.05 < drawn < 0.7
    box = slider.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + box["height"] / 2)
    page.wait_for_function("() => Math.abs(document.querySelector('audio').currentTime - 2.5) < 0.3")
    expect(slider).to_have_attribute("aria-valuenow", "2")


def test_a_hook_leads_the_clips_player_to_its_moment(page):
    link = page.locator("a[data-moment]").first
    path, at = link.get_attribute("href").split("#t=")
    link.click()
    player = page.locator(f"video[src^='{path}']")
    expect(player).to_be_in_viewport()
    page.wait_for_function(
        "([player, at]) => player.currentTime > at && player.currentTime < at + 5 && !player.paused",
        arg=[player.element_handle(), float(at)],
    )


def test_it_says_in_plain_words_what_made_it(page):
    expect(page.get_by_text("made by the built-in composer; “python init.py” adds MusicGen")).to_be_visible()


def test_other_music_keeps_the_brief_and_the_cover(page, result, finish):
    page.get_by_role("button", name="Other music").click()
    page.wait_for_url(lambda url: not url.endswith(result["id"]))
    finish(page)
    again = page.request.get(page.url, headers={"Accept": "application/json"}).json()["result"]
    fetch = lambda one, key: page.request.get(urljoin(page.url, one[key])).body()  # noqa: E731
    assert again["summary"] == result["summary"]
    assert fetch(again, "image_url") == fetch(result, "image_url")
    assert fetch(again, "music_url") != fetch(result, "music_url")


def test_history_is_searched_renamed_and_emptied(visitor, finish, accessible):
    with visitor(allowed="status of 404") as page:
        page.goto("/history")
        expect(page.get_by_role("heading", name="Nothing yet")).to_be_visible()
        accessible(page)
        page.get_by_role("link", name="Make the first one").click()
        page.get_by_role("button", name="#AI", exact=True).click()
        page.wait_for_url("**/jobs/*")
        finish(page)
        job = page.url
        page.goto("/history")
        picture = page.locator(".history img")
        expect(picture).to_be_visible()
        expect(picture).to_have_js_property("complete", True)
        assert picture.evaluate("image => image.naturalWidth") > 0
        page.get_by_role("searchbox", name="Find by tag").fill("cooking")
        expect(page.get_by_text("No search of yours bears that tag.")).to_be_visible()
        page.get_by_role("searchbox", name="Find by tag").fill("#ai")
        expect(picture).to_be_visible()
        page.get_by_text("Rename #AI").click()
        page.get_by_label("Name of this search").fill("My <b>best</b> one")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("heading", name="My <b>best</b> one")).to_be_visible()
        accessible(page)
        page.get_by_text("Delete My <b>best</b> one").click()
        page.get_by_role("button", name="Delete for good").click()
        expect(page.get_by_role("heading", name="Nothing yet")).to_be_visible()
        page.goto(job)
        expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
        accessible(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_stands_in_the_way_of_assistive_technology(visitor, finished, accessible, scheme):
    url, cookies = finished
    with visitor(storage_state=cookies, color_scheme=scheme, allowed="status of 4", reduced_motion="reduce") as page:
        for path in ("/", url, "/history", "/jobs/nothing", "/docs", "/sign-in"):
            page.goto(path)
            accessible(page)
        page.goto("/")
        page.get_by_text("More", exact=True).click()
        page.get_by_role("combobox", name="Tags").press_sequentially("one,t")
        accessible(page)
        page.get_by_label("Seed").fill("no number")
        page.get_by_role("button", name="Make it").click()
        expect(page.locator("#seed-problem")).to_be_visible()
        accessible(page)


@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_fits_its_screen(visitor, finished, width):
    url, cookies = finished
    with visitor(storage_state=cookies, viewport={"width": width, "height": 800}, allowed="status of 404") as page:
        for path in ("/", url, "/history", "/jobs/nothing", comparison(url), "/docs", "/sign-in"):
            page.goto(path)
            fits(page)
        page.goto("/")
        page.get_by_role("combobox", name="Tags").press_sequentially(f"{LONG[:50]},شريط_الفيديو,")
        fits(page)


def comparison(url):
    job_id = url.rstrip("/").split("/")[-1]
    return f"/compare?a={job_id}&b={job_id}"


def test_both_searches_of_a_comparison_are_seen_on_a_phone(visitor, finished, accessible):
    url, cookies = finished
    with visitor(storage_state=cookies, viewport={"width": 390, "height": 800}) as page:
        page.goto(comparison(url))
        for column in (1, 2):
            expect(page.locator("table.spreads tbody tr").first.locator("td").nth(column - 1)).to_be_visible()
        accessible(page)
        page.goto(url)
        accessible(page)  # its table is wider than a phone: who has no pointer can move it, too


def fits(page):
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), page.url


def test_long_words_and_texts_from_right_to_left_stay_in_their_place(visitor, finished):
    url, cookies = finished
    with visitor(storage_state=cookies, viewport={"width": 320, "height": 800}) as page:
        page.goto(url)
        page.evaluate(
            """long => {
            const texts = "h1, h3, #summary, .transcript, .hint[dir], .tags bdi, .screen li";
            for (const one of document.querySelectorAll(texts)) one.textContent = long;
        }""",
            LONG + " شريط الفيديو",
        )
        fits(page)
        page.evaluate("document.querySelector('#summary').textContent = 'شريط الفيديو'")
        assert page.evaluate("getComputedStyle(document.querySelector('#summary')).direction") == "rtl"


def test_the_colours_follow_the_system_until_they_are_chosen(visitor):
    background = "getComputedStyle(document.body).backgroundColor"
    with visitor(color_scheme="dark") as page:
        page.goto("/history")
        dark = page.evaluate(background)
        switch = page.get_by_role("button", name="Colours: system")
        switch.click()
        expect(page.get_by_role("button", name="Colours: light")).to_be_visible()
        light = page.evaluate(background)
        assert light != dark
        page.reload()
        assert page.evaluate(background) == light
        page.get_by_role("button", name="Colours: light").click()
        page.emulate_media(color_scheme="light")
        assert page.evaluate(background) == dark


def test_the_first_page_is_light_and_the_second_visit_lighter(visitor):
    with visitor() as page:
        sizes = {}
        page.on("response", lambda answer: sizes.update({answer.url: answer}))
        page.goto("/", wait_until="networkidle")
        own = [answer for url, answer in sizes.items() if "/bootstrap/" not in url]
        assert sum(len(answer.body()) for answer in own) < 100_000
        static = [answer for url, answer in sizes.items() if "/static/" in url]
        assert static
        for answer in static:
            assert "immutable" in answer.headers["cache-control"], answer.url
