"""`openapi.json` describes the studio as it is: schemathesis asks the running server all that it allows, and more."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from jobs.models import ENDED, QUEUED, RUNNING
from pipeline import STAGES
from settings import ROOT
from tests.rounds import amount
from tests.servers import serving
from web import answers, openapi

REQUESTS = amount(500, 2000)  # at least
EXAMPLES = amount(30, 160)  # of each kind, for each operation
DESCRIPTION = openapi.document()
RENDERING = ("/jobs/{id}/draft",)  # hundreds of videos would take hours: tests of drafts ask for a few
OF_TWO_SEARCHES = ("GET", "/compare")  # no link of one answer can give both ids
OF_ITS_MAKER = ("DELETE", "/jobs/{id}")  # no link can give the token of who made a search; tests of owners do
METHODS = ("get", "post", "put", "patch", "delete")
ASKED = ("SearchRequest", "SearchForm")  # how the names of the schemas begin that describe requests


def strict(schema):
    """A copy of a schema by which an answer may hold nothing that is not described."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    copy = {name: strict(part) for name, part in schema.items()}
    return copy | {"additionalProperties": False} if isinstance(copy.get("properties"), dict) else copy


def without_video(schema):
    """A copy of a schema of a request for a search, without the field that asks for a video."""
    properties = {name: field for name, field in schema["properties"].items() if name != "video"}
    return schema | {"properties": properties}


def strictly_described():
    components = DESCRIPTION["components"]
    schemas = {
        name: without_video(schema) if name.startswith(ASKED) else strict(schema)
        for name, schema in components["schemas"].items()
    }
    paths = {path: there for path, there in DESCRIPTION["paths"].items() if path not in RENDERING}
    return DESCRIPTION | {"paths": paths, "components": components | {"schemas": schemas}}


def operations():
    return {
        (method.upper(), path)
        for path, there in DESCRIPTION["paths"].items()
        if path not in RENDERING
        for method in there.keys() & METHODS
    }


def operation(request, address):
    """Which operation a request in the report was, None for one that is not described."""
    path = request["url"].removeprefix(address).split("?")[0]
    fitting = (known for known in operations() if re.fullmatch(re.sub(r"{\w+}", "[^/]+", known[1]), path))
    return next((known for known in fitting if known[0] == request["method"]), None)


def test_the_description_is_valid_openapi_3_1():
    import schemathesis  # here, for it takes seconds

    assert DESCRIPTION["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(DESCRIPTION).validate()


def test_the_stages_and_states_that_are_described_are_those_that_there_are():
    assert get_args(answers.Stage) == STAGES
    assert set(get_args(answers.State)) == {QUEUED, RUNNING, *ENDED}


@pytest.mark.slow
@pytest.mark.timeout(amount(900, 7200))
def test_the_running_studio_answers_as_described_whatever_it_is_asked(tmp_path, small_library):
    (tmp_path / "openapi.json").write_text(json.dumps(strictly_described()))
    with serving(tmp_path / "studio", VIDEO_LIBRARY=small_library, MAX_QUEUED=100_000) as address:
        program, settings = Path(sys.executable).with_name("schemathesis"), ROOT / "tests" / "schemathesis.toml"
        reports = ["--report", "har", "--report-har-path", "report.har", "--no-color"]
        asked = [program, "--config-file", settings, "run", "openapi.json", "--url", address, *reports]
        asked += ["--max-examples", str(EXAMPLES)]
        done = subprocess.run(asked, check=False, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-1000:]
    entries = json.loads((tmp_path / "report.har").read_text())["log"]["entries"]
    answers = [(operation(entry["request"], address), entry["response"]["status"]) for entry in entries]
    assert len(answers) >= REQUESTS
    assert [answer for answer in answers if not 200 <= answer[1] < 500] == []
    successful = {asked for asked, status in answers if status < 300}
    assert operations() - successful - {OF_TWO_SEARCHES, OF_ITS_MAKER} == set(), "never answered with success"
    assert " ERROR " not in (tmp_path / "studio" / "log").read_text(), "a search that failed in the background"
