"""A real server and a real Chromium: what the tests of the pages stand on."""

import os
import re
import shutil
import sys
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

from tests.servers import serving

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = """--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --autoplay-policy=no-user-gesture-required""".split()
SEARCH = 240_000  # milliseconds that a search may take, with its video
WITHOUT_VIDEO = """addEventListener("DOMContentLoaded", () => {
  for (const box of document.querySelectorAll("input[name=video]")) box.checked = false
})"""
WATCH_SHIFTS = """
    window.shifts = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => { window.shifts += entry.value; }))
        .observe({ type: "layout-shift", buffered: true });
"""

expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def chromium():
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None and "CI" in os.environ:
        pytest.fail("No Chromium was found; in CI it must be installed (apt-get install chromium).")
    return found or pytest.skip("No Chromium was found, so the pages are not tested (apt-get install chromium).")


@pytest.fixture(scope="session")
def library(tmp_path_factory, samples, short_library):
    """The sample clips, of the two categories most used only the beginnings; and a category with a broken clip."""
    folder = tmp_path_factory.mktemp("library") / "videos"
    shutil.copytree(samples, folder)
    for category in (*short_library.glob("AI-*"), *short_library.glob("TravelVlog-*")):
        shutil.copytree(category, folder / category.name, dirs_exist_ok=True)
    broken = folder / "HalfBroken"
    broken.mkdir()
    shutil.copy(next((folder / "TravelVlog-HiddenGems-TravelTips").glob("*.mp4")), broken / "a-good-clip.mp4")
    (broken / "a-broken-clip.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + b"\0" * 5000)
    return folder


@pytest.fixture(scope="session")
def studio(chromium, library, tmp_path_factory):
    """The address of a server of the tests' own, whose videos have small frames."""
    command = sys.executable, "-m", "tests.small_studio"
    with serving(tmp_path_factory.mktemp("studio"), command, VIDEO_LIBRARY=library) as address:
        yield address


@pytest.fixture(scope="session")
def browser(chromium):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def visitor(browser, studio):
    """A way to come as a new visitor: `with visitor(viewport=…) as page`.

    At the end no page may have logged an error, or asked another host for anything. `allowed` is a pattern of errors
    that are meant. A video, which takes a while, is only made with `video`.
    """

    @contextmanager
    def come(allowed="", video=False, **options):
        context = browser.new_context(base_url=studio, **{"viewport": {"width": 1280, "height": 900}, **options})
        context.add_init_script(WATCH_SHIFTS)
        if not video:
            context.add_init_script(WITHOUT_VIDEO)
        errors, elsewhere = [], []
        context.on("weberror", lambda error: errors.append(str(error.error)))
        context.on("console", lambda line: errors.append(line.text) if line.type in ("error", "warning") else None)
        context.on("request", lambda asked: elsewhere.append(asked.url) if _is_elsewhere(asked.url, studio) else None)
        try:
            yield context.new_page()
        finally:
            context.close()
        assert not elsewhere
        assert [error for error in errors if not (allowed and re.search(allowed, error))] == []

    return come


def _is_elsewhere(url, studio):
    return not url.startswith((f"{studio}/", "data:", "blob:"))


@pytest.fixture(scope="session")
def finish():
    """Wait until the search on a page is done."""

    def wait(page):
        expect(page.get_by_role("heading", name="How it was made")).to_be_visible(timeout=SEARCH)
        expect(page.get_by_label("Progress", exact=True)).to_have_count(0)

    return wait


@pytest.fixture(scope="session")
def finished(visitor, finish):
    """A finished search with a video: its path, and the visitor's cookies."""
    with visitor(video=True) as page:
        page.goto("/")
        page.get_by_role("button", name="#AI", exact=True).click()
        page.wait_for_url("**/jobs/*")
        finish(page)
        return page.url, page.context.storage_state()


@pytest.fixture(scope="session")
def accessible():
    """Fail where axe-core finds something serious on a page."""

    def check(page):
        found = Axe().run(page).response["violations"]
        serious = [
            f"{one['id']}: {one['help']}: {[node['html'][:120] for node in one['nodes']]}"
            for one in found
            if one["impact"] in ("serious", "critical")
        ]
        assert serious == []

    return check


@pytest.fixture
def clip(samples):
    return samples / "Foodie-RecipeOfTheDay-CookingHacks" / "silky-tomato-pasta.mp4"
