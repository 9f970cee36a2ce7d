"""Calls of other people's services over HTTP: each ends in time, within a size, or when the search is called off.

`requests` bounds a single read, not a call: a server that sends a byte a second is never late, and nothing in between
asks whether the answer is still wanted. So every request runs in a thread of its own, over connections that another
thread can cut, while the caller's thread looks at the clock and calls `check` four times a second:

    VOICE = Service("The voice service", address="VOICE_API_URL", key="VOICE_API_KEY")

    with Client(VOICE, settings.service_timeout, check=lambda: report(0, 1, "speaking")) as client:
        answer = client.request("POST", url, json={...}, token=settings.voice_api_key, max_bytes=20 * MB)
    voices = parse(VOICE, Voices, answer.body)  # Voices is a pydantic model

What a client of a service gets for it:

- a deadline for the whole call: look-up of the address, connection, TLS, head, body, redirects, pauses and retries;
- `check`, which may raise `core.engines.Cancelled`: the connection is then cut, and the error goes through;
- at most `max_bytes` of body in memory, never unpacked from a compressed form that was not asked for;
- `connect_timeout` for the look-up of the address and the connection, so that no network costs a moment only;
- a new attempt after what may pass (no connection, a reset, 429, 5xx), after a pause with full jitter or as long as
  `Retry-After` says, but none that could not end before the deadline;
- the key goes to the origin that was asked, and nowhere else: a redirect is an error unless `follow` is set, and then
  it is followed without the key; ~/.netrc is not looked at; addresses and keys are neither logged nor part of an error;
- one sentence a failure, which says who failed and which setting to look at.

Proxies are those of the environment (HTTPS_PROXY, NO_PROXY). Trusted are the certificates of REQUESTS_CA_BUNDLE, else
of SSL_CERT_FILE, else of certifi.
"""

import logging
import re
import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import requests
import tenacity
import urllib3

from core.connections import CuttableSession
from core.services import (
    MB,
    Answer,
    CallError,
    Service,
    TooLate,
    TooLong,
    failure_of,
    nonsense,
    parse,
    refusal_of,
    too_late,
)
from core.waiting import TICK

__all__ = ["MB", "Answer", "CallError", "Client", "Service", "TooLate", "nonsense", "parse", "too_late"]

MAX_ANSWER = 2 * MB  # bytes
MAX_REFUSAL = 64 * 1024  # bytes of an error's body that are looked at
MAX_REDIRECTS = 5
CONNECT_TIMEOUT = 5.0  # seconds
FAREWELL = 0.5  # seconds that a request which was cut off gets to end; one that looks up an address cannot be cut
ATTEMPTS = 4
# "Full jitter": https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
JITTER = tenacity.wait_random_exponential(multiplier=0.5, max=8)  # seconds

# Below this it logs addresses, and Google's speech service takes its key in the address.
logging.getLogger("urllib3").setLevel(logging.ERROR)

NETWORK = (requests.RequestException, urllib3.exceptions.HTTPError, OSError, TooLong)  # what a request may raise


