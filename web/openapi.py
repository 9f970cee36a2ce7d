"""What `GET /openapi.json` answers: the routes for programs, with schemas made from the classes that check and answer.

A new field of a request, a result or another answer needs nothing here: it is in its class (web.forms.SearchRequest,
pipeline.results.SearchResult, web.answers). A new route is an entry in `OPERATIONS`; where its answer is a new class,
that goes into `SCHEMAS`; a new name in a path goes into `PARAMETERS`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from pipeline.results import SearchResult
from settings import VERSION
from web import drafts
from web.answers import Health, HistoryEntry, JobAnswer, JobError, OwnJobAnswer, OwnSearchResult, Problem, ProgressEvent
from web.forms import LANGUAGE, MAX_UPLOADS, SearchRequest

Json = dict[str, Any]

SCHEMAS = (
    SearchResult,
    OwnSearchResult,
    JobAnswer,
    OwnJobAnswer,
    HistoryEntry,
    JobError,
    Problem,
    Health,
    ProgressEvent,
    drafts.DraftAnswer,
)
PARAMETERS: dict[str, Json] = {
    "id": {"description": "The id of a search", "schema": {"type": "string"}},
    "number": {"description": "Which video, from 1", "schema": {"type": "integer", "minimum": 1}},
    "part": {"description": "Which part, from 0", "schema": {"type": "integer", "minimum": 0}},
}
REFUSED = (400, 401, 404, 429)  # an unknown host, no key, none such, too often
TEXT: Json = {"type": "string"}
BINARY: Json = {"type": "string", "format": "binary"}


def ref(name: str) -> Json:
    """A reference to a schema by the name of its class."""
    return {"$ref": f"#/components/schemas/{name}"}


@dataclass(frozen=True)
class Answer:
    """What an operation answers with: its media type and schema, the operations that follow from it, its headers.

    Without a media type it has no body. `links` gives by operation the parameters besides `id`, which is that of the
    body.
    """

    description: str
    schema: Json
    media_type: str = "application/json"
    links: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    headers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Operation:
    """A method of a path. `problems` are the statuses that it answers with problems."""

    name: str
    summary: str
    answers: Mapping[int, Answer]
    problems: tuple[int, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)  # that a request may have, and what they mean
    queries: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Json] = field(default_factory=dict)  # the schema by media type
    description: str = ""


OPERATIONS: dict[tuple[str, str], Operation] = {
    ("post", "/search"): Operation(
        "search",
        "Search",
        description="Answers when the search is done; at once with `Prefer: respond-async` (RFC 7240).",
        headers={"Prefer": "`respond-async`: answer at once (RFC 7240)"},
        body={
            "application/json": ref("SearchRequest"),
            "application/x-www-form-urlencoded": ref("SearchForm"),
            "multipart/form-data": ref("SearchFormWithVideos"),
        },
        answers={
            200: Answer(
                "The result",
                ref("OwnSearchResult"),
                links={
                    "job": {},
                    "everything": {},
                    "captions": {"number": "1"},
                    "insights": {},
                    "insightsTable": {},
                },
            ),
            202: Answer(
                "The search is stored and will run",
                ref("OwnJobAnswer"),
                headers=("Location", "Preference-Applied"),
                links={"job": {}, "events": {}, "cancel": {}},
            ),
        },
        problems=(400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503, 507),
    ),
    ("get", "/jobs/{id}"): Operation(
        "job", "How far a search is, and its result", {200: Answer("The search", ref("JobAnswer"))}, REFUSED
    ),
    ("delete", "/jobs/{id}"): Operation(
        "cancel", "Call a search off", {200: Answer("The search as it is now", ref("JobAnswer"))}, (403, *REFUSED)
    ),
    ("get", "/jobs/{id}/events"): Operation(
        "events",
        "Server-sent events of a search",
        {200: Answer("A stream that ends with the search; each event is so", ref("Event"), "text/event-stream")},
        REFUSED,
        headers={"Last-Event-ID": "Begin after this event"},
    ),
    ("get", "/jobs/{id}/draft"): Operation(
        "draft", "The timeline of a search's video", {200: Answer("The timeline", ref("DraftAnswer"))}, (404,)
    ),
    ("post", "/jobs/{id}/draft"): Operation(
        "makeDraft",
        "Make a video of an idea, or an edited one anew",
        description="A search of its own, which keeps all else that the first one made.",
        body={"application/json": ref("DraftEdit")},
        answers={202: Answer("The search is stored and will run", ref("OwnJobAnswer"), headers=("Location",))},
        problems=(400, 404, 409, 413, 415, 422, 503),
    ),
    ("get", "/jobs/{id}/everything.zip"): Operation(
        "everything", "All that a search made", {200: Answer("A ZIP file", BINARY, "application/zip")}, REFUSED
    ),
    ("get", "/jobs/{id}/music/{part}.wav"): Operation(
        "partOfMusic",
        "A part of the music while the rest is being made",
        {
            200: Answer("Two seconds", BINARY, "audio/wav"),
            204: Answer("Not made yet, or the piece is whole", {}, media_type=""),
        },
        REFUSED,
    ),
    ("get", "/jobs/{id}/captions/{number}.vtt"): Operation(
        "captions", "What is said in a video, as WebVTT", {200: Answer("Captions", TEXT, "text/vtt")}, REFUSED
    ),
    ("get", "/jobs/{id}/insights.json"): Operation(
        "insights", "What was measured of the clips", {200: Answer("The measures", {"type": "object"})}, (404,)
    ),
    ("get", "/jobs/{id}/insights.csv"): Operation(
        "insightsTable",
        "What was measured, a row a clip",
        {200: Answer("A table (RFC 4180)", TEXT, "text/csv")},
        (404,),
    ),
    ("get", "/compare"): Operation(
        "compare",
        "The measures of two searches side by side",
        {200: Answer("Both, measure by measure", {"type": "object"})},
        (404,),
        queries={"a": "The id of a search", "b": "The id of another"},
    ),
    ("get", "/history"): Operation(
        "history",
        "The searches of this visitor's session, newest first",
        {200: Answer("The searches", {"type": "array", "items": ref("HistoryEntry")})},
        (401, 429),
    ),
    ("get", "/healthz"): Operation(
        "health",
        "Whether a search can be taken, and the state of each engine",
        {200: Answer("Ready", ref("Health")), 503: Answer("Shutting down", ref("Health"))},
    ),
    ("get", "/metrics"): Operation(
        "metrics", "Metrics in Prometheus text format", {200: Answer("Metrics", TEXT, "text/plain")}, REFUSED
    ),
    ("get", "/openapi.json"): Operation(
        "openapi", "This description", {200: Answer("OpenAPI 3.1", {"type": "object"})}
    ),
}

EVENT: Json = {
    "type": "object",
    "required": ["id", "data"],
    "properties": {
        "id": {
            "type": "string",
            "pattern": "^[0-9]+$",
            "description": "As Last-Event-ID: go on from here",
        },
        "event": {"const": "message"},
        "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": ref("ProgressEvent")},
    },
}


@cache
def document() -> Json:
    """The description of the interface, OpenAPI 3.1."""
    paths: dict[str, Json] = {}
    for (method, path), operation in OPERATIONS.items():
        paths.setdefault(path, _parameters(path))[method] = _describe(operation)
    problem = {"application/problem+json": {"schema": ref("Problem")}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "TrendTok Studio",
            "version": VERSION,
            "license": {"name": "MIT", "identifier": "MIT"},
            "description": "Tags in; a summary, tags, ideas, a piece of music, a picture and a video out.",
        },
        "paths": paths,
        "components": {
            "responses": {"Problem": {"description": "What is wrong, as a problem (RFC 9457)", "content": problem}},
            "schemas": _schemas(),
        },
    }


def _parameters(path: str) -> Json:
    names = re.findall(r"{(\w+)}", path)
    found = [{"name": name, "in": "path", "required": True, **PARAMETERS[name]} for name in names]
    return {"parameters": found} if found else {}


def _describe(operation: Operation) -> Json:
    described: Json = {"operationId": operation.name, "summary": operation.summary}
    if operation.description:
        described["description"] = operation.description
    parameters = [
        {"name": name, "in": place, "description": says, "schema": TEXT}
        for place, names in (("header", operation.headers), ("query", operation.queries))
        for name, says in names.items()
    ]
    if parameters:
        described["parameters"] = parameters
    if operation.body:
        content = {media_type: {"schema": schema} for media_type, schema in operation.body.items()}
        described["requestBody"] = {"required": True, "content": content}
    answers: Json = {str(status): _answer(answer) for status, answer in operation.answers.items()}
    problems = {str(status): {"$ref": "#/components/responses/Problem"} for status in operation.problems}
    return described | {"responses": answers | problems}


def _answer(answer: Answer) -> Json:
    described: Json = {"description": answer.description}
    if answer.media_type:
        described["content"] = {answer.media_type: {"schema": answer.schema}}
    if answer.headers:
        described["headers"] = {name: {"schema": TEXT} for name in answer.headers}
    if answer.links:
        described["links"] = {
            name: {"operationId": name, "parameters": {"id": "$response.body#/id", **more}}
            for name, more in answer.links.items()
        }
    return described


class _Untitled(GenerateJsonSchema):
    """Without a title at each field, which only repeats its name."""

    def field_title_should_be_set(self, _schema: object) -> bool:
        return False


def _schemas() -> Json:
    answers: list[tuple[Any, JsonSchemaMode, TypeAdapter[Any]]]
    answers = [(kind, "serialization", TypeAdapter(kind)) for kind in SCHEMAS]
    _, answered = TypeAdapter.json_schemas(answers, schema_generator=_Untitled, ref_template=ref("{model}")["$ref"])
    asked = TypeAdapter(SearchRequest).json_schema(schema_generator=_Untitled)
    return {
        "SearchRequest": asked,
        "SearchForm": _form(asked),
        "SearchFormWithVideos": _form_with_videos(asked),
        "Event": EVENT,
        "DraftEdit": drafts.SCHEMA,
        **answered["$defs"],
    }


def _form(asked: Json) -> Json:
    """The request as a form has it: tags may be one text, a blank language counts as not given, nothing is null."""
    properties = {
        name: next((kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}), schema)
        for name, schema in asked["properties"].items()
    }
    tags = properties["tags"] | {"type": ["array", "string"], "items": TEXT, "examples": ["AI, robots"]}
    tags["description"] += ", repeated or separated by commas"
    language = properties["language"] | {"pattern": f"^({LANGUAGE.strip('^$')})?$"}
    return {
        "type": "object",
        "required": asked["required"],
        "properties": properties | {"tags": tags, "language": language},
    }


def _form_with_videos(asked: Json) -> Json:
    """The form with files, where tags are optional."""
    form = _form(asked)
    description = "Own videos: mp4, mov, webm, mkv"
    videos = {"type": "array", "minItems": 1, "maxItems": MAX_UPLOADS, "items": BINARY, "description": description}
    either = [{"required": ["tags"]}, {"required": ["videos"]}]
    return {"type": "object", "anyOf": either, "properties": form["properties"] | {"videos": videos}}
