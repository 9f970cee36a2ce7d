"""The studio: one Flask process. `python app.py` serves it."""

import faulthandler
import logging
import os
import signal
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, cast

import uvicorn
from flask import Flask
from flask.json.provider import DefaultJSONProvider
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from core import logs, memory
from core.executors import open_pools
from jobs import retention
from jobs.queue import Jobs
from settings import Settings, SettingsError, secret_key
from tiktok_videos import drive
from web import asgi, assets, cli, errors, limits, routes, server, sessions, streams

log = logging.getLogger(__name__)

PAGE_THREADS = 4  # in which pages are made; waiting takes none. More would only share Python out among more of them
WEB_THREADS = 8  # for what may take longer: what is sent here, and ZIP files
FOLLOWING_THREADS = 2  # apart: when a search ends, hundreds may ask for the next one at once, and pages go first
FIRST_PAGE = 0.5  # seconds after the start for a page to be asked for and sent
LAST_MOMENT = 9.0  # seconds after which the process ends, whatever goes on
SAFE_POINT = 6.0  # seconds for running searches to reach a safe point when the process ends


class JSON(DefaultJSONProvider):
    """Answers keep their order and their letters."""

    sort_keys = False
    ensure_ascii = False


def create_app(settings: Settings | None = None) -> Flask:
    """Build the application. Raises SettingsError when the environment cannot be used.

    Searches wait in the queue until `app.extensions["jobs"].start()`.
    """
    settings = settings or Settings.read()
    drive.folders(settings)
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=secret_key(settings),
        BOOTSTRAP_SERVE_LOCAL=True,
        WTF_CSRF_CHECK_DEFAULT=False,  # see web.routes.guards
        WTF_CSRF_TIME_LIMIT=None,
    )
    app.json = JSON(app)
    app.extensions["settings"] = settings
    app.extensions["pools"] = open_pools(settings)
    app.extensions["jobs"] = Jobs(settings, app.extensions["pools"])
    app.session_interface = sessions.VisitorSessions()
    routes.register_first(app)
    Bootstrap5(app)
    assets.register(app)
    app.register_blueprint(routes.studio)
    app.register_blueprint(cli.commands)
    errors.register(app, routes.render_front_page)
    limits.register(app, settings)
    CSRFProtect(app)
    return app


def serve() -> None:
    """Serve the studio from one process, until it is told to stop."""
    memory.share_arenas()
    try:
        settings = Settings.read()
        logs.start(settings)
        app = create_app(settings)
        listening = server.listen(settings.host, settings.port)
        jobs = app.extensions["jobs"]
        tempfile.tempdir = str(retention.temporary_folder(settings))
        jobs.start()
    except SettingsError as error:
        sys.exit(f"A setting cannot be used. {error}")
    except OSError as error:
        if error.filename:  # what cannot be written, and not the address
            sys.exit(f"{error.filename} cannot be written: {error.strerror}. Set DATA_DIR to a folder of your own.")
        sys.exit(f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}. Set PORT to another number.")
    stop, told_to = threading.Event(), SimpleQueue[int]()
    for number in (signal.SIGTERM, signal.SIGINT):
        # Not `stop.set`: a second signal, which comes where a terminal or `make` sends both, would find its lock taken.
        signal.signal(number, lambda number, _frame: told_to.put(number))
    serving = server.open_server(gateway(app, settings), settings.trusted_proxies)
    threading.Thread(target=serving.run, args=[server.handles(listening)], name="server", daemon=True).start()
    app.extensions["pools"].start()
    threading.Thread(target=_warm_up, args=[settings, stop], name="warm-up", daemon=True).start()
    print(f"TrendTok Studio is ready: open http://{settings.host}:{settings.port} (Ctrl+C stops it)", flush=True)
    _wait_for(told_to)
    stop.set()
    _leave(jobs, serving)


def gateway(app: Flask, settings: Settings) -> Any:
    """The application as the server calls it; what trusted proxies say of who asks is believed."""

    def max_body(scope: asgi.Scope) -> int:
        media_type = dict(scope["headers"]).get(b"content-type", b"").decode("latin1")
        return routes.max_body(scope["method"], scope["path"], media_type, settings)

    pages = ThreadPoolExecutor(PAGE_THREADS, thread_name_prefix="page")
    web = ThreadPoolExecutor(WEB_THREADS, thread_name_prefix="web")
    following = ThreadPoolExecutor(FOLLOWING_THREADS, thread_name_prefix="following")

    def threads(scope: asgi.Scope) -> ThreadPoolExecutor:
        if routes.is_stream(scope["path"]):
            return following
        return pages if routes.is_quick(scope["method"], scope["path"]) else web

    followers = streams.Streams(app.extensions["jobs"].followers, following)
    served = asgi.Gateway(app, followers, max_body, threads)
    return ProxyHeadersMiddleware(cast(Any, served), list(settings.trusted_proxies))


def _warm_up(settings: Settings, stop: threading.Event) -> None:
    """Load what the first search needs; where that fails, the search tries again and says so itself.

    The first page goes first: importing keeps a processor, and all that is Python, busy for seconds.
    """
    if stop.wait(FIRST_PAGE):
        return
    try:
        import summariser
        from pipeline import health

        if settings.dask_scheduler:  # workers warm themselves
            summariser.warm()
        else:
            health.warm(settings)
    except Exception as error:  # noqa: BLE001 whatever it is, nobody waits for this
        log.warning("what the first search needs could not be loaded yet: %s", error)


def _wait_for(told_to: "SimpleQueue[int]") -> None:
    """Wait for a signal. A look each second finds one that came in the moment before a wait, which it does not end."""
    while True:
        with suppress(Empty):
            told_to.get(timeout=1.0)
            return


def _leave(jobs: Jobs, serving: uvicorn.Server) -> None:
    """End the process within 10 s. Until the searches have reached a safe point, requests are still answered."""
    faulthandler.dump_traceback_later(LAST_MOMENT, exit=True)  # whatever holds it: it says what that was
    jobs.close(seconds=SAFE_POINT)
    serving.should_exit = True
    deadline = time.monotonic() + server.LAST_ANSWERS
    while serving.server_state.tasks and time.monotonic() < deadline:
        time.sleep(0.05)
    logging.shutdown()
    os._exit(0)  # a stage between two safe points must not hold the process; its search goes on at the next start


if __name__ == "__main__":
    serve()