class Client:
    """Asks one service, from one thread at a time; connections are kept for the next request. `with` closes it.

    `timeout` is the default of a call's deadline in seconds, and the number that a late answer's error names.
    """

    def __init__(
        self,
        service: Service,
        timeout: float,
        check: Callable[[], None] = lambda: None,
        *,
        connect_timeout: float = CONNECT_TIMEOUT,
        attempts: int = ATTEMPTS,
    ) -> None:
        self.service, self.timeout, self.check = service, timeout, check
        self._connect_timeout, self._attempts = connect_timeout, attempts
        self._session = CuttableSession()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        self._session.adapter.cut()
        self._session.close()

    def request(
        self,
        method: str,
        url: str,
        *,
        deadline: float | None = None,
        max_bytes: int = MAX_ANSWER,
        token: str = "",
        accept: Collection[int] = (),
        follow: bool = False,
        **content: Any,
    ) -> Answer:
        """Return the answer to a request, if its status is one of 200 to 299 or in `accept`.

        `deadline` is by time.monotonic, `timeout` from now unless given. `token` goes out as `Authorization: Bearer`.
        `content` holds `json`, `data` and `headers` as in requests; headers go along to where `follow` follows the
        redirects of a GET, so no key belongs there. Raises CallError, and what `check` raises.
        """
        if not re.fullmatch(r"[ -~]*", token):
            raise CallError(f"{self.service.key} holds characters that no key has; copy it again.")
        deadline = time.monotonic() + self.timeout if deadline is None else deadline
        call = _Call(method, url, max_bytes, token, follow and method == "GET", content)
        failures: list[CallError] = []
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: isinstance(error, CallError) and error.is_passing),
            wait=lambda state: max(JITTER(state), _error_of(state).retry_after),
            # A service that asks for more patience than there is left is not waited for at all.
            stop=lambda state: (
                state.attempt_number >= self._attempts or time.monotonic() + state.upcoming_sleep >= deadline
            ),
            before_sleep=lambda state: failures.append(_error_of(state)),
            sleep=self._pause,
            reraise=True,
        )
        try:
            return retrying(self._attempt, call, deadline, accept)
        except TooLate as late:
            error: CallError = late
        # An attempt begun in the last moment says less than why it was needed.
        raise failures[-1] if failures else error

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.check()
            time.sleep(min(left, TICK))

    def _attempt(self, call: "_Call", deadline: float, accept: Collection[int]) -> Answer:
        try:
            outcome = self._watch(call, deadline)
        except BaseException:
            self._begin_anew()
            raise
        if isinstance(outcome, BaseException):
            self._begin_anew()
            # What it comes from leads to the address and the key, so it is no cause of this one.
            raise failure_of(self.service, outcome, self.timeout) if isinstance(outcome, NETWORK) else outcome
        if 200 <= outcome.status < 300 or outcome.status in accept:
            return outcome
        raise refusal_of(self.service, outcome)

    def _watch(self, call: "_Call", deadline: float) -> Answer | BaseException:
        """Run a request in a thread of its own; cut it off at the deadline or when `check` raises.

        Returns what the request raises, so that it is not mistaken for what `check` raises.
        """
        if deadline <= time.monotonic():
            return TimeoutError()
        adapter, future = self._session.adapter, Future[Answer]()
        arguments = (future, call, self._session, deadline - time.monotonic() + 1)  # the watch comes first
        thread = threading.Thread(target=_run, args=arguments, name="http", daemon=True)
        thread.start()
        try:
            while not wait([future], min(TICK, max(deadline - time.monotonic(), 0))).done:
                now = time.monotonic()
                if now >= deadline:
                    return TimeoutError()
                if now >= adapter.connecting_since + self._connect_timeout:
                    return requests.ConnectTimeout()
                self.check()
            return future.exception() or future.result()
        finally:
            if not future.done():
                adapter.cut()
            thread.join(FAREWELL)

    def _begin_anew(self) -> None:
        """Take connections of which nothing is known."""
        self.close()
        self._session = CuttableSession()


@dataclass(frozen=True, repr=False)
class _Call:
    method: str
    url: str
    max_bytes: int
    token: str
    follow: bool
    content: Mapping[str, Any]

    def send(self, session: requests.Session, timeout: float) -> Answer:
        url = self.url
        for _ in range(MAX_REDIRECTS):
            answer = self._send(session, url, timeout)
            place = urljoin(url, answer.headers.get("Location", url))
            if not self.follow or not 300 <= answer.status < 400 or place == url:
                break
            if not place.startswith(("https://", url[: url.index(":") + 3])):
                break  # to another scheme, or from a secure connection to an open one
            url = place
        return answer

    def _send(self, session: requests.Session, url: str, timeout: float) -> Answer:
        content = dict(self.content)
        content["headers"] = {**content.get("headers", {}), "Accept-Encoding": "identity"}
        token = self.token if urlsplit(url)[:2] == urlsplit(self.url)[:2] else ""
        with session.request(
            self.method, url, auth=_bearer(token), timeout=timeout, allow_redirects=False, stream=True, **content
        ) as response:
            return Answer(response.status_code, response.headers, self._read(response))

    def _read(self, response: requests.Response) -> bytes:
        body = bytearray()
        for chunk in response.iter_content(16 * 1024):
            body += chunk
            if response.status_code >= 300 and len(body) > MAX_REFUSAL:
                break
            if len(body) > self.max_bytes:
                raise TooLong(self.max_bytes)
        return bytes(body)


def _error_of(state: tenacity.RetryCallState) -> CallError:
    """What an attempt that is to be made again ended with."""
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, CallError)  # noqa: S101 - for the type checker
    return error


def _run(future: "Future[Answer]", call: _Call, session: requests.Session, timeout: float) -> None:
    try:
        future.set_result(call.send(session, timeout))
    except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that waits for it
        future.set_exception(error)


def _bearer(token: str) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
    """Authentication for requests. Given even without a token, as requests would otherwise look into ~/.netrc."""

    def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.pop("Authorization", None)
        if token:
            request.headers["Authorization"] = f"Bearer {token}"
        return request

    return sign
