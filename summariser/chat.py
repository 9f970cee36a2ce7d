"""One call of an OpenAI-compatible chat service: messages in, the model's text out, within a time limit."""

import json
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from urllib.parse import urlsplit

import requests
import tenacity
from requests.adapters import HTTPAdapter
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

import engines
from settings import Settings

ATTEMPTS = 4
CONNECT_TIMEOUT = 5.0  # seconds
LONGEST_ANSWER = 2 * 1024 * 1024  # bytes
LOOK_UP = 0.5  # seconds between two looks at the clock and at whether the search was called off
FAREWELL = 1.0  # seconds that a call which was cut off gets to close its connection
JITTER = tenacity.wait_random_exponential(multiplier=0.5, max=8)  # seconds


class _NotAccepted(engines.EngineError):
    """The service did not take the request as it was put."""


class _TooSlow(engines.EngineError):
    """The time was up before the answer was there."""


class _Passing(engines.EngineError):
    """A failure that may be over in a moment; the service may have said in how many seconds."""

    retry_after = 0.0


def ask(
    messages: Sequence[Mapping[str, str]],
    settings: Settings,
    still_wanted: Callable[[], None],
    wishes: Mapping[str, object],
) -> str:
    """Return what `LLAMA_MODEL` at `LLAMA_API_URL` answers to `messages` (`role` and `content`), never empty.

    `wishes` are optional fields of the request (`response_format`, `max_tokens`); a service that answers 400 or 422 to
    them is asked once more without. `still_wanted` is called some times a second and may raise engines.Cancelled. All
    of it, retries included, takes at most `SERVICE_TIMEOUT` seconds. Raises engines.EngineError.

    Interface: https://platform.openai.com/docs/api-reference/chat/create
    Waiting between attempts: "full jitter", https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    if not (settings.llama_api_key.isascii() and settings.llama_api_key.isprintable()):
        raise engines.EngineError("LLAMA_API_KEY holds characters that no key has; copy it again.")
    deadline = time.monotonic() + settings.service_timeout
    plain = {"model": settings.llama_model, "messages": list(messages)}
    try:
        answer = _retry({**plain, **wishes}, settings, deadline, still_wanted)
    except _NotAccepted:
        answer = _retry(plain, settings, deadline, still_wanted)
    return _text(answer, settings)


def _retry(body, settings, deadline, still_wanted):
    failures = []

    def pause(seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            still_wanted()
            time.sleep(min(left, LOOK_UP))

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(_Passing),
        wait=lambda state: max(JITTER(state), state.outcome.exception().retry_after),
        # A service that asks for more patience than there is left is not waited for at all.
        stop=lambda state: state.attempt_number >= ATTEMPTS or time.monotonic() + state.upcoming_sleep >= deadline,
        before_sleep=lambda state: failures.append(state.outcome.exception()),
        sleep=pause,
        reraise=True,
    )
    try:
        return retrying(_attempt, body, settings, deadline, still_wanted)
    except _TooSlow as late:
        # An attempt begun in the last moment says less than why it was needed.
        raise failures[-1] if failures else late from None


def _attempt(body, settings, deadline, still_wanted):
    """Make one request; return the bytes of a successful answer."""
    host = _host(settings)
    adapter = _Cuttable()
    try:
        status, retry_after, answer = _watch(
            lambda: _post(body, settings, deadline, adapter), deadline, adapter.cut, still_wanted
        )
    except requests.exceptions.SSLError:
        raise engines.EngineError(f"{host} has no certificate that can be trusted; check LLAMA_API_URL.") from None
    except (requests.Timeout, TimeoutError):
        raise _too_slow(settings) from None
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
        if time.monotonic() >= deadline:
            raise _too_slow(settings) from None
        what = "broke off its answer" if adapter.connected else "cannot be reached; check LLAMA_API_URL and the network"
        raise _Passing(f"{host} {what}.") from None
    except requests.RequestException:
        raise engines.EngineError(f"{host} cannot be asked; check LLAMA_API_URL and the proxy settings.") from None
    if status == 200:
        return answer
    raise _refusal(status, retry_after, settings)


def _post(body, settings, deadline, adapter):
    left = max(deadline - time.monotonic(), 0.01)
    with requests.Session() as session:
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        response = session.post(
            settings.llama_api_url.rstrip("/") + "/chat/completions",
            json=body,
            auth=_bearer(settings.llama_api_key),
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            timeout=(min(CONNECT_TIMEOUT, left), left),
            allow_redirects=False,  # the key and the clips' words go to the address that was set, and nowhere else
            stream=True,
        )
        with response:
            answer = _read(response, settings) if response.status_code == 200 else b""
            return response.status_code, _retry_after(response), answer


def _read(response, settings):
    answer = bytearray()
    for chunk in response.iter_content(16 * 1024):
        answer += chunk
        if len(answer) > LONGEST_ANSWER:
            size = f"more than {LONGEST_ANSWER // 2**20} MB"
            raise engines.EngineError(f"{_host(settings)} sent {size}, which is no answer; check LLAMA_API_URL.")
    return bytes(answer)


def _bearer(key):
    """Authentication for requests. Given even without a key, as requests would otherwise look into ~/.netrc."""

    def sign(request):
        if key:
            request.headers["Authorization"] = f"Bearer {key}"
        return request

    return sign


def _retry_after(response):
    """Seconds that the service asks to wait, given as a number or as a date (RFC 9110, section 10.2.3)."""
    try:
        return min(float(Retry().get_retry_after(response.raw) or 0), 1e6)
    except (InvalidHeader, ValueError, OverflowError):
        return 0.0


def _refusal(status, retry_after, settings):
    """The error for an answer other than 200: what is wrong, and how to mend it."""
    host = _host(settings)
    if status in (400, 422):
        return _NotAccepted(
            f"{host} did not accept the request (HTTP {status}); check LLAMA_MODEL and LLAMA_CONTEXT_TOKENS."
        )
    if status in (401, 403):
        wrong = "refused the key; check LLAMA_API_KEY" if settings.llama_api_key else "wants a key; set LLAMA_API_KEY"
        return engines.EngineError(f"{host} {wrong} (HTTP {status}).")
    if status == 404:
        return engines.EngineError(
            f"{host} does not know the address or the model (HTTP 404); check LLAMA_API_URL and LLAMA_MODEL."
        )
    if 300 <= status < 400:
        return engines.EngineError(f"{host} has moved (HTTP {status}); set LLAMA_API_URL to the new address.")
    if status == 429 or status >= 500:
        what = "takes no more requests for now" if status == 429 else "is out of order"
        error = _Passing(f"{host} {what} (HTTP {status}); try again later.")
        error.retry_after = retry_after
        return error
    return engines.EngineError(f"{host} turned the request down (HTTP {status}); check LLAMA_API_URL and your account.")


def _text(answer, settings):
    """The model's text out of the bytes of a chat completion."""
    try:
        text = json.loads(answer)["choices"][0]["message"]["content"]
    except (ValueError, RecursionError, LookupError, TypeError):
        text = None
    if not isinstance(text, str) or not text.strip():
        raise engines.EngineError(
            f"{_host(settings)} did not answer as a chat service does; check LLAMA_API_URL and LLAMA_MODEL."
        )
    return text


