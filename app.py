"""The web application: routes, the command line, and the factory that puts them together. Parse, call, render."""

import contextlib
import json
import logging
import os
import secrets
import signal
import sys
from http import HTTPStatus

import click
from flask import (
    Blueprint,
    Flask,
    abort,
    current_app,
    jsonify,
    redirect,
    render_template,
    request,
    send_from_directory,
    session,
    url_for,
)
from flask_bootstrap import Bootstrap5
from werkzeug.exceptions import HTTPException, ServiceUnavailable, UnprocessableEntity

import pipeline
import tiktok_videos
from asking import make_query, read_query
from jobs import BusyError, Jobs, query_of
from pools import Pools, open_pools
from settings import MUSIC_LONGEST, MUSIC_STEP, Settings, SettingsError, secret_key
from store import DONE, ENDED, Job
from tiktok_videos import drive
from tiktok_videos.tags import TagError

log = logging.getLogger(__name__)
studio = Blueprint("studio", __name__, cli_group=None)

SERVER_THREADS = 256  # each waits for a search, or feeds a stream of events, most of its time
LONGEST_NAME = 100  # characters
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
    )
    app.json.sort_keys = False
    app.json.ensure_ascii = False
    app.extensions["settings"] = settings
    app.extensions["pools"] = open_pools(settings)
    app.extensions["jobs"] = Jobs(settings, _runner(settings, app.extensions["pools"]))
    app.add_template_filter(lambda tag: "#" + "".join(tag.split()), "tagged")
    Bootstrap5(app)
    app.register_blueprint(studio)
    app.register_error_handler(HTTPException, _problem)
    app.register_error_handler(TagError, lambda error: _problem(UnprocessableEntity(str(error))))
    app.register_error_handler(BusyError, _busy)
    return app


def _runner(settings: Settings, pools: Pools):
    def run(query, search_id, folder, watch, show, made):
        return pipeline.search(query, search_id, folder, settings, pools, watch, show, made)

    return run


@studio.get("/")
def index():
    return _page()


@studio.post("/search")
def search():
    """Store a search and answer with its result when it is done; at once to a browser, and where asked (RFC 7240)."""
    job_id = _jobs().submit(read_query(request, _settings()), _visitor())
    if _wants_page():
        return redirect(url_for(".job", job_id=job_id), HTTPStatus.SEE_OTHER)
    if "respond-async" in [preference.strip() for preference in request.headers.get("Prefer", "").split(",")]:
        headers = {"Location": url_for(".job", job_id=job_id), "Preference-Applied": "respond-async"}
        return jsonify(_describe(_jobs().get(job_id))), HTTPStatus.ACCEPTED, headers
    done = _jobs().wait(job_id)
    if done.state == DONE:
        return jsonify(_result(done))
    return _stated(done.error or {"title": "Cancelled", "status": 409, "detail": "The search was called off."})


@studio.get("/jobs/<job_id>")
def job(job_id):
    found = _found(job_id)
    if not _wants_page():
        return jsonify(_describe(found))
    return render_template("job.html", job=found, result=_result(found), ended=found.state in ENDED)


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
    new_id = _jobs().again(_found(job_id), _visitor())
    return redirect(url_for(".job", job_id=new_id), HTTPStatus.SEE_OTHER)


@studio.post("/jobs/<job_id>/name")
def rename(job_id):
    if not _jobs().rename(job_id, _visitor(), request.form.get("name", "").strip()[:LONGEST_NAME] or None):
        abort(404, "This search is not in your history.")
    return redirect(url_for(".history"), HTTPStatus.SEE_OTHER)


@studio.post("/jobs/<job_id>/delete")
def delete(job_id):
    if not _jobs().delete(job_id, _visitor()):
        abort(404, "This search is not in your history.")
    return redirect(url_for(".history"), HTTPStatus.SEE_OTHER)


@studio.get("/history")
def history():
    found = _jobs().history(_visitor())
    if not _wants_page():
        return jsonify([{**_describe(one), "name": one.name, "created": one.created} for one in found])
    return render_template("history.html", searches=[(one, _result(one)) for one in found])


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


