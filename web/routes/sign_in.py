"""Signing in and out with an API key, for browsers."""

from http import HTTPStatus

from flask import redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from jobs import keys
from web.routes.blueprint import queue, studio


@studio.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    """The page that asks for a key; with a valid one, the session is signed in until it is revoked."""
    if request.method == "GET":
        return render_template("sign_in.html", wrong=False)
    key_id = keys.find(request.form.get("key", "").strip(), queue().store)
    if key_id is None:
        return render_template("sign_in.html", wrong=True), HTTPStatus.FORBIDDEN
    session.clear()  # what was known before says nothing of who signs in now
    session["key"] = key_id
    return redirect(url_for(".index"), HTTPStatus.SEE_OTHER)


@studio.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    session.clear()
    return redirect(url_for(".sign_in"), HTTPStatus.SEE_OTHER)
