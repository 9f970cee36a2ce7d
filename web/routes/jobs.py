"""One search: how far it is, its events, calling it off, doing it again."""

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict
from http import HTTPStatus
from itertools import chain

from flask import abort, current_app, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jobs.events import Event
from jobs.models import ENDED
from jobs.queue import SEEDED
from web import asgi, client, limits, owners, streams
from web.answers import JobAnswer
from web.errors import wants_page
from web.routes.blueprint import can_repeat, check_shown, found, own, queue, repeatable, result, studio
from web.routes.front_page import form_values

EVENT_NUMBER = re.compile(r"[0-9]{1,9}")


@studio.get("/jobs/<job_id>")
def job(job_id: str) -> ResponseReturnValue:
    this = found(job_id)
    if not wants_page():
        return jsonify(JobAnswer.of(this))
    values = {
        "job": this,
        "result": result(this),
        "ended": this.state in ENDED,
        "is_maker": owners.is_maker(this),
        "can_repeat": can_repeat(this),
    }
    if this.error and "known_tags" in this.error:
        asked = asdict(this.query) | {"tags": ", ".join(this.query.tags)}
        values |= form_values(asked, this.error) | {"known_tags": this.error["known_tags"]}
    return render_template("job.html", **values)


@studio.get("/jobs/<job_id>/events")
def events(job_id: str) -> ResponseReturnValue:
    """Server-sent events from the one after `Last-Event-ID`; the stream ends with the job."""
    check_shown(job_id)
    last = request.headers.get("Last-Event-ID", "")
    after = int(last) if EVENT_NUMBER.fullmatch(last) else 0
    done = limits.hold_place()
    deferred = asgi.defer(request, asgi.Following(job_id, after, done))
    body = () if deferred else _event_stream(queue().events(job_id, after), done)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return current_app.response_class(body, mimetype="text/event-stream", headers=headers)


def _event_stream(news: Iterator[Event | None], done: Callable[[], None]) -> Iterator[str]:
    try:
        yield from chain([streams.RETRY], map(streams.as_text, news))
    finally:
        done()


@studio.delete("/jobs/<job_id>")
def cancel(job_id: str) -> ResponseReturnValue:
    own(job_id)
    queue().cancel(job_id)
    return jsonify(JobAnswer.of(found(job_id)))


@studio.post("/jobs/<job_id>/cancel")
def cancel_by_form(job_id: str) -> ResponseReturnValue:
    own(job_id)
    queue().cancel(job_id)
    return redirect(url_for(".job", job_id=job_id), HTTPStatus.SEE_OTHER)


@studio.post("/jobs/<job_id>/again")
def again(job_id: str) -> ResponseReturnValue:
    """Search the same with another seed; what the seed does not touch is taken over."""
    only = request.form.get("only")
    if only not in (None, *SEEDED):
        abort(422, f"only must be one of {', '.join(SEEDED)}.")
    this = repeatable(job_id)
    new_id = queue().again(this, owners.maker(), (only,) if only else SEEDED, client.holder())
    return redirect(url_for(".job", job_id=new_id), HTTPStatus.SEE_OTHER)
