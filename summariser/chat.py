"""One call of an OpenAI-compatible chat service: messages in, the model's text out, within a time limit."""

import time
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

from pydantic import BaseModel

from core import http
from settings import Settings

UNACCEPTED = "did not accept the request (HTTP {status}); check LLAMA_MODEL and LLAMA_CONTEXT_TOKENS"
REFUSALS = {
    400: UNACCEPTED,
    422: UNACCEPTED,
    404: "does not know the address or the model (HTTP {status}); check LLAMA_API_URL and LLAMA_MODEL",
}


class _Message(BaseModel):
    content: str


class _Choice(BaseModel):
    message: _Message


class _Completion(BaseModel):
    choices: list[_Choice]


def ask(
    messages: Sequence[Mapping[str, str]],
    settings: Settings,
    still_wanted: Callable[[], None],
    options: Mapping[str, object],
) -> str:
    """Return what `LLAMA_MODEL` at `LLAMA_API_URL` answers to `messages` (`role` and `content`), never empty.

    `options` are optional fields of the request (`response_format`, `max_tokens`); a service that answers 400 or 422 to
    them is asked once more without. `still_wanted` is called some times a second and may raise engines.Cancelled. All
    of it, retries included, takes at most `SERVICE_TIMEOUT` seconds. Raises engines.EngineError.

    Interface: https://platform.openai.com/docs/api-reference/chat/create
    """
    deadline = time.monotonic() + settings.service_timeout
    service = _service(settings)
    plain = {"model": settings.llama_model, "messages": list(messages)}
    with http.Client(service, settings.service_timeout, still_wanted) as client:
        try:
            answer = _post(client, {**plain, **options}, settings, deadline)
        except http.CallError as refused:
            if refused.status not in (400, 422):
                raise
            answer = _post(client, plain, settings, deadline)
    choices = http.parse(service, _Completion, answer.body).choices
    if not choices or not choices[0].message.content.strip():
        raise http.nonsense(service)
    return choices[0].message.content


def _service(settings):
    return http.Service(
        urlsplit(settings.llama_api_url).netloc,
        address="LLAMA_API_URL",
        key="LLAMA_API_KEY",
        has_key=bool(settings.llama_api_key),
        nonsense="did not answer as a chat service does",
        refusals=REFUSALS,
    )


def _post(client, body, settings, deadline):
    url = settings.llama_api_url.rstrip("/") + "/chat/completions"
    headers = {"Accept": "application/json"}
    return client.request("POST", url, json=body, headers=headers, token=settings.llama_api_key, deadline=deadline)
