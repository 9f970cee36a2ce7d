"""Files for clients: from a folder of this machine, or from a store, passed on with ranges or by a signed link."""

import mimetypes
from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus

from flask import Response, abort, current_app, redirect, request, send_from_directory
from flask.typing import ResponseReturnValue

from core import storage
from core.storage import Entry
from settings import Settings

NO_FILE = "There is no such file."
PLAYED = ("audio", "video", "image", "track")  # what a browser says that it will do with a file (Fetch Metadata)


def send(key: str, settings: Settings) -> ResponseReturnValue:
    """The file with a key of core.storage; 404 where there is none."""
    if not storage.is_remote(settings):
        path = storage.local(key, settings) or abort(404, NO_FILE)
        return send_from_directory(path.parent, path.name, conditional=True)
    hurried = storage.prompt(settings)
    entry = storage.head(key, hurried) or abort(404, NO_FILE)
    if request.headers.get("Sec-Fetch-Dest", "audio") in PLAYED and (address := storage.link(key, hurried)):
        answer = current_app.make_response(redirect(address, HTTPStatus.FOUND))
        answer.headers["Cache-Control"] = "no-store"  # it expires
        return answer
    return _passed_on(entry, hurried)


def _passed_on(entry: Entry, settings: Settings) -> Response:
    """A file of a store as `send_from_directory` would answer it, conditions and ranges included."""
    media_type, _ = mimetypes.guess_type(entry.key)
    content = _Content(entry, settings)
    answer: Response = current_app.response_class(content, mimetype=media_type, direct_passthrough=True)
    answer.content_length = entry.size
    answer.last_modified = datetime.fromtimestamp(int(entry.modified), UTC)
    answer.cache_control.no_cache = True
    if entry.etag:
        answer.set_etag(entry.etag)
    answer.make_conditional(request, accept_ranges=True, complete_length=entry.size)
    if answer.status_code == HTTPStatus.PARTIAL_CONTENT and answer.content_range.stop:
        content.stop = answer.content_range.stop  # nothing is fetched that is not sent
    return answer


class _Content:
    """The blocks of a file, from wherever werkzeug's range begins: an iterator that can be told where to start."""

    def __init__(self, entry: Entry, settings: Settings):
        self._entry, self._settings, self._at = entry, settings, 0
        self.stop = entry.size
        self._blocks: Iterator[bytes] | None = None

    def seekable(self) -> bool:
        return True

    def seek(self, position: int) -> None:
        self._at = position

    def tell(self) -> int:
        return self._at

    def __iter__(self) -> "_Content":
        return self

    def __next__(self) -> bytes:
        if self._blocks is None:
            self._blocks = storage.stream(self._entry.key, self._at, self.stop, self._settings)
        return next(self._blocks)
