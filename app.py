"""The web application: routes, the command line, and the factory that puts them together. Parse, call, render."""

import json
import logging
import os
import secrets
import signal
import sys
import tempfile
import threading
import time
from http import HTTPStatus

from flask import (
    Blueprint,
    Flask,
    abort,
    current_app,
    jsonify,
    redirect,
    render_template,
    request,
    send_file,
    send_from_directory,
    session,
    url_for,
)
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect

import assets
import history
import logs
import metrics
import pipeline
import problems
import retention
import takeaway
import tiktok_videos
from asking import MOST_UPLOADS, read_query
from commands import commands
from history import query_of
from jobs import SEEDED, BusyError, Jobs
from pools import Pools, open_pools
from problems import wants_page
from settings import MUSIC_LONGEST, MUSIC_STEP, ROOT, Settings, SettingsError, secret_key
from store import DONE, ENDED, Job
from tiktok_videos import drive

log = logging.getLogger(__name__)
studio = Blueprint("studio", __name__, cli_group=None)

SERVER_THREADS = 256  # each waits for a search, or feeds a stream of events, most of its time
LONGEST_NAME = 100  # characters
POLICY = (
    "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)
LAST_WORDS = 0.5  # seconds for the last answers to leave
HEARTBEAT = ": still here\n\n"  # a comment, which keeps proxies from closing a quiet stream


def create_app(settings: Settings | None = None) -> Flask:
    """Build the application. Raises SettingsError when the environment cannot be used.

    Searches wait in the queue until `app.extensions["jobs"].start()`.
    """
    settings = settings or Settings.read()
    drive.folders(settings)
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=secret_key(settings),
        MAX_CONTENT_LENGTH=settings.max_body_mb * 1024**2,
        BOOTSTRAP_SERVE_LOCAL=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_CHECK_DEFAULT=False,  # see _refuse_forged_forms
        WTF_CSRF_TIME_LIMIT=None,
    )
    app.json.sort_keys = False
    app.json.ensure_ascii = False
    app.extensions["settings"] = settings
    app.extensions["pools"] = open_pools(settings)
    app.extensions["jobs"] = Jobs(settings, _runner(settings, app.extensions["pools"]))
    app.add_template_filter(lambda tag: "#" + "".join(tag.split()), "tagged")
    Bootstrap5(app)
    assets.register(app)
    app.register_blueprint(studio)
    app.register_blueprint(commands)
    problems.register(app, _page)
    CSRFProtect(app)
    return app


def _runner(settings: Settings, pools: Pools):
    def run(query, search_id, folder, watch, show, made):
        return pipeline.search(query, search_id, folder, settings, pools, watch, show, made)

    return run


@studio.before_request
def _limit_size():
    """Only a form with files may be large."""
    settings = _settings()
    if request.method == "POST" and request.endpoint == "studio.search" and request.mimetype == "multipart/form-data":
        request.max_content_length = (MOST_UPLOADS * settings.max_video_mb + settings.max_body_mb) * 1024**2


@studio.before_request
def _refuse_forged_forms():
    """Forms from a browser that has a session carry its token. JSON needs none: no other site's page can send it."""
    is_form = request.mimetype in ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain", "")
    from_browser = wants_page() or "Sec-Fetch-Site" in request.headers
    if request.method == "POST" and "visitor" in session and is_form and from_browser:
        current_app.extensions["csrf"].protect()


