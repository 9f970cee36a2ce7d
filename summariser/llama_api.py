"""The engine `llama`: a language model behind an OpenAI-compatible chat service."""

from collections.abc import Mapping, Sequence
from typing import Any

from core import engines
from settings import Settings
from summariser import llm
from summariser.brief import BriefRequest


def missing(settings: Settings) -> str | None:
    """What must be set up before this engine is in use; None when nothing must."""
    elsewhere = settings.llama_api_url.rstrip("/") != Settings.llama_api_url
    return None if settings.llama_api_key or elsewhere else "Set LLAMA_API_KEY, or LLAMA_API_URL for another server."


def check(settings: Settings) -> None:
    """Ask the model for one word. Raises engines.EngineError, saying what is wrong and how to mend it."""
    from summariser import chat

    chat.ask([{"role": "user", "content": "Say yes."}], settings, lambda: None, {"max_tokens": 5})


def summarise(
    request: BriefRequest, settings: Settings, report: engines.Report = engines.no_report
) -> engines.EngineResult:
    """Have the service's model write the brief of some clips, as llm.write does."""
    return llm.write(request, model(settings), report)


def model(settings: Settings) -> llm.Model:
    """The service's model. Each request takes at most `SERVICE_TIMEOUT` seconds."""

    def ask(
        messages: Sequence[Mapping[str, str]], schema: Mapping[str, Any] | None, max_tokens: int, tell: llm.Tell
    ) -> str:
        from summariser import chat  # with requests, which takes a moment to import

        wishes: dict[str, object] = {"max_tokens": max_tokens}
        if schema:
            wishes["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "brief", "strict": True, "schema": schema},
            }
        return chat.ask(messages, settings, lambda: tell(""), wishes)

    return llm.Model(settings.llama_model, settings.llama_context_tokens, ask)
