"""The video of a search: its editor, and making it anew. What reads drafts is imported by the first one."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import abort, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from core import storage
from jobs import history
from jobs.models import DONE, Job
from web import client, owners
from web.answers import JobAnswer
from web.errors import InvalidField, wants_page
from web.routes.blueprint import found, queue, repeatable, result, settings, studio

if TYPE_CHECKING:
    from animate_text import Timeline


@studio.get("/jobs/<job_id>/draft")
def show_draft(job_id: str) -> ResponseReturnValue:
    """The video of a search, to be edited; as JSON its timeline."""
    this = found(job_id)
    timeline = _timeline(this)
    if not wants_page():
        if timeline is None:
            abort(404, "This search has no video; ask for one with POST.")
        return jsonify({"idea": this.query.idea, "timeline": timeline.to_json()})
    return _editor(this, timeline)


def _timeline(this: Job) -> Timeline | None:
    from web import drafts

    return drafts.load(storage.get(history.stored_name(this.id, "draft.json"), storage.prompt(settings())))


def _editor(this: Job, timeline: Timeline | None, wrong: InvalidField | None = None) -> str:
    """The editor's page; where what was sent is wrong, with that and what was sent."""
    from web import drafts

    sheet = drafts.sheet_of(timeline) if timeline else None
    if wrong and "line" in request.form:
        sheet = drafts.typed(request.form)
    values = {"job": this, "result": result(this), "timeline": timeline, "idea": this.query.idea}
    return render_template("draft.html", **values, sheet=sheet, wrong=wrong)


@studio.post("/jobs/<job_id>/draft")
def make_draft(job_id: str) -> ResponseReturnValue:
    """Make a video of an idea, or make an edited one anew, as a search of its own that keeps all else."""
    from web import drafts

    this = repeatable(job_id)
    if this.state != DONE:
        abort(409, "This search is not done yet; ask for its video when it is.")
    try:
        idea, edit = drafts.read_edit(request, len(result(this)["ideas"]))
    except InvalidField as wrong:
        if wants_page():
            return _editor(this, _timeline(this), wrong), HTTPStatus.UNPROCESSABLE_ENTITY
        raise
    new_id = queue().draft(this, owners.maker(), idea, edit, client.holder())
    if wants_page():
        return redirect(url_for(".job", job_id=new_id) + "#video", HTTPStatus.SEE_OTHER)
    headers = {"Location": url_for(".job", job_id=new_id)}
    return jsonify({**JobAnswer.of(found(new_id)), "token": owners.token(new_id)}), HTTPStatus.ACCEPTED, headers
