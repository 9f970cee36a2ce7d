"""Shares, not luck: how often and how much a client may ask, by its API key or its address.

On this machine nothing is limited.
"""

import math
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import cast

from flask import Flask, Response, current_app, request
from flask.typing import RouteCallable
from flask_limiter import HeaderNames, Limiter
from limits import parse_many
from limits.errors import ConfigurationError
from werkzeug.exceptions import TooManyRequests

from jobs.database import Store
from settings import Settings, SettingsError
from web import asgi, client, owners, rates

MB = 1024**2
VISITOR_SHARE = 4  # a visitor may hold this part of an address's streams
SIGN_INS = "10 per minute; 50 per hour"  # guesses of a key
ASK_AGAIN = 3  # seconds
NOT_COUNTED = ("static", "bootstrap.static", "studio.healthz")  # by endpoint
HEADERS = {
    HeaderNames.LIMIT: "RateLimit-Limit",
    HeaderNames.REMAINING: "RateLimit-Remaining",
    HeaderNames.RESET: "RateLimit-Reset",
    HeaderNames.RETRY_AFTER: "Retry-After",
}


def register(app: Flask, settings: Settings) -> None:
    """Count requests, searches and uploads. Raises SettingsError where a limit or its storage cannot be used.

    To be called when the routes are there.
    """
    for name in ("rate_searches", "rate_upload_mb", "rate_requests"):
        _refuse_unreadable(name, getattr(settings, name))
    app.after_request(_count_down)
    app.extensions["streams"] = Shares(settings.max_streams)
    where, options = _counted_in(settings, app.extensions["jobs"].store)
    limiter = Limiter(
        key_func=client.holder,
        application_limits=[settings.rate_requests],
        headers_enabled=True,
        header_name_mapping=HEADERS,
        storage_uri=where,
        storage_options=cast(dict[str, str | int], options),  # which are handed on as they are
        in_memory_fallback_enabled=True,
    )
    limiter.request_filter(_is_free)
    try:
        limiter.init_app(app)
    except ConfigurationError as error:
        raise SettingsError(f"RATE_STORAGE={settings.rate_storage}: it cannot be used: {error}") from None
    searches = limiter.shared_limit(settings.rate_searches, "searches")
    uploads = limiter.shared_limit(settings.rate_upload_mb, "uploads", cost=_uploaded_mb)
    sign_ins = limiter.limit(SIGN_INS, key_func=client.network, methods=["POST"])
    limits = {
        "studio.search": (searches, uploads),
        "studio.again": (searches,),
        "studio.make_draft": (searches,),
        "studio.sign_in": (sign_ins,),
    }
    for endpoint, of_view in limits.items():
        for limit in of_view:
            app.view_functions[endpoint] = cast(RouteCallable, limit(app.view_functions[endpoint]))


def _counted_in(settings: Settings, store: Store) -> tuple[str, dict[str, object]]:
    """Where counts are kept, as the library names it, and what it needs for that."""
    if settings.rate_storage == "auto" and store.is_shared:
        return rates.DATABASE, {"engine": store.engine}
    return (rates.PROCESS if settings.rate_storage in ("auto", "memory://") else settings.rate_storage), {}


def _refuse_unreadable(name: str, given: str) -> None:
    try:
        parse_many(given)
    except ValueError:
        raise SettingsError(f"{name.upper()}={given}: give limits such as 20 per minute; 200 per hour") from None


def _is_free() -> bool:
    """On this machine nothing is counted, and no request twice: one that has waited comes a second time."""
    return not client.holder() or asgi.ended_job(request) is not None or request.endpoint in NOT_COUNTED


def _uploaded_mb() -> int:
    """What a form brings in whole megabytes; nothing for what has no files."""
    if request.mimetype != "multipart/form-data":
        return 0
    return math.ceil(asgi.body_size(request) / MB)


def _count_down(response: Response) -> Response:
    """Say in how many seconds the count begins anew, not at what time: clocks differ."""
    if reset := response.headers.get(HEADERS[HeaderNames.RESET], type=float):
        response.headers[HEADERS[HeaderNames.RESET]] = str(max(0, math.ceil(reset - time.time())))
    return response


class Shares:
    """How many streams and waiting requests each address holds, and each visitor; `limit` is for an address."""

    def __init__(self, limit: int):
        self._of_address, self._of_visitor = limit, max(1, limit // VISITOR_SHARE)
        self._held: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self, address: str, visitor: str) -> bool:
        """Take a place; False where there is none. Without an address, on this machine, there always is one."""
        if not address:
            return True
        with self._lock:
            if self._held[address] >= self._of_address or self._held[visitor] >= self._of_visitor:
                return False
            self._held.update({address, visitor})
        return True

    def give_back(self, address: str, visitor: str) -> None:
        if not address:
            return
        with self._lock:
            self._held.subtract({address, visitor})
            self._held += Counter()  # drops those who hold nothing


def hold_place() -> Callable[[], None]:
    """Take a place for a stream or a wait, and return what gives it back. Raises TooManyRequests where none is left."""
    shares: Shares = current_app.extensions["streams"]
    names = (client.holder(), owners.known_maker() or client.holder())
    if not shares.take(*names):
        reason = "You follow as many searches at once as is allowed. Ask for this one every few seconds instead."
        raise TooManyRequests(reason, retry_after=ASK_AGAIN)
    return lambda: shares.give_back(*names)