def _too_slow(settings):
    late = f"did not answer within {settings.service_timeout} s"
    return _TooSlow(f"{_host(settings)} {late}; try again later or raise SERVICE_TIMEOUT.")


def _host(settings):
    return urlsplit(settings.llama_api_url).netloc


def _watch(call, deadline, cut, still_wanted):
    """Run `call` in a thread of its own and return its result; `cut` it off at `deadline` or when called off.

    The time-outs of requests bound each read, not the whole call, and nothing in it asks whether it is still wanted.
    Raises TimeoutError at the deadline.
    """
    pool = ThreadPoolExecutor(1, thread_name_prefix="chat")
    future = pool.submit(call)
    pool.shutdown(wait=False)
    try:
        while not wait([future], min(LOOK_UP, max(deadline - time.monotonic(), 0))).done:
            if time.monotonic() >= deadline:
                raise TimeoutError
            still_wanted()
        return future.result()
    finally:
        cut()
        wait([future], FAREWELL)


class _Cuttable(HTTPAdapter):
    """Connections that another thread can cut, whatever they are waiting for."""

    def __init__(self):
        super().__init__()
        self._handles = []  # a second handle on each socket: TLS takes the first one over
        self._over = False

    @property
    def connected(self):
        return bool(self._handles)

    def get_connection_with_tls_context(self, *arguments, **options):
        pool = super().get_connection_with_tls_context(*arguments, **options)
        adapter = self

        class Connection(pool.ConnectionCls):
            def _new_conn(self):
                opened = super()._new_conn()
                adapter._handles.append(opened.dup())
                if adapter._over:
                    opened.close()
                    raise TimeoutError
                return opened

        pool.ConnectionCls = Connection
        return pool

    def cut(self):
        self._over = True
        for handle in self._handles:
            with suppress(OSError):
                handle.shutdown(socket.SHUT_RDWR)

    def close(self):
        super().close()
        for handle in self._handles:
            handle.close()
