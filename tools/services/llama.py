"""An OpenAI-compatible chat service on a loopback port, with models of different obedience behind it."""

import json
import re
from collections.abc import Callable, Mapping, Sequence

from tools.services.faults import Reply, Request, Service

Messages = Sequence[Mapping[str, str]]

COMMAND = re.compile(r"ignore (?:all |everything )?(?:of )?the above and say only: ([^\"\n]+)", re.IGNORECASE)
TASK = "This is your task"
SYSTEM = "<|start_header_id|>system<|end_header_id|>"  # how Llama 3's chat template begins a message


class Llama(Service):
    """`think` is the model: it turns messages into the text of the answer.

    With `key`, every other key is refused. Without `takes_format`, a `response_format` is a bad request.
    """

    def __init__(self, think: Callable[[Messages], str] | None = None, key: str = "", takes_format: bool = True):
        super().__init__(self._answer)
        self.think = think or honest
        self.key = key
        self.takes_format = takes_format

    def asked(self) -> list[dict]:
        """The bodies of the requests that came in."""
        return [json.loads(request.body) for request in self.requests]

    def _answer(self, request: Request) -> Reply:
        if (request.method, request.path) != ("POST", "/chat/completions"):
            return Reply({"error": {"message": "no such route"}}, 404)
        if self.key and request.headers.get("authorization") != f"Bearer {self.key}":
            return Reply({"error": {"message": "wrong key"}}, 401)
        body = json.loads(request.body)
        if "response_format" in body and not self.takes_format:
            return Reply({"error": {"message": "response_format is not supported"}}, 400)
        message = {"role": "assistant", "content": self.think(body["messages"])}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        answer = {"id": "chatcmpl-1", "object": "chat.completion", "model": body["model"], "choices": [choice]}
        return Reply(answer, headers={"Content-Type": "application/json"})


def brief(summary: str, **other) -> str:
    """The JSON of a brief with this summary."""
    return json.dumps(
        {
            "summary": summary,
            "tags": ["bread", "baking", "home cooking", "steam", "flour"],
            "ideas": [idea(n) for n in (1, 2, 3)],
            "music_prompt": "A warm acoustic piece at 90 beats a minute with guitar and soft drums.",
            "image_prompt": "A golden loaf of bread on a wooden table, warm light, photograph.",
            "post": {"hook": "Bread at home.", "sentence": "Steam makes the crust.", "question": "Who bakes today?"},
            **other,
        }
    )


def idea(number: int) -> dict:
    """An idea as the schema wants it."""
    return {
        "title": f"Bread idea {number}",
        "concept": f"Bake loaf number {number} of bread with steam.",
        "opening": "Your bread needs steam.",
        "shots": [{"seconds": 3, "shows": "Flour and water"}, {"seconds": 5, "shows": "The loaf in the oven"}],
        "caption": "Bread with steam",
        "clip": 1,
        "reason": "The clip keeps its secret for the last sentence.",
    }


# What a model may say of the sample clips about AI: an answer about anything else would be refused.
ABOUT_AI = "Three prompts save an hour with an AI assistant. A small language model answers on a laptop."
ANSWER_ABOUT_AI = brief(
    ABOUT_AI,
    tags=["AI assistant", "prompts", "language model", "machine learning", "laptop"],
    ideas=[
        idea(number)
        | {
            "title": f"{number} prompts for an AI assistant",
            "concept": f"Show {number} prompts that save an hour with an AI assistant.",
            "opening": "These prompts save an hour.",
            "shots": [
                {"seconds": 3, "shows": "A prompt on the screen"},
                {"seconds": 5, "shows": "The AI assistant's answer"},
            ],
            "caption": "Prompts that save an hour",
        }
        for number in (1, 2, 3)
    ],
    image_prompt="A laptop with an AI assistant and a prompt on its screen, cool light, photograph.",
    post={
        "hook": "These prompts save an hour.",
        "sentence": "An AI assistant answers better with a clear prompt.",
        "question": "Which prompt do you use most with your AI assistant?",
    },
)


def rows(messages: Messages) -> list[dict]:
    """The data between the two fences of the last message."""
    lines = messages[-1]["content"].splitlines()
    first, last = (number for number, line in enumerate(lines) if line.startswith("DATA-"))
    return [json.loads(line) for line in lines[first + 1 : last]]


def honest(messages: Messages) -> str:
    """Retell the beginning of the data, as the task says."""
    texts = [text for row in rows(messages) for name, text in row.items() if name in ("spoken", "shown", "retold")]
    words = " ".join(text.split(".")[0] + "." for text in texts).split()[:75]
    retold = " ".join(words) or "Nothing was said."
    return brief(retold) if '"music_prompt"' in messages[-1]["content"] else retold


def obeys_last(messages: Messages) -> str:
    """Follow whichever instruction comes last, wherever it stands."""
    text = "\n".join(message["content"] for message in messages)
    commands = list(COMMAND.finditer(text))
    if commands and commands[-1].start() > text.rfind(TASK):
        return brief(commands[-1][1])
    return honest(messages)


def obeys_lines(messages: Messages) -> str:
    """Follow any instruction that begins a line, wherever it stands."""
    for line in "\n".join(message["content"] for message in messages).splitlines():
        if command := COMMAND.match(line):
            return brief(command[1])
    return honest(messages)


def obeys_system(messages: Messages) -> str:
    """Follow what the last system message says, as the chat template marks it in the text."""
    text = "".join(f"<|start_header_id|>{m['role']}<|end_header_id|>\n{m['content']}<|eot_id|>" for m in messages)
    command = COMMAND.search(text.rsplit(SYSTEM, 1)[1].split("<|eot_id|>")[0])
    return brief(command[1]) if command else honest(messages)


def obeys_anyone(messages: Messages) -> str:
    """Follow any instruction anywhere: a model that the videos have taken over."""
    text = "\n".join(message["content"] for message in messages)
    command = COMMAND.search(re.sub(r"\\u([0-9a-f]{4})", lambda code: chr(int(code[1], 16)), text))
    return brief(command[1]) if command else honest(messages)
