"""The good parts of a language model's answer as a brief, and what is wrong with the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from core import hashtags
from summariser import llm_answer
from summariser.brief import IDEAS, SUMMARY_WORDS, Brief, BriefRequest, Idea, Shot
from summariser.llm_checks import clean, cut, problem
from summariser.posts import compose
from summariser.relevance import Ground, Kind, is_music
from summariser.sentences import split

MAX_TAG = 40  # characters
MAX_SHOTS = 6
TITLE_WORDS = 12
CONCEPT_WORDS = 60
LINE_WORDS = 30  # of an opening, a shot, a caption, a reason
PROMPT_WORDS = 50
_OFF_TOPIC = "is not about the clips"


@dataclass(frozen=True)
class Material:
    """What an answer is compared with: the clips' texts, all that may be named, and how many clips there are."""

    sources: tuple[str, ...]
    known: str
    clips: int

    @classmethod
    def of(cls, request: BriefRequest, rows: Sequence[Mapping[str, Any]]) -> "Material":
        sources = tuple(text for row in rows for name, text in row.items() if name != "clip")
        clips = max(len(request.transcripts), len(request.on_screen))
        return cls(sources, " ".join([*sources, *request.tags]).casefold(), clips)

    @cached_property
    def ground(self) -> Ground | None:
        """The clips' words as texts are compared with them; None where they have none."""
        return Ground.of(self.sources) if any(map(str.isalpha, "".join(self.sources))) else None

    def is_about(self, text: str, kind: Kind) -> bool:
        """Whether a text is about the clips; without words of theirs there is nothing to compare it with."""
        return self.ground is None or self.ground.about([text], kind)[0]


def read(answer: str, wanted: Sequence[str], material: Material) -> tuple[Brief, dict[str, str]]:
    """Return what is good of the `wanted` parts of an answer, and of each other part what is wrong with it.

    The summary is empty where the clips have no words. What is wrong is said in words that quote none of it.
    """
    found = llm_answer.parse(answer)
    if found is None:
        return Brief(), dict.fromkeys(wanted, "the answer is not one JSON object")
    kept: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for part in wanted:
        value, wrong = _READERS[part](found.get(part), material) if part in found else (None, "is missing")
        if wrong:
            problems[part] = wrong
        if (
            part == "summary" and wrong == _OFF_TOPIC
        ):  # whoever has turned the summary elsewhere has written the rest of the answer too
            return Brief(), dict.fromkeys(wanted, _OFF_TOPIC)
        if value:
            kept[part] = value
    kept["post"] = kept["post"] if isinstance(kept.get("post"), str) else ""
    return Brief(**kept), problems


def still_missing(brief: Brief, problems: Mapping[str, str]) -> dict[str, str]:
    """The problems that are left when earlier answers are counted in."""
    return {part: wrong for part, wrong in problems.items() if part != "ideas" or len(brief.ideas) < IDEAS}


def _summary(value: Any, material: Material) -> tuple[str, str | None]:
    """The sentences that are about the clips, and how many are not."""
    if material.ground is None:
        return "", None
    text = cut(clean(llm_answer.text_of(value)), SUMMARY_WORDS)
    if wrong := problem(text, material.known):
        return "", wrong
    sentences = [sentence.text for sentence in split(text)]
    kept = [one for one, good in zip(sentences, material.ground.about(sentences, "sentence"), strict=True) if good]
    if not kept:
        return "", _OFF_TOPIC
    dropped = len(sentences) - len(kept)
    return (" ".join(kept), f"{dropped} of {len(sentences)} sentences {_OFF_TOPIC}") if dropped else (text, None)


def _music_prompt(value: Any, material: Material) -> tuple[str, str | None]:
    text, wrong = _prompt(value, material)
    return (text, None) if text and is_music(text) else ("", wrong or "describes no music")


def _image_prompt(value: Any, material: Material) -> tuple[str, str | None]:
    text, wrong = _prompt(value, material)
    return (text, None) if text and material.is_about(text, "image") else ("", wrong or _OFF_TOPIC)


def _prompt(value: Any, material: Material) -> tuple[str, str | None]:
    text = cut(clean(llm_answer.text_of(value)), PROMPT_WORDS)
    wrong = problem(text, material.known)
    return ("", wrong) if wrong else (text, None)


def _tags(value: Any, material: Material) -> tuple[tuple[str, ...], str | None]:
    """Without `#`, each once, none too long, best first."""
    kept: dict[str, str] = {}
    for name in (hashtags.bare(clean(part)) for entry in llm_answer.texts_of(value) for part in entry.split(",")):
        if name and len(name) <= MAX_TAG and not problem(name, material.known):
            kept.setdefault(name.casefold(), name)
    return tuple(kept.values())[: llm_answer.MAX_TAGS], None if kept else "holds no tag that can be used"


def _ideas(value: Any, material: Material) -> tuple[tuple[Idea, ...], str | None]:
    made = [_idea(idea, material) for idea in llm_answer.ideas_of(value)]
    by_title = {idea.title.casefold(): idea for idea, wrong in reversed(made) if idea and not wrong}
    ideas = tuple(reversed(by_title.values()))[:IDEAS]
    if len(ideas) == IDEAS:
        return ideas, None
    wrong = next((wrong for _, wrong in made if wrong), None)
    return ideas, f"{len(ideas)} of {IDEAS} can be used" + (f": one {wrong}" if wrong else "")


def _idea(found: Mapping[str, Any], material: Material) -> tuple[Idea | None, str | None]:
    """An idea; a field that cannot be used is left empty, all but title and concept."""
    opening, caption, reason = (_line(found.get(name, ""), material) for name in ("opening", "caption", "reason"))
    shots = [(shot.seconds, _line(shot.shows, material)) for shot in found.get("shots", ())]
    title, concept = cut(clean(found["title"]), TITLE_WORDS), cut(clean(found["concept"]), CONCEPT_WORDS)
    wrong = problem(title, material.known) or problem(concept, material.known)
    if not wrong and not material.is_about(f"{title}. {concept}", "idea"):
        wrong = _OFF_TOPIC
    clip = found.get("clip", 0)
    idea = Idea(
        title,
        concept,
        opening,
        shots=tuple(Shot(seconds, shows) for seconds, shows in shots if shows and 0 < seconds <= 60)[:MAX_SHOTS],
        caption=caption,
        clip=clip - 1 if 1 <= clip <= material.clips else None,
        reason=reason,
    )
    return (None, wrong) if wrong else (idea, None)


def _line(text: str, material: Material) -> str:
    text = cut(clean(text), LINE_WORDS)
    unwanted = material.ground is not None and material.ground.is_unwanted(text)
    return "" if unwanted or problem(text, material.known) else text


def _post(value: Any, material: Material) -> tuple[str, str | None]:
    """The lines of a post; hashtags are added when the tags are known."""
    fields = llm_answer.post_of(value)
    lines = {name: cut(clean(fields.get(name, "")), LINE_WORDS) for name in llm_answer.PostAnswer.model_fields}
    wrong = next((wrong for line in lines.values() if (wrong := problem(line, material.known))), None)
    if not wrong and not material.is_about(f"{lines['hook']} {lines['sentence']}", "idea"):
        wrong = _OFF_TOPIC
    return ("", wrong) if wrong else (compose(**lines), None)


_READERS = {
    "summary": _summary,
    "tags": _tags,
    "ideas": _ideas,
    "music_prompt": _music_prompt,
    "image_prompt": _image_prompt,
    "post": _post,
}
