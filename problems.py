"""Errors as clients read them: RFC 9457 problems for programs, the page with the reason for browsers."""

from http import HTTPStatus

from flask import Flask, Response, current_app, jsonify, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import BadRequest, HTTPException, ServiceUnavailable, UnprocessableEntity

from jobs import BusyError
from tiktok_videos.tags import TagError
from tiktok_videos.uploads import UploadError


def register(app: Flask, page) -> None:
    """Answer errors of this application as problems; `page(status, problem)` renders one for a browser."""
    app.extensions["problem_page"] = page
    app.register_error_handler(HTTPException, problem)
    app.register_error_handler(TagError, lambda error: problem(UnprocessableEntity(str(error)), field="tags"))
    app.register_error_handler(BusyError, _busy)
    app.register_error_handler(UploadError, _refused)
    app.register_error_handler(CSRFError, _forged)


def problem(error: HTTPException, **more) -> Response:
    """An HTTP error as a problem, with what else there is to say."""
    if error.response is not None:  # a redirect
        return error.response
    response = stated({"status": error.code, "detail": error.description, **more})
    for name, value in error.get_headers(request.environ):
        if name != "Content-Type":
            response.headers[name] = value
    return response


def stated(stated: dict) -> Response:
    """A problem with at least `status` and `detail`, in the form that the client prefers."""
    full = {"type": "about:blank", "title": HTTPStatus(stated["status"]).phrase, **stated}
    if wants_page():
        return current_app.make_response(current_app.extensions["problem_page"](full["status"], full))
    response = jsonify(full)
    response.status_code, response.mimetype = full["status"], "application/problem+json"
    return response


def field(problem: dict) -> str:
    """The field of the form that a problem is with."""
    first = problem["detail"].split(" ", 1)[0]
    return problem.get("field") or (first if first in ("seconds", "seed", "language", "videos") else "tags")


def wants_page() -> bool:
    """Whether the client is a browser: it prefers HTML to JSON."""
    accepted = request.accept_mimetypes
    return accepted["text/html"] > accepted["application/json"]


def _refused(error):
    return stated({"status": error.status, "detail": str(error), "field": "videos"})


def _busy(error):
    return problem(ServiceUnavailable(str(error), retry_after=error.retry_after), retry_after=error.retry_after)


def _forged(_error):
    return problem(BadRequest("The form has expired. Load the page again and send it once more."))
