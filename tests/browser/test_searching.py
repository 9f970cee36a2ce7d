"""A search as its visitor lives it: watched, reloaded, cancelled, by keyboard, by touch, without scripts."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.slow  # their searches take seconds

READ = 120_000  # milliseconds until a first clip is read


# How many clips are read, and which of three parts are made, each time that changes.
WATCH_PARTS = """
    window.seen = [];
    new MutationObserver(() => {
        const parts = ["summary", "music", "image"].map((key) => document.querySelector(`#result > [data-key=${key}]`));
        if (parts.includes(null)) return;
        const now = [document.querySelectorAll("video").length, ...parts.map((part) => part.dataset.made === "made")];
        if (String(now) !== String(window.seen.at(-1))) window.seen.push(now);
    }).observe(document, { subtree: true, childList: true, attributes: true });
"""


def ask(page, tag):
    page.goto("/")
    page.get_by_role("button", name=f"#{tag}", exact=True).click()
    page.wait_for_url("**/jobs/*")


def parts(page):
    """Which parts of the result are there."""
    return {
        key: page.locator(f"#result > [data-key={key}]").get_attribute("data-made")
        for key in ("summary", "music", "image")
    }


def test_one_tap_leads_to_a_result_that_arrives_part_by_part_and_shifts_nothing(visitor, finish):
    with visitor() as page:
        page.add_init_script(WATCH_PARTS)
        ask(page, "MakeupTutorial")  # which no other test has read already
        progress = page.get_by_role("progressbar", name="Progress of this search")
        expect(progress).to_be_visible()
        expect(page.locator("[aria-current=step]")).to_have_text("Listen")
        expect(page.get_by_role("button", name="Download all")).to_be_disabled()
        finish(page)
        arrived = [sum(made) for _, *made in page.evaluate("window.seen")]
        clips = [count for count, *made in page.evaluate("window.seen") if not any(made)]
        assert clips[0] == 0 < clips[-1]
        assert arrived == sorted(arrived)
        assert {0, 3} < set(arrived), "everything came at once"
        assert parts(page) == {"summary": "made", "music": "made", "image": "made"}
        expect(page.get_by_role("status").filter(has_text="Everything is ready")).to_be_attached()
        expect(page.get_by_role("link", name="Download all")).to_be_visible()
        assert page.evaluate("window.shifts") < 0.05
        assert "%" not in page.title()
        for then in ("Other ideas", "Other music", "Other cover", "Make a video of idea 2"):
            expect(page.get_by_role("button", name=then)).to_be_enabled()


def test_the_whole_way_by_keyboard_alone(visitor, finish):
    with visitor() as page:
        page.goto("/")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        expect(page.get_by_role("combobox", name="Tags")).to_be_focused()
        page.keyboard.type("Travelv")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")  # with nothing typed it sends the form
        page.wait_for_url("**/jobs/*")
        finish(page)
        tab_to(page, "Copy link")
        tab_to(page, "Download all")
        tab_to(page, "Play the music")
        page.keyboard.press("Space")
        expect(page.get_by_role("button", name="Pause the music")).to_be_focused()
        page.keyboard.press("Tab")
        slider = page.get_by_role("slider", name="Position in the music")
        expect(slider).to_be_focused()
        page.keyboard.press("Space")
        expect(page.get_by_role("button", name="Play the music")).to_be_visible()
        page.keyboard.press("Home")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        expect(slider).to_have_attribute("aria-valuetext", "0:02 of 0:05")


def tab_to(page, name):
    """Press Tab until what has this name has the focus."""
    for _ in range(30):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "(document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText).trim()"
        )
        if focused == name:
            return
    raise AssertionError(f"{name} is not reached")


def test_by_touch_on_a_telephone(visitor, finish):
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    with visitor(**phone) as page:
        page.goto("/")
        page.get_by_role("button", name="#TravelVlog", exact=True).tap()
        page.wait_for_url("**/jobs/*")
        finish(page)
        page.get_by_role("button", name="Play the music").tap()
        expect(page.get_by_role("button", name="Pause the music")).to_be_visible()
        wave = page.get_by_role("slider", name="Position in the music").bounding_box()
        page.touchscreen.tap(wave["x"] + wave["width"] * 0.8, wave["y"] + wave["height"] / 2)
        page.wait_for_function("() => document.querySelector('audio').currentTime >= 3.5")
        small = page.evaluate("""[...document.querySelectorAll("main button, main .quiet, main .primary, nav a")]
            .filter((one) => one.offsetParent && one.getBoundingClientRect().height < 43.5)
            .map((one) => one.textContent)""")
        assert small == []


def test_without_javascript(visitor):
    with visitor(java_script_enabled=False) as page:
        page.goto("/")
        page.get_by_label("Tags", exact=True).fill("#TravelVlog, TravelTips")
        page.get_by_role("button", name="Make it").click()
        expect(page.get_by_role("heading", name="#TravelVlog #TravelTips")).to_be_visible()
        expect(page.get_by_role("heading", name="How it was made")).to_be_visible(timeout=240_000)
        expect(page.locator("audio")).to_be_visible()
        assert page.locator("audio").get_attribute("controls") is not None
        expect(page.get_by_role("button", name="Copy")).to_have_count(0)
        page.get_by_role("link", name="History").click()
        page.get_by_role("searchbox", name="Find by tag").fill("nothing")
        page.get_by_role("button", name="Find").click()
        expect(page.get_by_text("No search of yours bears")).to_be_visible()
        page.get_by_role("link", name="Show all").click()
        expect(page.get_by_role("heading", name="#TravelVlog #TravelTips")).to_be_visible()


def test_reloading_and_losing_the_network_in_the_middle_loses_nothing(visitor, finish):
    with visitor(allowed="ERR_INTERNET_DISCONNECTED|Failed to load resource") as page:
        ask(page, "Foodie")
        expect(page.locator("video")).not_to_have_count(0, timeout=READ)
        page.context.set_offline(True)
        expect(page.get_by_text("Offline. The search goes on without you.")).to_be_visible()
        page.wait_for_timeout(3000)
        page.context.set_offline(False)
        expect(page.get_by_text("Offline")).to_have_count(0)
        page.reload()
        page.goto("/history")
        page.go_back()
        finish(page)
        assert parts(page) == {"summary": "made", "music": "made", "image": "made"}
        assert page.get_by_role("region", name="Heard and read").locator("video").count() == 3


def test_events_still_under_way_do_not_hide_that_the_network_is_gone(visitor, finish):
    with visitor() as page:
        ask(page, "TravelVlog")
        page.evaluate("window.dispatchEvent(new Event('offline'))")
        page.wait_for_timeout(3000)
        expect(page.get_by_text("Offline. The search goes on without you.")).to_be_visible()
        page.evaluate("window.dispatchEvent(new Event('online'))")
        finish(page)
        assert parts(page) == {"summary": "made", "music": "made", "image": "made"}


def test_where_events_do_not_come_through_the_page_asks(visitor, finish):
    with visitor(allowed="Failed to load resource|EventSource") as page:
        page.route("**/events", lambda route: route.fulfill(status=502, body="no events here"))
        ask(page, "Foodie")
        finish(page)
        assert parts(page) == {"summary": "made", "music": "made", "image": "made"}


def test_a_search_can_be_called_off(visitor, accessible):
    with visitor() as page:
        ask(page, "OOTD")
        accessible(page)
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("heading", name="This search was called off")).to_be_visible()
        accessible(page)
        page.get_by_role("link", name="History").click()
        expect(page.get_by_text("Called off")).to_be_visible()


def test_a_search_called_off_elsewhere_says_so(visitor):
    with visitor() as page:
        ask(page, "OOTD")
        expect(page.get_by_role("progressbar", name="Progress of this search")).to_be_visible()
        page.request.delete(page.url)
        expect(page.get_by_role("heading", name="This search was called off")).to_be_visible()


def test_a_clip_that_fails_costs_itself_alone(visitor, finish, accessible):
    with visitor() as page:
        ask(page, "HalfBroken")
        finish(page)
        videos = page.get_by_role("region", name="Heard and read").get_by_role("listitem")
        broken = videos.filter(has_text="A broken clip")
        expect(broken.locator(".complaint")).not_to_be_empty()
        expect(broken.locator("video")).to_have_count(0)
        expect(videos.filter(has_text="A good clip").locator("video")).to_have_count(1)
        page.get_by_role("link", name="note").click()
        expect(page.get_by_role("region", name="Notes")).to_contain_text("A broken clip")
        accessible(page)


def test_two_browsers_at_once_each_keep_to_themselves(visitor, finish):
    with visitor() as one, visitor() as other:
        ask(one, "AI")
        ask(other, "TravelVlog")
        assert one.url != other.url
        finish(one)
        finish(other)
        for page, own in ((one, "#AI"), (other, "#TravelVlog")):
            page.goto("/history")
            assert page.get_by_role("main").get_by_role("heading", level=2).all_inner_texts() == [own]
