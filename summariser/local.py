"""The engine `local`: a language model in this process.

Qwen3 1.7B by default (Qwen Team, "Qwen3 Technical Report", 2025; Apache 2.0); any instruct model of transformers does.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core import checkpoints, devices, engines
from core.loading import LoadOnce
from core.waiting import hold
from settings import Settings
from summariser import language_model, llm
from summariser.brief import BriefRequest

CHECKPOINT = checkpoints.Checkpoint(
    "Qwen/Qwen3-1.7B",
    "70d244cc86ccca08cf5af4e1e306ecf908b1ad5e",
    files=("*.json", "*.jinja", "merges.txt", "model*.safetensors"),
    needed=(("config.json",), ("tokenizer.json",), ("model.safetensors", "model.safetensors.index.json")),
)
MAX_CONTEXT = 8192  # tokens that are read and written together, whatever the model could hold: memory grows with them
MAX_TEXT = 600  # characters of a text in an answer: a model that repeats itself comes to an end
TRIED_TOKENS = 64


def missing(settings: Settings) -> str | None:
    """What must be set up before this engine is in use; None when nothing must."""
    if checkpoints.checkpoint_folder(settings.local_llm_model, CHECKPOINT) is None:
        return f"The weights of {settings.local_llm_model} are not here: run python init.py --only brief."
    return None


def _load(settings: Settings) -> language_model.LanguageModel:
    folder = checkpoints.checkpoint_folder(settings.local_llm_model, CHECKPOINT)
    if folder is None:
        raise engines.EngineError(f"The weights of {settings.local_llm_model} are not here: run python init.py.")
    return language_model.load(folder, settings)


MODEL = LoadOnce(
    _load,
    key=lambda settings: (settings.local_llm_model, settings.device),
    keep=1,
    imports=("torch", "transformers"),
    room=lambda settings: devices.room(settings, checkpoints.checkpoint_folder(settings.local_llm_model, CHECKPOINT)),
)


def check(settings: Settings) -> None:
    """Load the model and have it answer once. Raises engines.EngineError where that fails."""
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"answer": {"type": "string", "maxLength": 20}},
        "required": ["answer"],
    }
    schema["additionalProperties"] = False
    messages = [{"role": "user", "content": "Say yes, as JSON."}]
    language_model.answer(MODEL(settings), messages, schema, TRIED_TOKENS, lambda _text: None)


def summarise(
    request: BriefRequest, settings: Settings, report: engines.Report = engines.no_report
) -> engines.EngineResult:
    """Write the brief of some clips, as llm.write does. `report` is called at each token."""
    return llm.write(request, open_model(settings, report), report)


def open_model(settings: Settings, report: engines.Report) -> llm.Model:
    """The model of this process, loaded."""
    model = MODEL.wait(lambda: report(0, 1, f"Loading {settings.local_llm_model}"), settings)

    def ask(
        messages: Sequence[Mapping[str, str]], schema: Mapping[str, Any] | None, max_tokens: int, tell: llm.Tell
    ) -> str:
        with hold(model.lock, lambda: tell("Waiting for the language model")):
            return language_model.answer(model, messages, schema and bounded(schema), max_tokens, _telling(tell))

    context = min(model.context, MAX_CONTEXT)
    return llm.Model(settings.local_llm_model, context, ask)


def bounded(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON schema whose texts and numbers come to an end."""
    limits = {"string": {"maxLength": MAX_TEXT}, "integer": {"minimum": 0, "maximum": 999}}
    inner = {key: bounded(value) for key, value in schema.get("properties", {}).items()}
    items = {"items": bounded(schema["items"])} if "items" in schema else {}
    properties = {"properties": inner} if inner else {}
    return {**limits.get(schema.get("type", ""), {}), **schema, **properties, **items}


def shown_of(text: str) -> str:
    """The text that a half-written JSON answer is at."""
    texts = re.findall(r'"((?:[^"\\]|\\.)*)(?:"|$)', text)
    return texts[-1] if texts else ""


def _telling(tell: llm.Tell) -> Callable[[str], None]:
    """Tell what is written so far: of the JSON only its texts, so that the summary appears word by word."""

    def on_text(text: str) -> None:
        tell(f"Writing: {shown}" if (shown := shown_of(text)) else "")

    return on_text
