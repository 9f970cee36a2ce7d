"""A service that is asked over HTTP: its answers, and its failures in words.

One sentence a failure: who failed, and which setting to look at. Nothing that a server said is in it.
"""

import http.client
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

import requests
import urllib3
from pydantic import BaseModel, ValidationError

from core.engines import EngineError

MB = 1024 * 1024

Model = TypeVar("Model", bound=BaseModel)


class CallError(EngineError):
    """A call that failed. `status` is the service's (0 without an answer), `retry_after` in seconds.

    `is_passing` says whether it may be over in a moment.
    """

    def __init__(self, sentence: str, *, status: int = 0, is_passing: bool = False, retry_after: float = 0.0) -> None:
        super().__init__(sentence)
        self.status, self.is_passing, self.retry_after = status, is_passing, retry_after


class TooLate(CallError):
    """The deadline passed before the answer was there."""


@dataclass(frozen=True)
class Answer:
    """A whole answer; the names in `headers` are found in upper and lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def retry_after(self) -> float:
        """Seconds that the service asks to wait, given as a number or as a date (RFC 9110, section 10.2.3)."""
        try:
            return float(urllib3.Retry().parse_retry_after(self.headers.get("Retry-After", "0")))
        except (urllib3.exceptions.InvalidHeader, ValueError, OverflowError):
            return 0.0


@dataclass(frozen=True)
class Service:
    """Who is asked, as its failures tell it. `address` and `key` are the settings that hold those.

    `refusals` tells, by status, what follows the name in place of the usual words; `{status}` stands for the status.
    `explain` may make an error of an answer with a status of 400 or more; None leaves it to the usual words.
    """

    name: str
    address: str
    key: str = ""
    has_key: bool = True
    nonsense: str = "did not answer as it should"
    refusals: Mapping[int, str] = field(default_factory=dict)
    explain: Callable[[Answer], CallError | None] = lambda _answer: None


def parse(service: Service, model: type[Model], content: bytes) -> Model:
    """The JSON of an answer as a pydantic model. Raises CallError where it is none, or of another shape."""
    with suppress(ValidationError):
        return model.model_validate_json(content)
    raise nonsense(service)  # out here, as the error above quotes the answer


def nonsense(service: Service, detail: str = "") -> CallError:
    """The error for an answer that does not mean anything."""
    return CallError(f"{service.name} {service.nonsense}{detail}; check the network and {service.address}.")


def too_late(service: Service, timeout: float) -> TooLate:
    """The error for an answer that was not there after `timeout` seconds."""
    return TooLate(f"{service.name} did not answer within {timeout:g} s; try again later or raise SERVICE_TIMEOUT.")


class TooLong(Exception):
    """An answer is longer than it may be."""


_BREAKS = (
    *(requests.ConnectionError, requests.exceptions.ChunkedEncodingError),
    *(urllib3.exceptions.ProtocolError, ConnectionError),
)
_NO_WAY = (urllib3.exceptions.ConnectTimeoutError, urllib3.exceptions.NewConnectionError, requests.ConnectTimeout)


def failure_of(service: Service, failure: BaseException, timeout: float) -> CallError:
    """The error for a request that got no answer."""
    name, address, causes = service.name, service.address, list(_causes(failure))

    def caused_by(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if isinstance(failure, TooLong):
        size = failure.args[0]
        return nonsense(service, f" (more than {size // MB} MB)" if size >= MB else f" (more than {size // 1024} KB)")
    if isinstance(failure, requests.exceptions.ContentDecodingError):
        return nonsense(service)
    if caused_by(ssl.SSLCertVerificationError):
        what = "it shows no certificate that can be trusted; check this machine's clock"
        return CallError(f"There is no secure connection to {name}: {what} and {address}.")
    if isinstance(failure, requests.exceptions.SSLError):
        said = f"There is no secure connection to {name}; check {address} and what lies in between."
    elif isinstance(failure, requests.exceptions.ProxyError):
        said = f"{name} cannot be reached; check HTTPS_PROXY and NO_PROXY."
    elif caused_by(*_NO_WAY):
        said = f"{name} cannot be reached; check the network and {address}."
    elif isinstance(failure, requests.Timeout | TimeoutError):
        return too_late(service, timeout)
    elif caused_by(http.client.BadStatusLine) and not caused_by(http.client.RemoteDisconnected):
        said = f"{name} broke off its answer, or sent one that makes no sense; check the network and {address}."
    elif isinstance(failure, _BREAKS):
        said = f"{name} broke off its answer; try again later."
    else:
        return CallError(f"{name} cannot be asked; check {address}, the proxy settings and the certificates.")
    return CallError(said, is_passing=True)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and all that it was made of: urllib3 and requests keep those among the arguments, or as `reason`."""
    yield error
    for inner in (*error.args, getattr(error, "reason", None)):
        if isinstance(inner, BaseException):
            yield from _causes(inner)


def refusal_of(service: Service, answer: Answer) -> CallError:
    """The error for an answer that is none."""
    status = answer.status
    if error := service.explain(answer) if status >= 400 else None:
        return error
    said = service.refusals.get(status) or _usual_refusal(service, status)
    is_passing = status == 429 or status >= 500
    sentence = f"{service.name} {said.format(status=status)}."
    return CallError(sentence, status=status, is_passing=is_passing, retry_after=answer.retry_after)


def _usual_refusal(service: Service, status: int) -> str:
    if 300 <= status < 400:
        return f"has moved (HTTP {{status}}); set {service.address} to the new address"
    if status in (401, 403):
        key = f"refused the key; check {service.key}" if service.has_key else f"wants a key; set {service.key}"
        return f"{key} (HTTP {{status}})"
    if status == 404:
        return f"is not at this address (HTTP {{status}}); check {service.address}"
    if status == 429:
        return "takes no more requests for now (HTTP {status}); try again later"
    if status >= 500:
        return "is out of order (HTTP {status}); try again later"
    what = "did not accept the request" if status in (400, 422) else "turned the request down"
    return f"{what} (HTTP {{status}}); check {' and '.join(filter(None, (service.address, service.key)))}"