def _wants_page():
    """Whether the client is a browser: it prefers HTML to JSON."""
    accepted = request.accept_mimetypes
    return accepted["text/html"] > accepted["application/json"]


def _page(status=200, **values):
    categories, _ = tiktok_videos.categories(_settings())
    lengths = range(MUSIC_STEP, MUSIC_LONGEST + 1, MUSIC_STEP)
    return render_template(
        "index.html", categories=categories, asked=request.form, music_lengths=lengths, **values
    ), status


def _problem(error: HTTPException, **more):
    """Answer with an RFC 9457 problem, or with the page where a browser asks."""
    if error.response is not None:  # a redirect
        return error
    response = _stated(
        {"title": HTTPStatus(error.code).phrase, "status": error.code, "detail": error.description, **more}
    )
    for name, value in error.get_headers(request.environ):
        if name != "Content-Type":
            response.headers[name] = value
    return response


def _stated(problem):
    problem = {"type": "about:blank", **problem}
    if _wants_page():
        return current_app.make_response(_page(problem["status"], problem=problem))
    response = jsonify(problem)
    response.status_code, response.mimetype = problem["status"], "application/problem+json"
    return response


def _busy(error):
    return _problem(ServiceUnavailable(str(error), retry_after=error.retry_after), retry_after=error.retry_after)


@studio.cli.command("search", short_help="Search in the terminal; the result is printed as JSON.")
@click.argument("tags", nargs=-1, required=True)
@click.option("--seconds", type=int, help="Length of the music: a multiple of 5, at most 60.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed, another music and picture.")
@click.option("--language", default="en-US", show_default=True, help="The language spoken in the videos.")
def search_command(tags, seconds, seed, language):
    """Search TAGS: read their videos, print summary, tags, ideas, and where the music and the picture are, as JSON."""
    settings, search_id = _settings(), secrets.token_hex(16)
    folder = settings.generated_dir / search_id
    try:
        query = make_query(settings, tags, seconds, seed, language)
        with _progress_bar() as watch:
            result = pipeline.search(query, search_id, folder, settings, current_app.extensions["pools"], watch)
    except tiktok_videos.UnknownTagsError as error:
        known = f" Known tags: {', '.join(error.known)}." if error.known else ""
        raise click.ClickException(f"{error}{known}") from None
    except (TagError, HTTPException) as error:
        raise click.ClickException(getattr(error, "description", str(error))) from None
    click.echo(json.dumps(result, ensure_ascii=False, indent=2))


@contextlib.contextmanager
def _progress_bar():
    """A progress bar on standard error, and the function that moves it."""
    parts = len(pipeline.STAGES)
    with click.progressbar(length=parts * 100, file=sys.stderr, item_show_func=lambda what: what) as bar:

        def watch(stage, done, total, what):
            reached = int((pipeline.STAGES.index(stage) + done / max(total, 1)) * 100)
            bar.update(max(reached - bar.pos, 0), what[:60])

        yield watch
        bar.update(parts * 100 - bar.pos, "Done")


@studio.cli.command("prune")
def prune_command():
    """Remove searches older than KEEP_DAYS, then the oldest until MAX_STORAGE_MB hold."""
    click.echo(f"Removed {_jobs().prune()} searches.")


def serve():
    """Serve the studio from one process with threads, until it is told to stop."""
    import waitress

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        settings = Settings.read()
        app = create_app(settings)
        server = waitress.create_server(
            app, host=settings.host, port=settings.port, threads=SERVER_THREADS, connection_limit=2 * SERVER_THREADS
        )
    except SettingsError as error:
        sys.exit(f"A setting cannot be used. {error}")
    except OSError as error:
        sys.exit(f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}. Set PORT to another number.")
    jobs = app.extensions["jobs"]

    def stop(*_):
        jobs.stop()
        raise SystemExit

    signal.signal(signal.SIGTERM, stop)
    jobs.start()
    print(f"TrendTok Studio is ready: open http://{settings.host}:{settings.port} (Ctrl+C stops it)", flush=True)
    server.run()
    jobs.close()
    os._exit(0)  # a stage between two safe points must not hold the process; its search goes on at the next start


if __name__ == "__main__":
    serve()
