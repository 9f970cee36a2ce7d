"""Asking for a search."""

from http import HTTPStatus

from flask import abort, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue

from jobs.models import DONE, ENDED, Job
from web import asgi, client, errors, forms, limits, owners
from web.answers import JobAnswer
from web.errors import wants_page
from web.routes.blueprint import found, queue, result, settings, studio


@studio.post("/search")
def search() -> ResponseReturnValue:
    """Store a search and answer with its result when it is done; at once to a browser, and where asked (RFC 7240)."""
    if job_id := asgi.ended_job(request):
        return _answer(queue().get(job_id), job_id)
    with forms.read(request, settings()) as (query, videos):
        job_id = queue().submit(query, owners.maker(), videos=videos, address=client.holder())
    if wants_page():
        return redirect(url_for(".job", job_id=job_id), HTTPStatus.SEE_OTHER)
    if "respond-async" in [preference.strip() for preference in request.headers.get("Prefer", "").split(",")]:
        headers = {"Location": url_for(".job", job_id=job_id), "Preference-Applied": "respond-async"}
        told = {**JobAnswer.of(found(job_id)), "token": owners.token(job_id)}
        return jsonify(told), HTTPStatus.ACCEPTED, headers
    done = limits.hold_place()
    if asgi.defer(request, asgi.Waiting(job_id, done)):
        return ""
    try:
        return _answer(queue().wait(job_id), job_id)
    finally:
        done()


def _answer(ended: Job | None, job_id: str) -> ResponseReturnValue:
    """The answer to a search that was waited for."""
    if ended and ended.state == DONE:
        return jsonify({**result(ended), "token": owners.token(job_id)})
    if ended and ended.state not in ENDED:
        address = url_for(".job", job_id=job_id)
        abort(503, f"The studio is restarting. The search goes on then; ask for its result at {address}.")
    called_off = {"title": "Cancelled", "status": 409, "detail": "The search was called off."}
    return errors.stated((ended and ended.error) or called_off)
