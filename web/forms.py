"""What a client asks for: a form, JSON or a command line turned into a checked Query.

A new field is a line in `SearchRequest`: its type and limits, what openapi.json says of it, and `Says` with the end of
the sentence that refuses it; then `SearchRequest.query` hands it on.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import PurePath
from typing import Annotated, Any

from flask import Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import BadRequest

from core import hashtags
from core.engines import EngineError
from pipeline import Query
from settings import MAX_MUSIC_SECONDS, MUSIC_STEP, Settings
from tiktok_to_text import upload_check
from tiktok_videos import uploads
from tiktok_videos.tags import MAX_TAG, MAX_TAGS, TagError, clean
from tiktok_videos.uploads import Received, UploadError
from web.errors import InvalidField

MAX_UPLOADS = 3
MAX_SEED = 2**32 - 1
LANGUAGE = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"  # the shape of a BCP 47 tag


@dataclass(frozen=True)
class Says:
    """The end of the sentence that refuses a field; it begins with the field's name."""

    sentence: str


def _cleaned(tags: tuple[str, ...]) -> tuple[str, ...]:
    return clean(tags) if any(map(hashtags.bare, tags)) else ()


class SearchRequest(BaseModel):
    """What `POST /search` takes as JSON, and a form in its own way."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "required": ["tags"],
            "examples": [{"tags": ["AI"], "seconds": 5, "seed": 7, "language": "en-US"}],
        },
    )

    tags: Annotated[
        tuple[Annotated[str, Field(json_schema_extra={"minLength": 1, "maxLength": MAX_TAG})], ...],
        AfterValidator(_cleaned),
        Says('must be a list of words, such as ["AI", "robots"].'),
        Field(
            description=f"1 to {MAX_TAGS} different words of letters, digits and _ in any script",
            default_factory=tuple,
            json_schema_extra={"minItems": 1},
        ),
    ]
    seconds: Annotated[
        Annotated[int, Field(ge=MUSIC_STEP, le=MAX_MUSIC_SECONDS, multiple_of=MUSIC_STEP)] | None,
        Says(f"must be a multiple of {MUSIC_STEP} from {MUSIC_STEP} to {MAX_MUSIC_SECONDS}."),
        Field(description="Length of the music"),
    ] = None
    seed: Annotated[
        int,
        Says(f"must be a whole number from 0 to {MAX_SEED}."),
        Field(ge=0, le=MAX_SEED, description="Another seed, another piece of music and picture"),
    ] = 0
    language: Annotated[
        str,
        Says("must be a language tag such as en-US."),
        Field(pattern=LANGUAGE, description="Spoken in the videos, BCP 47"),
    ] = "en-US"
    video: Annotated[bool, Says("must be true or false."), Field(description="Make a video of the first idea too")] = (
        False
    )

    def query(self, settings: Settings, own: tuple[tuple[str, str], ...] = ()) -> Query:
        """The search to be run; with `own` videos, (key, title) of each, tags are optional. Raises InvalidField."""
        if not self.tags and not own:
            raise InvalidField("tags", "Give at least one tag.")
        return Query(self.tags, self.seconds or settings.music_seconds, self.seed, self.language, own, self.video)


@contextmanager
def read(request: Request, settings: Settings) -> Iterator[tuple[Query, list[Received]]]:
    """Read the search that a request asks for, and receive the videos that it brings.

    They are temporary files until `Jobs.submit` keeps them, and gone at the end of the block otherwise. Raises an HTTP
    4xx that says what is wrong, or UploadError where the disk is full.
    """
    asked = from_json(request.get_data()) if request.is_json else from_form(_fields(request))
    if request.form.get("videos", "").strip():
        raise InvalidField("videos", "videos must be files, such as curl sends with -F videos=@clip.mp4.")
    files = [file for file in request.files.getlist("videos") if file.filename]
    if len(files) > MAX_UPLOADS:
        raise InvalidField("videos", f"Send at most {MAX_UPLOADS} videos; there are {len(files)}.")
    with ExitStack() as stack:
        received = {}
        for file in files:
            name = file.filename or ""
            whole = stack.enter_context(uploads.received(file.stream, name, settings))
            _admit(whole, file, settings)
            here = stack.enter_context(uploads.bare(whole, name, settings))
            _admit(here, file, settings)  # what is kept has to be a video too, of whatever it was copied
            received[here.key] = (here, file)
        own = tuple((key, uploads.shown(file.filename or "")) for key, (_, file) in received.items())
        yield asked.query(settings, own), [here for here, _ in received.values()]


def _admit(received: Received, file: FileStorage, settings: Settings) -> None:
    """Look into a file. Raises UploadError where it is no video that can be used."""
    try:
        upload_check.check(received.path, PurePath(received.key).suffix, settings)
    except EngineError as error:
        raise UploadError(file.filename or "", str(error)) from None


def from_json(body: bytes) -> SearchRequest:
    """The request that a JSON text holds. Raises BadRequest or InvalidField."""
    try:
        return SearchRequest.model_validate_json(body, strict=True)
    except ValidationError as error:
        raise _refusal(error) from None


def from_form(fields: Mapping[str, object]) -> SearchRequest:
    """The request that a form, or a command line, holds: numbers may be texts. Raises BadRequest or InvalidField."""
    try:
        return SearchRequest.model_validate(fields)
    except ValidationError as error:
        raise _refusal(error) from None


def _fields(request: Request) -> dict[str, object]:
    """The fields of a form, as JSON has them. What is blank counts as not given, what is unknown is left to others."""
    known = SearchRequest.model_fields
    given = {name: text.strip() for name, text in request.form.items() if name in known}
    fields: dict[str, Any] = {name: text for name, text in given.items() if text}
    # Tags may be repeated, or separated by commas or `#`.
    return fields | {"tags": re.split(r"[,;#\n]", ",".join(request.form.getlist("tags")))}


def _refusal(error: ValidationError) -> BadRequest | InvalidField:
    """What is wrong with a request, as one sentence: first what it is at all, then which field."""
    found = error.errors(include_url=False)
    kinds = {one["type"] for one in found}
    if "json_invalid" in kinds:
        return BadRequest('This is no JSON that can be read. Send an object such as {"tags": ["AI"]}.')
    if unknown := sorted(str(one["loc"][0]) for one in found if one["type"] == "extra_forbidden"):
        known = ", ".join(SearchRequest.model_fields)
        return BadRequest(f"Unknown: {', '.join(unknown)[:100]}. Known are {known}.")
    if not found[0]["loc"]:
        return BadRequest('Send a JSON object such as {"tags": ["AI"]}.')
    name, reason = str(found[0]["loc"][0]), found[0].get("ctx", {}).get("error")
    if isinstance(reason, TagError):
        return InvalidField(name, str(reason))
    said = [rule.sentence for rule in SearchRequest.model_fields[name].metadata if isinstance(rule, Says)]
    return InvalidField(name, f"{name} {said[0] if said else 'cannot be used: ' + found[0]['msg']}")
