"""Errors as clients read them: RFC 9457 problems for programs, the page with the reason for browsers."""

import errno
import logging
import sqlite3
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, jsonify, request
from flask_limiter import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import InterfaceError, OperationalError
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    InternalServerError,
    ServiceUnavailable,
    TooManyRequests,
    UnprocessableEntity,
)
from werkzeug.sansio.response import Response as BaseResponse

from core.storage import StorageError, Unreachable
from jobs.queue import BusyError
from tiktok_videos.uploads import UploadError


class InvalidField(UnprocessableEntity):
    """A field of a request that cannot be used; the description is one sentence that says what would do."""

    def __init__(self, field: str, description: str):
        super().__init__(description)
        self.field = field


# What is said where nothing in particular is known.
PLAIN = {
    404: "There is nothing at this address. It may be mistyped, or what was here has been deleted.",
    405: "This address is not for opening, or not in this way.",
    413: "This is larger than the studio takes.",
    500: "Something went wrong in the studio. Its log has the details; try again later.",
}
RETRY = 5  # seconds until what is short may be there again


def register(app: Flask, page: Callable[[int, dict[str, Any]], tuple[str, int]]) -> None:
    """Answer errors of this application as problems; `page(status, problem)` renders one for a browser."""
    app.extensions["problem_page"] = page
    app.register_error_handler(HTTPException, problem)
    app.register_error_handler(BusyError, _busy)
    app.register_error_handler(UploadError, _refused)
    app.register_error_handler(CSRFError, _forged)
    app.register_error_handler(RateLimitExceeded, _too_often)
    app.register_error_handler(OperationalError, _database)
    app.register_error_handler(InterfaceError, _database)
    app.register_error_handler(OSError, _disk)
    app.register_error_handler(StorageError, _storage)


def problem(error: HTTPException, **more: Any) -> BaseResponse:
    """An HTTP error as a problem, with what else there is to say."""
    if error.response is not None:  # a redirect
        return error.response
    if isinstance(error, InvalidField):
        more["field"] = error.field
    is_usual = error.description == type(error).description
    detail = PLAIN.get(error.code or 0, error.description) if is_usual else error.description
    response = stated({"status": error.code, "detail": detail, **more})
    for name, value in error.get_headers(request.environ):
        if name != "Content-Type":
            response.headers[name] = value
    return response


def stated(stated: Mapping[str, Any]) -> Response:
    """A problem with at least `status` and `detail`, in the form that the client prefers."""
    full = {"type": "about:blank", "title": HTTPStatus(stated["status"]).phrase, **stated}
    if wants_page():
        return current_app.make_response(current_app.extensions["problem_page"](full["status"], full))
    response = jsonify(full)
    response.status_code, response.mimetype = full["status"], "application/problem+json"
    return response


def wants_page() -> bool:
    """Whether the client is a browser: it prefers HTML to JSON."""
    accepted = request.accept_mimetypes
    return accepted["text/html"] > accepted["application/json"]


def _refused(error: UploadError) -> Response:
    return stated({"status": error.status, "detail": str(error), "field": "videos"})


def _busy(error: BusyError) -> BaseResponse:
    kind: type[TooManyRequests | ServiceUnavailable] = TooManyRequests if error.own_share else ServiceUnavailable
    return problem(kind(str(error), retry_after=error.retry_after), retry_after=error.retry_after)


UNWRITABLE = {sqlite3.SQLITE_FULL: "the disk is full", sqlite3.SQLITE_READONLY: "the disk is read-only"}


def _database(error: OperationalError | InterfaceError) -> BaseResponse:
    logging.getLogger(__name__).error("the database does not work: %s", error.orig)
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF  # the primary one of an extended code
    if why := UNWRITABLE.get(code):
        return stated({"status": HTTPStatus.INSUFFICIENT_STORAGE, "detail": f"It cannot be stored: {why}."})
    return problem(
        ServiceUnavailable("The studio's database cannot be used just now.", retry_after=RETRY), retry_after=RETRY
    )


def _storage(error: StorageError) -> BaseResponse:
    retry = RETRY if isinstance(error, Unreachable) else None
    more = {"retry_after": retry} if retry else {}
    return problem(ServiceUnavailable(str(error), retry_after=retry), **more)


def _disk(error: OSError) -> BaseResponse:
    """What is no fault of who asks: the disk is full or read-only, or there are too many files open."""
    logging.getLogger(__name__).error("a request failed", exc_info=error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        return stated({"status": HTTPStatus.INSUFFICIENT_STORAGE, "detail": f"It cannot be stored: {error.strerror}."})
    if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
        return problem(ServiceUnavailable("The studio has too much to do.", retry_after=RETRY), retry_after=RETRY)
    return problem(InternalServerError())


def _too_often(error: RateLimitExceeded) -> BaseResponse:
    reason = f"This is asked more often than is allowed, which is {error.description}. Try again later."
    return problem(TooManyRequests(reason))


def _forged(_error: CSRFError) -> BaseResponse:
    return problem(BadRequest("The form has expired. Load the page again and send it once more."))
