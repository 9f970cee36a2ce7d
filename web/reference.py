"""`GET /docs`: openapi.json as a page, so that nothing is loaded from elsewhere and no script is needed."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from web import openapi

Json = Mapping[str, Any]
Pieces = list[tuple[str, str]]  # what is read, and the schema that it leads to: empty for none

NAMES = {"integer": "whole number", "string": "text", "boolean": "true or false", "null": "null"}
FORMATS = {"binary": "file"}


@dataclass(frozen=True)
class Field:
    """A parameter of an operation, or a field of a schema."""

    name: str
    kind: Pieces
    required: bool
    description: str
    place: str = ""


@dataclass(frozen=True)
class Content:
    """What a body or an answer holds: its media type and its kind."""

    media_type: str
    kind: Pieces


@dataclass(frozen=True)
class Answer:
    status: str
    description: str
    content: list[Content]


@dataclass(frozen=True)
class Operation:
    """A method of a path; `problems` are the statuses that it answers with problems."""

    name: str
    method: str
    path: str
    summary: str
    description: str
    parameters: list[Field]
    body: list[Content]
    answers: list[Answer]
    problems: list[str]


@dataclass(frozen=True)
class Schema:
    name: str
    description: str
    kind: Pieces
    fields: list[Field]
    example: str


def operations() -> list[Operation]:
    """The operations of openapi.json, in its order."""
    return [
        _operation(method, path, there, [*methods.get("parameters", []), *there.get("parameters", [])])
        for path, methods in openapi.document()["paths"].items()
        for method, there in methods.items()
        if method != "parameters"
    ]


def _operation(method: str, path: str, described: Json, parameters: list[Json]) -> Operation:
    answers = described["responses"]
    return Operation(
        name=described["operationId"],
        method=method.upper(),
        path=path,
        summary=described["summary"],
        description=described.get("description", ""),
        parameters=[
            Field(one["name"], kind(one["schema"]), one.get("required", False), one["description"], one["in"])
            for one in parameters
        ],
        body=_contents(described.get("requestBody", {})),
        answers=[
            Answer(status, answer["description"], _contents(answer))
            for status, answer in answers.items()
            if "$ref" not in answer
        ],
        problems=[status for status, answer in answers.items() if "$ref" in answer],
    )


def _contents(holder: Json) -> list[Content]:
    return [Content(media_type, kind(what["schema"])) for media_type, what in holder.get("content", {}).items()]


def schemas() -> list[Schema]:
    """What requests and answers are made of, by name."""
    return [_schema(name, described) for name, described in sorted(openapi.document()["components"]["schemas"].items())]


def _schema(name: str, described: Json) -> Schema:
    required = described.get("required", ())
    fields = [
        Field(field, kind(there), field in required, there.get("description", ""))
        for field, there in described.get("properties", {}).items()
    ]
    examples = described.get("examples", ())
    example = json.dumps(examples[0], ensure_ascii=False) if examples else ""
    return Schema(name, described.get("description", ""), [] if fields else kind(described), fields, example)


def kind(schema: Json) -> Pieces:
    """What a schema allows, in words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return [(name, name)]
    for several, between in (("anyOf", " or "), ("oneOf", " or "), ("allOf", " with ")):
        if several in schema and not (several == "anyOf" and "type" in schema):
            return _joined([kind(one) for one in schema[several]], between)
    if "const" in schema:
        return [(json.dumps(schema["const"]), "")]
    if "enum" in schema:
        return [(" or ".join(map(json.dumps, schema["enum"])), "")]
    types = schema.get("type", "object")
    return _joined([list(_of_type(one, schema)) for one in ([types] if isinstance(types, str) else types)], " or ")


def _of_type(name: str, schema: Json) -> Iterator[tuple[str, str]]:
    if name == "array":
        yield "list of ", ""
        yield from kind(schema.get("items", {})) if "prefixItems" not in schema else [("values", "")]
    elif name == "object" and isinstance(schema.get("additionalProperties"), dict):
        yield "names, each with ", ""
        yield from kind(schema["additionalProperties"])
    elif name == "object" and "properties" in schema:
        yield f"object with {', '.join(schema['properties'])}", ""
    else:
        yield FORMATS.get(schema.get("format", ""), NAMES.get(name, name)) + _limits(schema), ""


def _limits(schema: Json) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    between = f" from {low} to {high}" if low is not None and high is not None else ""
    between = between or (f" from {low}" if low is not None else "")
    return between + (f", a multiple of {schema['multipleOf']}" if "multipleOf" in schema else "")


def _joined(parts: list[Pieces], between: str) -> Pieces:
    joined: Pieces = []
    for number, part in enumerate(parts):
        joined += [(between, "")] * bool(number) + part
    return joined