@studio.after_app_request
def _protect(response):
    """Let a page load nothing from elsewhere and run no inline code; let no file be taken for another kind."""
    response.headers.setdefault("Content-Security-Policy", POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    return response


@studio.get("/")
def index():
    return _page()


@studio.post("/search")
def search():
    """Store a search and answer with its result when it is done; at once to a browser, and where asked (RFC 7240)."""
    query = read_query(request, _settings())
    try:
        job_id = _jobs().submit(query, _visitor())
    except BusyError:
        history.forget_uploads((key for key, _ in query.uploads), _jobs().store, _settings())
        raise
    if wants_page():
        return redirect(url_for(".job", job_id=job_id), HTTPStatus.SEE_OTHER)
    if "respond-async" in [preference.strip() for preference in request.headers.get("Prefer", "").split(",")]:
        headers = {"Location": url_for(".job", job_id=job_id), "Preference-Applied": "respond-async"}
        return jsonify(_describe(_jobs().get(job_id))), HTTPStatus.ACCEPTED, headers
    ended = _jobs().wait(job_id)
    if ended and ended.state == DONE:
        return jsonify(_result(ended))
    if ended and ended.state not in ENDED:
        address = url_for(".job", job_id=job_id)
        abort(503, f"The studio is restarting. The search goes on then; ask for its result at {address}.")
    called_off = {"title": "Cancelled", "status": 409, "detail": "The search was called off."}
    return problems.stated((ended and ended.error) or called_off)


@studio.get("/jobs/<job_id>")
def job(job_id):
    found = _found(job_id)
    if not wants_page():
        return jsonify(_describe(found))
    values = {"job": found, "result": _result(found), "ended": found.state in ENDED}
    if found.error and "known_tags" in found.error:
        asked = found.query | {"tags": ", ".join(found.query["tags"])}
        values |= _asking(asked, found.error) | {"known_tags": found.error["known_tags"]}
    return render_template("job.html", **values)


@studio.get("/jobs/<job_id>/thumbnail.jpg")
def thumbnail(job_id):
    try:
        picture = assets.thumbnail(_settings().generated_dir / _found(job_id).id / "image.png")
    except OSError:
        abort(404, "This search has no cover.")
    return send_file(picture, "image/jpeg", max_age=assets.THUMBNAIL_AGE)


@studio.get("/jobs/<job_id>/events")
def events(job_id):
    """Server-sent events from the one after `Last-Event-ID`; the stream ends with the job."""
    _found(job_id)
    last = request.headers.get("Last-Event-ID", "0")
    return current_app.response_class(
        _event_stream(_jobs(), job_id, int(last) if last.isascii() and last.isdigit() else 0),
        mimetype="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _event_stream(jobs, job_id, after):
    yield "retry: 1000\n\n"
    for event in jobs.events(job_id, after):
        if event is None:
            yield HEARTBEAT
        else:
            number, data = event
            yield f"id: {number}\ndata: {json.dumps(data)}\n\n"


@studio.delete("/jobs/<job_id>")
def cancel(job_id):
    _found(job_id)
    _jobs().cancel(job_id)
    return jsonify(_describe(_jobs().get(job_id)))


@studio.post("/jobs/<job_id>/cancel")
def cancel_by_form(job_id):
    _found(job_id)
    _jobs().cancel(job_id)
    return redirect(url_for(".job", job_id=job_id), HTTPStatus.SEE_OTHER)


@studio.post("/jobs/<job_id>/again")
def again(job_id):
    """Search the same with another seed; what the seed does not touch is taken over."""
    only = request.form.get("only")
    if only not in (None, *SEEDED):
        abort(422, f"only must be one of {', '.join(SEEDED)}.")
    new_id = _jobs().again(_found(job_id), _visitor(), (only,) if only else SEEDED)
    return redirect(url_for(".job", job_id=new_id), HTTPStatus.SEE_OTHER)


@studio.post("/jobs/<job_id>/name")
def rename(job_id):
    name = request.form.get("name", "").strip()[:LONGEST_NAME] or None
    history.rename(_own(job_id).id, name, _jobs().store)
    return redirect(url_for(".show_history"), HTTPStatus.SEE_OTHER)


@studio.post("/jobs/<job_id>/delete")
def delete(job_id):
    _jobs().delete(_own(job_id).id)
    return redirect(url_for(".show_history"), HTTPStatus.SEE_OTHER)


@studio.get("/jobs/<job_id>/everything.zip")
def everything(job_id):
    file = takeaway.bundle(_result(_found(job_id)), _settings().generated_dir / job_id)
    return send_file(file, "application/zip", as_attachment=True, download_name=f"trendtok-{job_id[:8]}.zip")


@studio.get("/jobs/<job_id>/captions/<int:number>.vtt")
def captions(job_id, number):
    videos = _result(_found(job_id))["videos"]
    if not 0 < number <= len(videos) or not videos[number - 1]["phrases"]:
        abort(404, "This video has no captions.")
    return current_app.response_class(takeaway.webvtt(videos[number - 1]["phrases"]), mimetype="text/vtt")


@studio.get("/history")
def show_history():
    found = history.of_visitor(_visitor(), _jobs().store)
    if not wants_page():
        return jsonify([{**_describe(one), "name": one.name, "created": one.created} for one in found])
    tag = request.args.get("tag", "").strip()
    searches = [(one, _result(one)) for one in found if history.bears(one, tag)]
    return render_template("history.html", searches=searches, tag=tag, keep_days=_settings().keep_days)


@studio.get("/clips/<source>/<path:key>")
def clip(source, key):
    path = tiktok_videos.stored(source, key, _settings())
    if path is None:
        abort(404, "There is no such video.")
    return send_from_directory(path.parent, path.name, conditional=True)


@studio.get("/static/generated/<search_id>/<name>")
def generated(search_id, name):
    return send_from_directory(_settings().generated_dir, f"{search_id}/{name}", conditional=True)


@studio.get("/healthz")
def healthz():
    stopping = _jobs().stopping()
    status = HTTPStatus.SERVICE_UNAVAILABLE if stopping else HTTPStatus.OK
    return jsonify(status="stopping" if stopping else "ok", engines=pipeline.engine_states(_settings())), status


@studio.get("/openapi.json")
def openapi():
    return send_from_directory(ROOT, "openapi.json")


@studio.get("/metrics")
def show_metrics():
    text, media_type = metrics.page(*_jobs().load())
    return current_app.response_class(text, content_type=media_type)


def _settings() -> Settings:
    return current_app.extensions["settings"]


def _jobs() -> Jobs:
    return current_app.extensions["jobs"]


def _visitor():
    """The id that the visitor's session holds; a program without cookies is a new visitor each time."""
    session.permanent = True
    return session.setdefault("visitor", secrets.token_hex(16))


def _found(job_id) -> Job:
    return _jobs().get(job_id) or abort(404, "There is no such search. It may have been deleted.")


def _own(job_id) -> Job:
    """The visitor's own search with this id."""
    found = _found(job_id)
    return found if found.visitor == _visitor() else abort(404, "This search is not in your history.")


def _result(found):
    return pipeline.assemble(query_of(found), found.id, found.made)


def _describe(found):
    """A job as `GET /jobs/<id>` gives it; until it is done, `result` is what there is so far."""
    return {
        "id": found.id,
        "state": found.state,
        "stage": found.stage,
        "progress": found.progress,
        "result": _result(found) if found.made else None,
        "error": found.error,
    }


def _page(status=200, problem=None):
    """The front page; for a problem that is not with what was asked, a page of its own."""
    if problem and (request.endpoint != "studio.search" or status == HTTPStatus.INTERNAL_SERVER_ERROR):
        return render_template("error.html", problem=problem), status
    too_large = status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE  # then the form cannot be read
    asked = {} if too_large else request.form.to_dict() | {"tags": ", ".join(request.form.getlist("tags"))}
    return render_template("index.html", **_asking(asked, problem)), status


def _asking(asked, problem):
    """What the form that asks for a search shows: what was asked before, and what is wrong with it in which field."""
    settings = _settings()
    shelves, _ = tiktok_videos.categories(settings)
    return {
        "asked": asked,
        "problem": problem,
        "wrong": problem and problems.field(problem),
        "shelves": [(shelf, tiktok_videos.count(shelf, settings)) for shelf in shelves],
        "known_tags": [tag for shelf in shelves for tag in shelf.tags],
        "music_lengths": range(MUSIC_STEP, MUSIC_LONGEST + 1, MUSIC_STEP),
        "music_seconds": settings.music_seconds,
        "most_uploads": MOST_UPLOADS,
        "max_video_mb": settings.max_video_mb,
    }


def serve():
    """Serve the studio from one process with threads, until it is told to stop."""
    import waitress

    try:
        settings = Settings.read()
        logs.start(settings)
        app = create_app(settings)
        server = waitress.create_server(
            app, host=settings.host, port=settings.port, threads=SERVER_THREADS, connection_limit=2 * SERVER_THREADS
        )
        jobs = app.extensions["jobs"]
        tempfile.tempdir = str(retention.temporary_folder(settings))
        jobs.start()
    except SettingsError as error:
        sys.exit(f"A setting cannot be used. {error}")
    except OSError as error:
        sys.exit(f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}. Set PORT to another number.")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=_leave, args=[jobs], daemon=True).start())
    threading.Thread(target=pipeline.warm, args=[settings], name="warm-up", daemon=True).start()
    print(f"TrendTok Studio is ready: open http://{settings.host}:{settings.port} (Ctrl+C stops it)", flush=True)
    server.run()


def _leave(jobs):
    """End the process within 10 s. Until the searches have reached a safe point, requests are still answered."""
    jobs.close(seconds=6)
    time.sleep(LAST_WORDS)
    logging.shutdown()
    os._exit(0)  # a stage between two safe points must not hold the process; its search goes on at the next start


if __name__ == "__main__":
    serve()
