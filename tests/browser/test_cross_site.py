"""What the pages of other sites can make a real browser do here: 127.0.0.1 and localhost are two sites."""

from contextlib import ExitStack

import pytest

from tools.services.faults import Reply, Service

FORM = """<!doctype html><form id="form" action="{target}/search" method="post"><input name="tags" value="AI"></form>
<script>document.getElementById("form").submit()</script>"""
FETCH = """<!doctype html><title>asking</title><script>
fetch("{target}{path}", {{ method: "POST", mode: "no-cors", credentials: "include" }})
  .finally(() => {{ document.title = "asked"; }})
</script>"""


@pytest.fixture
def foreign():
    """Serves one page under another site's name; `foreign(page)` gives its port."""
    with ExitStack() as servers:

        def serve(page):
            reply = Reply(page.encode(), headers={"Content-Type": "text/html"})
            return servers.enter_context(Service(lambda _request: reply)).server_port

        yield serve


@pytest.fixture
def page(browser):
    context = browser.new_context()
    yield context.new_page()
    context.close()


def visitor_with_search(page, studio):
    """Ask for a search as a visitor does, and return the address of its page."""
    page.goto(studio)
    page.click("button[name=tags]")
    page.wait_for_url("**/jobs/*")
    return page.url


def history(page, studio):
    return page.request.get(f"{studio}/history", headers={"Accept": "application/json"}).json()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])  # another site; the same site, another origin
def test_a_form_of_another_site_neither_searches_nor_wipes_the_history(page, studio, foreign, host):
    visitor_with_search(page, studio)
    before = [job["id"] for job in history(page, studio)]
    port = foreign(FORM.format(target=studio))
    with page.expect_response(f"{studio}/search") as refused:
        page.goto(f"http://{host}:{port}/")
    assert refused.value.status == 403
    assert [job["id"] for job in history(page, studio)] == before


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@pytest.mark.parametrize("change", ["delete", "cancel", "name", "again"])
def test_a_script_of_another_site_changes_nothing(page, studio, foreign, host, change):
    address = visitor_with_search(page, studio)
    before = [job["id"] for job in history(page, studio)]
    path = address.removeprefix(studio) + f"/{change}"
    page.goto(f"http://{host}:{foreign(FETCH.format(target=studio, path=path))}/")
    page.wait_for_function("document.title === 'asked'")
    after = history(page, studio)
    assert [job["id"] for job in after] == before
    assert "cancelled" not in [job["state"] for job in after]
