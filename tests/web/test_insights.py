"""What was measured of a search, as files and pages; and the places of its drawings."""

import csv
import io
import json
import re
from dataclasses import asdict, replace

import pytest

from app import create_app
from jobs.queue import Jobs
from tests.searches import CLIP, QUERY, RESULTS, instant, made
from tests.servers import started
from tests.trend_insights.clips import rows, traits
from trend_insights import as_clip, compare
from trend_insights.traits import Hook, Section
from web import charts


def measured(*clips):
    """The result of the stage `videos` with what was measured of some clips."""
    shared = json.loads(json.dumps(asdict(compare(clips))))
    found = [json.loads(json.dumps(as_clip(f"Clip {n}", one))) for n, one in enumerate(clips)]
    videos = [CLIP | {"title": one["title"]} for one in found]
    return made(videos, insights={"clips": found, "shared": shared})


HOOK = Hook("Stop scrolling.", "command", 0.4, "STOP", 0.12, -18.3, 0.9)
FAST = (
    replace(
        traits(118.0, words_per_minute=200.0, cuts=(1.0, 2.0), palette=("#c8203a",), shares=(1.0,), places=rows(2, 3)),
        hook=HOOK,
    ),
    traits(119.0, words_per_minute=204.0, cuts=(1.0, 3.0), palette=("#2050d0",), shares=(1.0,)),
)
SLOW = (traits(80.0, words_per_minute=110.0), traits())


@pytest.fixture
def studio(settings, monkeypatch):
    """A studio whose searches find fast clips, those with the seed 2 slow ones, and those with 3 measure nothing."""
    found = {1: measured(*FAST), 2: measured(*SLOW), 3: made([CLIP])}

    def search(query, *rest):
        monkeypatch.setitem(RESULTS, "videos", found[query.seed])
        return instant(query, *rest)

    app = create_app(settings)
    app.extensions["jobs"].close()
    app.extensions["jobs"] = Jobs(app.extensions["settings"], app.extensions["pools"], search)
    with started(app):
        yield app


@pytest.fixture
def search(studio):
    def search(seed):
        jobs = studio.extensions["jobs"]
        return jobs.wait(jobs.submit(replace(QUERY, seed=seed), "a" * 32)).id

    return search


@pytest.fixture
def client(studio):
    return studio.test_client()


def test_the_measures_of_a_search_are_there_as_json_and_as_csv(search, client):
    job_id = search(1)
    found = client.get(f"/jobs/{job_id}/insights.json").get_json()
    assert [clip["tempo"]["bpm"] for clip in found["clips"]] == [118.0, 119.0]
    assert found["shared"]["tempo"]["clips"] == 2 and found["shared"]["palette"]
    answer = client.get(f"/jobs/{job_id}/insights.csv")
    assert answer.mimetype == "text/csv" and "attachment" in answer.headers["Content-Disposition"]
    table = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["title"] for row in table] == ["Clip 0", "Clip 1"]
    assert float(table[0]["words_per_minute"]) == 200.0


@pytest.mark.parametrize("what", ["insights.json", "insights.csv"])
def test_a_search_without_measures_has_no_files_of_them(search, client, what):
    answer = client.get(f"/jobs/{search(3)}/{what}")
    assert answer.status_code == 404 and "search again" in answer.get_json()["detail"]


def test_two_searches_are_compared_measure_by_measure(search, client):
    answer = client.get(f"/compare?a={search(1)}&b={search(2)}").get_json()
    pace = next(row for row in answer["measures"] if row["measure"] == "words_per_minute")
    assert (pace["a"], pace["b"], pace["apart"]) == (202.0, 110.0, True)
    length = next(row for row in answer["measures"] if row["measure"] == "seconds")
    assert length["apart"] is False
    assert "loudness_lufs" not in {row["measure"] for row in answer["measures"]}  # known of neither


def test_the_comparison_is_a_page_for_people(search, client):
    page = client.get(f"/compare?a={search(1)}&b={search(2)}", headers={"Accept": "text/html"}).text
    assert "Two searches compared" in page and "(apart)" in page and "202" in page


def test_who_compares_with_nothing_gets_a_clear_error(search, client):
    job_id = search(1)
    for other in ("", "nothing", search(3)):
        assert client.get("/compare", query_string={"a": job_id, "b": other}).status_code == 404


def test_the_page_of_a_search_draws_what_was_measured_without_a_script(search, client):
    page = client.get(f"/jobs/{search(1)}", headers={"Accept": "text/html"}).text
    assert page.count('class="track-drawing') >= 10
    assert "118 BPM" in page and "no clear beat" not in page
    assert re.search(r'role="img" aria-label="Shots: ', page)


def test_a_hook_is_quoted_and_leads_to_its_moment_in_the_clip(search, client):
    page = client.get(f"/jobs/{search(1)}", headers={"Accept": "text/html"}).text
    assert re.search(r">Stop scrolling\.</q> <small>command, <a href=\"/clips/library/clip\.mp4#t=0\.4\"", page)
    assert ">STOP</q>" in page and "12 % of the picture moves, −18.3 LUFS" in page


def test_clips_of_one_title_lead_each_to_its_own_video():
    read = [{"title": "Clip", "url": f"/clips/library/{name}", "error": None} for name in "abc"]
    videos = [{"title": "Clip", "url": "/clips/library/x", "error": "It could not be read."}, *read]
    found = charts.videos_of([{"title": "Clip"}, {"title": "Clip"}, {"title": "gone"}], videos)
    assert found == [read[0], read[1], None]


def test_the_form_of_a_clip_names_its_parts():
    parts = (Section("intro", 0.0, 2.1), Section("body", 2.1, 12.0), Section("ending", 12.0, 15.0))
    clip = as_clip("Clip", replace(traits(), form=replace(traits().form, sections=parts)))
    assert charts.form(clip | {"sections": [asdict(part) for part in parts]}) == (
        "15.0 s, 9:16, 30 frames a second; body from 2.1 s, ending from 12.0 s"
    )
    assert charts.form(as_clip("Clip", traits())) == "15.0 s, 9:16, 30 frames a second"


# --- where things stand in the drawings


def test_the_ticks_of_an_axis_are_few_and_round():
    for seconds in (1, 7.2, 15, 61, 300, 599):
        found = charts.ticks(seconds)
        assert 2 <= len(found) <= 8 and found[0] == (0, "0:00")
        assert all(0 <= x <= charts.WIDE for x, _ in found)


def test_dots_are_placed_between_the_lowest_and_the_highest():
    spread = asdict(compare([traits(seconds=length) for length in (10.0, 15.0, 20.0)]).spreads["seconds"])
    assert charts.dots(spread) == ((0.0, "10.0"), (0.5, "15.0"), (1.0, "20.0"))
    uneven = asdict(compare([traits(seconds=length) for length in (10.123, 15.0, 20.128)]).spreads["seconds"])
    assert [place for place, _ in charts.dots(uneven)][::2] == [0.0, 1.0]  # inside, although what is said is rounded
    alone = asdict(compare([traits(seconds=10.0)]).spreads["seconds"])
    assert charts.dots(alone) == ((0.5, "10.0"),)


@pytest.mark.parametrize(
    ("usual", "where"), [((0, 1), "in the upper third"), ((8,), "in the middle"), ((15,), "in the lower third")]
)
def test_where_most_text_stands_is_said(usual, where):
    assert charts.densest(charts.heat([as_clip("a", traits(places=rows(*usual))), as_clip("b", traits())])) == where


def test_clips_without_text_have_no_map():
    assert charts.heat([as_clip("a", traits())]) == () and charts.densest(()) == "nowhere"
