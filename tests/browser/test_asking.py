"""The front page: naming tags, adding own videos, and what is said when something is wrong."""

import pytest
from playwright.sync_api import expect


@pytest.fixture
def page(visitor):
    with visitor() as page:
        page.goto("/")
        yield page


@pytest.fixture
def field(page):
    return page.get_by_role("combobox", name="Tags")


def chips(page):
    return page.get_by_role("list", name="Chosen tags").get_by_role("listitem").all_inner_texts()


def test_enter_and_comma_make_chips_and_a_double_makes_none(page, field):
    field.press_sequentially("AI,robots")
    field.press("Enter")
    field.press_sequentially("ai,")
    assert chips(page) == ["#AI", "#robots"]
    expect(field).to_have_value("")


def test_a_pasted_line_of_hashtags_becomes_chips(page, field):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("navigator.clipboard.writeText('#ai #robots, #סרטון')")
    field.press("Control+v")
    assert chips(page) == ["#ai", "#robots", "#סרטון"]


def test_backspace_arrows_and_clicks_remove_chips(page, field):
    field.press_sequentially("one,two,three,four,")
    field.press("Backspace")
    assert chips(page) == ["#one", "#two", "#three"]
    field.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("button", name="Remove #two")).to_be_focused()
    page.keyboard.press("Delete")
    assert chips(page) == ["#one", "#three"]
    expect(page.get_by_role("button", name="Remove #three")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(field).to_be_focused()
    page.get_by_role("button", name="Remove #one").click()
    assert chips(page) == ["#three"]


def test_known_tags_are_suggested_while_typing(page, field):
    field.press_sequentially("tra")
    options = page.get_by_role("listbox", name="Suggested tags").get_by_role("option")
    assert options.all_inner_texts() == ["#TravelVlog", "#TravelTips"]
    field.press("ArrowDown")
    field.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-activedescendant", options.nth(1).get_attribute("id"))
    field.press("Enter")
    assert chips(page) == ["#TravelTips"]
    expect(field).to_have_attribute("aria-expanded", "false")
    field.press_sequentially("trav")
    assert options.all_inner_texts() == ["#TravelVlog"]
    field.press("Escape")
    expect(options).to_have_count(0)


def test_an_eleventh_tag_is_not_taken(page, field):
    field.press_sequentially("".join(f"t{number}," for number in range(11)))
    assert len(chips(page)) == 10
    expect(page.get_by_text("There are 10 tags already")).to_be_attached()


def test_a_trending_tag_is_added_to_the_tags_that_are_there(page, field):
    field.press_sequentially("AI,")
    page.get_by_role("button", name="#HiddenGems").click()
    assert chips(page) == ["#AI", "#HiddenGems"]


def test_the_trending_tags_say_how_many_clips_they_have(page):
    shelf = page.get_by_role("group", name="AI, MachineLearning, TechInnovation")
    expect(shelf).to_contain_text("3 clips")


@pytest.mark.parametrize("typed", ["<b>", "🤖", "x" * 51])
def test_what_cannot_be_a_tag_is_said_at_the_field(visitor, typed):
    with visitor(allowed="status of 422") as page:
        page.goto("/")
        page.get_by_role("combobox", name="Tags").fill(typed)
        page.get_by_role("button", name="Make it").click()
        field = page.get_by_role("combobox", name="Tags")
        expect(field).to_be_focused()
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(page.locator("#tags-problem")).to_contain_text("A tag has")
        assert "tags-problem" in field.get_attribute("aria-describedby")
        expect(field).to_have_value(typed)


def test_a_wrong_seed_is_said_at_its_own_field(visitor):
    with visitor(allowed="status of 422") as page:
        page.goto("/")
        page.get_by_role("combobox", name="Tags").fill("AI")
        page.get_by_text("More", exact=True).click()
        page.get_by_label("Seed").fill("many")
        page.get_by_role("button", name="Make it").click()
        expect(page.get_by_label("Seed")).to_be_focused()
        expect(page.locator("#seed-problem")).to_contain_text("whole number")
        assert chips(page) == ["#AI"]


def test_tags_that_lead_nowhere_are_said_at_the_field_with_tags_that_lead_somewhere(visitor, accessible):
    with visitor() as page:
        page.goto("/")
        page.get_by_role("combobox", name="Tags").fill("quarkfusionxyz")
        page.get_by_role("button", name="Make it").click()
        expect(page.get_by_role("heading", name="Nothing was found")).to_be_visible(timeout=120_000)
        field = page.get_by_role("combobox", name="Tags")
        expect(field).to_be_focused()
        expect(field).to_have_value("quarkfusionxyz")
        expect(page.locator("#tags-problem")).to_contain_text("quarkfusionxyz")
        expect(page.get_by_role("button", name="#CookingHacks")).to_be_visible()
        accessible(page)


def test_chosen_videos_are_listed_and_can_be_taken_back(page, clip):
    page.get_by_label("Add your own videos").set_input_files([clip])
    files = page.get_by_role("list", name="Your videos")
    expect(files).to_contain_text(clip.name)
    page.get_by_role("button", name=f"Remove {clip.name}").click()
    expect(files).to_have_count(0)
    assert page.evaluate("document.querySelector('#videos').files.length") == 0


def test_a_video_that_is_too_large_is_refused_before_it_is_sent(page, tmp_path):
    large = tmp_path / "large.mp4"
    large.write_bytes(b"\0" * 6 * 1024**2)
    page.get_by_label("Add your own videos").set_input_files([large])
    expect(page.locator("#videos-problem")).to_contain_text("at most 5 MB")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_label("Add your own videos")).to_be_focused()
    assert page.url.endswith("/")


def test_a_file_that_is_no_video_is_refused_at_its_field(visitor, tmp_path):
    note = tmp_path / "note.mp4"
    note.write_text("This is a note and no video. " * 9)
    with visitor(allowed="status of 4") as page:
        page.goto("/")
        page.get_by_label("Add your own videos").set_input_files([note])
        page.get_by_role("button", name="Make it").click()
        expect(page.locator("#videos-problem")).to_contain_text("note.mp4")
        expect(page.get_by_label("Add your own videos")).to_be_focused()
        expect(page.get_by_role("button", name="Make it")).to_be_enabled()


def test_an_own_video_is_sent_read_and_shown(visitor, finish, clip):
    with visitor() as page:
        page.goto("/")
        page.get_by_label("Add your own videos").set_input_files([clip])
        page.get_by_role("button", name="Make it").click()
        page.wait_for_url("**/jobs/*")
        finish(page)
        videos = page.get_by_role("region", name="Heard and read").get_by_role("listitem")
        expect(videos.first).to_contain_text(clip.name)
        expect(videos.first).to_contain_text("Yours")
        assert videos.first.locator("video").get_attribute("src").startswith("/clips/uploads/")


def test_recent_tags_are_suggested_on_the_next_visit(visitor, finished):
    _, cookies = finished
    with visitor(storage_state=cookies) as page:
        page.goto("/")
        field = page.get_by_role("combobox", name="Tags")
        field.click()
        expect(page.get_by_role("listbox", name="Suggested tags").get_by_role("option").first).to_contain_text("#AI")
        expect(page.get_by_role("listbox", name="Suggested tags").get_by_role("option").first).to_contain_text("recent")
