"""Briefs written by a language model, wherever it runs: what is asked, asked again, and kept of the answers.

Instructions in what the clips say have no effect: they are encoded as data (llm_prompt), and a text of the model with
links or markup, or one that is not about the clips, is refused (llm_checks). Of an answer each good part is kept, and
only the others are asked for again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core import engines
from summariser import llm_answer, llm_prompt, llm_read
from summariser.brief import Brief, BriefRequest, fill
from summariser.llm_checks import clean, cut

ROUNDS = 2
NOTE_WORDS = 150  # of the notes on one part of a long transcript

# (what): says what the model is doing, or with an empty text that it still is; raises engines.Cancelled.
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Model:
    """A language model: `name` as it is set up, its context in tokens, and a call that asks it.

    `ask(messages, schema, max_tokens, tell)` returns the model's text, never empty. `messages` have `role` and
    `content`; an answer should fit the JSON `schema` where there is one, and take at most `max_tokens`. It calls `tell`
    some times a second, and raises engines.EngineError.
    """

    name: str
    context_tokens: int
    ask: Callable[[Sequence[llm_prompt.Message], Mapping[str, Any] | None, int, Tell], str]


def write(request: BriefRequest, model: Model, report: engines.Report = engines.no_report) -> engines.EngineResult:
    """Have a model write the brief of some clips; the answer's value is a Brief.

    More words than fit its context are first retold part by part. Of a summary that left the topic here and there, the
    sentences that did are left out, with a warning. Raises engines.EngineError where nothing of what it answered can be
    used, engines.Incomplete, with the parts that can, where it left something out twice.
    """
    room = llm_prompt.room(model.context_tokens)
    clips = llm_prompt.clip_rows(request, room)
    material = llm_read.Material.of(request, clips)
    parts = llm_prompt.pack(clips, room)
    notes = len(parts) if len(parts) > 1 else 0
    rows = llm_prompt.heading_rows(request) + (_retell(parts, room, model, report) if notes else clips)
    tell = _teller(report, notes, notes + 1, f"asking {model.name}")
    brief, wanted = Brief(), llm_answer.PARTS
    problems: dict[str, str] = {}
    for _round in range(ROUNDS):
        messages = llm_prompt.brief_messages(rows, wanted, _listed(problems))
        answer = _ask(model, messages, llm_answer.schema(wanted), tell)
        found, problems = llm_read.read(answer, wanted, material)
        brief = _better(brief, found, problems)
        problems = llm_read.still_missing(brief, problems)
        if not problems:
            return engines.EngineResult(brief, model.name)
        wanted = tuple(problems)
        rows = [*rows, {"your_answer": llm_prompt.begin(clean(answer), llm_prompt.REPAIR_BYTES)}]
    if brief == Brief():
        why = next(iter(problems.values()))
        raise engines.EngineError(f"{model.name} was asked twice and gave no answer that can be used: {why}.")
    if all(getattr(brief, part) and part != "ideas" for part in problems):
        dropped = f"Summary: {model.name} was asked twice, and some of it was left out: {_listed(problems)}."
        return engines.EngineResult(brief, model.name, (dropped,))
    raise engines.Incomplete(f"{model.name} was asked twice and left something out: {_listed(problems)}.", brief)


def _better(brief: Brief, found: Brief, problems: Mapping[str, str]) -> Brief:
    """The brief with what was found since: a part without a problem replaces what there was, but for ideas."""
    whole = {part: getattr(found, part) for part in llm_answer.PARTS if part not in problems and part != "ideas"}
    return replace(fill(brief, found), **{part: value for part, value in whole.items() if value})


def _retell(
    parts: Sequence[Sequence[llm_prompt.Row]], room: int, model: Model, report: engines.Report
) -> list[llm_prompt.Row]:
    """Have each part retold in a few sentences; return those as rows that fit `room` bytes together."""
    notes: list[llm_prompt.Row] = []
    size = room // len(parts) - 50  # bytes for each, less its row's name
    words = min(NOTE_WORDS, size // 10)
    for number, part in enumerate(parts):
        what = f"asking {model.name} about part {number + 1} of {len(parts)}"
        tell = _teller(report, number, len(parts) + 1, what)
        note = _ask(model, llm_prompt.note_messages(part, words), None, tell)
        notes.append({"part": number + 1, "retold": llm_prompt.begin(cut(clean(note), words), size)})
    return notes


def _ask(model: Model, messages: Sequence[llm_prompt.Message], schema: Mapping[str, Any] | None, tell: Tell) -> str:
    tell("")
    return model.ask(messages, schema, llm_prompt.answer_tokens(model.context_tokens), tell)


def _teller(report: engines.Report, done: int, total: int, step: str) -> Tell:
    return lambda what: report(done, total, what or step)


def _listed(problems: Mapping[str, str]) -> str:
    """The problems of the parts in one line; what several have in common is said once."""
    by_problem: dict[str, list[str]] = {}
    for part, problem in problems.items():
        by_problem.setdefault(problem, []).append(part.replace("_", " "))
    return "; ".join(f"{', '.join(parts)}: {problem}" for problem, parts in by_problem.items())
