"""What a language model is to answer: the schema, and the good parts of what it did answer."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from summariser.brief import IDEAS

MAX_TAGS = 10
_FENCED = re.compile(r"\s*```[\w-]*[ \t]*\n(.*)\n[ \t]*```\s*", re.DOTALL)  # a Markdown code block, and nothing else


class _Object(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ShotAnswer(_Object):
    seconds: int
    shows: str


class IdeaAnswer(_Object):
    """`clip` is the number, from 1, of the clip that the idea takes something from."""

    title: str
    concept: str
    opening: str
    shots: list[ShotAnswer]
    caption: str
    clip: int
    reason: str


class PostAnswer(_Object):
    hook: str
    sentence: str
    question: str


class Answer(_Object):
    """A whole answer."""

    summary: str
    tags: Annotated[list[str], Field(min_length=1, max_length=MAX_TAGS)]
    ideas: Annotated[list[IdeaAnswer], Field(min_length=IDEAS, max_length=IDEAS)]
    music_prompt: str
    image_prompt: str
    post: PostAnswer


PARTS = tuple(Answer.model_fields)
_TEXT, _WHOLE_NUMBER = TypeAdapter(str), TypeAdapter(int)


def schema(parts: Sequence[str] = PARTS) -> dict[str, Any]:
    """The JSON schema of an answer with these parts, without references, as strict services and grammars want it."""
    whole = Answer.model_json_schema()
    properties = {part: _plain(whole["properties"][part], whole["$defs"]) for part in parts}
    return {"type": "object", "properties": properties, "required": list(parts), "additionalProperties": False}


def _plain(node: Any, definitions: Mapping[str, Any]) -> Any:
    """A part of a schema with what it refers to in place, and without titles and descriptions."""
    if isinstance(node, list):
        return [_plain(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _plain(definitions[node["$ref"].rsplit("/", 1)[1]], definitions)
    # A property may be called "title"; its value is a schema, not a text.
    kept = {k: v for k, v in node.items() if not (k in ("title", "description") and isinstance(v, str))}
    return {name: _plain(value, definitions) for name, value in kept.items()}


def parse(text: str) -> dict[str, Any] | None:
    """The JSON object in a model's answer, bare or in a code block; None where it is none."""
    fenced = _FENCED.fullmatch(text)
    try:
        found = json.loads(fenced[1] if fenced else text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def text_of(value: Any) -> str:
    """A text as it came, or nothing where it is none."""
    return value if isinstance(value, str) else ""


def texts_of(value: Any) -> list[str]:
    """The texts in a list."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def ideas_of(value: Any) -> list[dict[str, Any]]:
    """The ideas in a list that have at least title and concept; of each, the fields that fit the schema."""
    ideas = [_fitting(IdeaAnswer, item) for item in value] if isinstance(value, list) else []
    return [idea for idea in ideas if idea.get("title") and idea.get("concept")]


def post_of(value: Any) -> dict[str, Any]:
    """The fields of a post that fit the schema."""
    return _fitting(PostAnswer, value)


def _fitting(model: type[BaseModel], value: Any) -> dict[str, Any]:
    """The fields of an object that fit the model, each validated by itself."""
    kept = {}
    for name, field in model.model_fields.items() if isinstance(value, dict) else ():
        try:
            kept[name] = TypeAdapter[Any](field.annotation or Any).validate_python(value.get(name), strict=True)
        except ValidationError:
            continue
    return kept
