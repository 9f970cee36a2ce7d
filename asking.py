"""What a client asks for: a form, JSON or a command line turned into a checked Query."""

import re
from contextlib import ExitStack
from dataclasses import replace
from pathlib import PurePath

from flask import Request
from werkzeug.exceptions import BadRequest, UnprocessableEntity

from engines import EngineError
from pipeline import Query
from settings import MUSIC_LONGEST, MUSIC_STEP, Settings
from tiktok_to_text import admission
from tiktok_videos import uploads
from tiktok_videos.tags import clean

FIELDS = ("tags", "seconds", "seed", "language")
MOST_UPLOADS = 3
LARGEST_SEED = 2**32 - 1
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")  # the shape of a BCP 47 tag


def read_query(request: Request, settings: Settings) -> Query:
    """Read the search that a request asks for, and keep the videos that it brings.

    Raises TagError, UploadError or an HTTP 4xx that says what is wrong; then nothing is kept.
    """
    asked = _json(request) if request.is_json else _form(request)
    if not isinstance(asked, dict):
        raise BadRequest('Send a JSON object such as {"tags": ["AI"]}.')
    unknown = asked.keys() - set(FIELDS)
    if unknown:
        raise BadRequest(f"Unknown: {', '.join(sorted(unknown))[:100]}. Known are {', '.join(FIELDS)}.")
    if request.form.get("videos", "").strip():
        raise UnprocessableEntity("videos must be files, such as curl sends with -F videos=@clip.mp4.")
    files = [file for file in request.files.getlist("videos") if file.filename]
    if len(files) > MOST_UPLOADS:
        raise UnprocessableEntity(f"Send at most {MOST_UPLOADS} videos; there are {len(files)}.")
    query = make_query(settings, **asked, has_videos=bool(files))
    return replace(query, uploads=_keep(files, settings))


def _json(request):
    try:
        return request.get_json()
    except RecursionError:
        raise BadRequest("The JSON is nested too deeply.") from None


def _keep(files, settings):
    """Look at all files, then keep all or none: (key, title) of each."""
    with ExitStack() as stack:
        received = [
            (stack.enter_context(uploads.received(file.stream, file.filename, settings)), file.filename)
            for file in files
        ]
        for file, name in received:
            try:
                admission.check(file.path, PurePath(file.key).suffix, settings)
            except EngineError as error:
                raise uploads.UploadError(name, str(error)) from None
        for file, _ in received:
            uploads.keep(file, settings)
    return tuple({file.key: (file.key, uploads.shown(name)) for file, name in received}.values())


def _form(request):
    """The fields of the form as the JSON would have them. Tags may be repeated, or separated by commas or `#`."""
    fields = {name: text.strip() for name, text in request.form.items() if text.strip() and name in FIELDS}
    fields["tags"] = re.split(r"[,;#\n]", ",".join(request.form.getlist("tags")))
    for name in fields.keys() & {"seconds", "seed"}:
        if not re.fullmatch(r"\d{1,10}", fields[name]):
            raise UnprocessableEntity(f"{name} must be a whole number.")
        fields[name] = int(fields[name])
    return fields


def make_query(settings: Settings, tags=(), seconds=None, seed=0, language="en-US", has_videos: bool = False) -> Query:
    """Check what was asked and turn it into a Query; with own videos tags are optional.

    Raises TagError or UnprocessableEntity with the reason.
    """
    if not isinstance(tags, list | tuple) or not all(isinstance(tag, str) for tag in tags):
        raise UnprocessableEntity('tags must be a list of words, such as ["AI", "robots"].')
    seconds = settings.music_seconds if seconds is None else seconds
    if type(seconds) is not int or seconds % MUSIC_STEP or not MUSIC_STEP <= seconds <= MUSIC_LONGEST:
        raise UnprocessableEntity(f"seconds must be a multiple of {MUSIC_STEP} from {MUSIC_STEP} to {MUSIC_LONGEST}.")
    if type(seed) is not int or not 0 <= seed <= LARGEST_SEED:
        raise UnprocessableEntity(f"seed must be a whole number from 0 to {LARGEST_SEED}.")
    if not isinstance(language, str) or not LANGUAGE.fullmatch(language):
        raise UnprocessableEntity("language must be a language tag such as en-US.")
    cleaned = () if has_videos and not any(tag.strip("# ") for tag in tags) else clean(tags)
    return Query(cleaned, seconds, seed, language)
