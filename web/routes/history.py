"""The visitor's searches of the past: listed, named, deleted."""

from http import HTTPStatus

from flask import jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jobs import history
from web import owners
from web.answers import HistoryEntry
from web.errors import wants_page
from web.routes.blueprint import own, queue, result, settings, studio

MAX_NAME = 100  # characters


@studio.get("/history")
def show_history() -> ResponseReturnValue:
    maker = owners.known_maker()
    searches = history.of_visitor(maker, queue().store) if maker else []
    if not wants_page():
        return jsonify([HistoryEntry.of(one) for one in searches])
    tag = request.args.get("tag", "").strip()
    shown = [(one, result(one)) for one in searches if history.matches(one, tag)]
    return render_template("history.html", searches=shown, tag=tag, keep_days=settings().keep_days)


@studio.post("/jobs/<job_id>/name")
def rename(job_id: str) -> ResponseReturnValue:
    name = request.form.get("name", "").strip()[:MAX_NAME] or None
    history.rename(own(job_id).id, name, queue().store)
    return redirect(url_for(".show_history"), HTTPStatus.SEE_OTHER)


@studio.post("/jobs/<job_id>/delete")
def delete(job_id: str) -> ResponseReturnValue:
    queue().delete(own(job_id).id)
    return redirect(url_for(".show_history"), HTTPStatus.SEE_OTHER)
