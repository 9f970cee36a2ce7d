"""The built-in writer of briefs: no model, so it works from what the clips say and show, and invents nothing."""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from core import engines
from core.embeddings import embed
from settings import Settings
from summariser import foreign_nouns, hooks, ideas, keywords, languages, posts, prompts, subjects, summary, tagging
from summariser.brief import Brief, BriefRequest
from summariser.sentences import Sentence, split

MAX_SENTENCES = 180  # of all clips together, that are compared in meaning
MAX_LINES = 30  # of on-screen text of a clip that are read
_STEPS = 5


def write(request: BriefRequest, _settings: Settings, report: engines.Report = engines.no_report) -> Brief:
    """Write the brief of some clips.

    The same request gives the same brief. Every sentence of the summary stands in a clip, said or shown. It is in the
    clips' language where that is one of languages.known(), but for the prompts, which the models read in English.
    """
    code = languages.of([*request.transcripts, *request.on_screen], request.language)
    language = languages.known()[code] if code not in ("", languages.ENGLISH) else None
    report(0, _STEPS, "Splitting the transcripts into sentences")
    spoken = _shortlist([split(text) for text in request.transcripts])
    shown = [list({s.text: s for s in split(text)}.values())[:MAX_LINES] for text in request.on_screen]
    shown += [[] for _ in range(len(spoken) - len(shown))]
    lines = [[s.text for s in held] for held in shown]
    report(1, _STEPS, "Looking for noun phrases")
    said = [[s.text for s in sentences] for sentences in spoken]
    found = foreign_nouns.candidates(said, lines, language) if language else keywords.candidates(said, lines)
    asked = keywords.asked(request.tags)
    sentences = [s.text for held in (spoken if any(spoken) else shown) for s in held]
    texts = [s.text for held in [*spoken, *shown] for s in held] + [k.text for k in [*found, *asked]]
    meaning = _meanings(texts, lambda part: report(2 + part, _STEPS, "Comparing meanings"))
    report(3, _STEPS, "Choosing sentences and tags")
    topic = _topic([meaning[text] for text in sentences] or [meaning[k.text] for k in asked])
    asked_rows, found_rows = _rows(meaning, asked), _rows(meaning, found)
    chosen = keywords.choose(found, found_rows, asked, asked_rows, topic)
    rows = np.array([meaning[text] for text in sentences], dtype=np.float32).reshape(-1, 384)
    tone = language.tone(sentences) if language else prompts.tone(topic)
    grave = tone != "light"
    scene = None if grave else prompts.nearest_scene(topic)
    group = tagging.GRAVE if grave else scene.name if scene else ""
    main = subjects.main_subjects(keywords.subjects(chosen), subjects.heads(request, language))
    known = topic if sentences else np.zeros(384)
    texts = [*request.transcripts, *request.on_screen]
    tags = tagging.choose(found, found_rows, asked, asked_rows, known, rows, group, main, texts)
    report(4, _STEPS, "Finding ideas")
    text = summary.write(spoken, shown, meaning, language)
    openings = [hooks.read(_opening(held, language), language) for held in spoken]
    brief = Brief(
        summary=text,
        tags=tags or tuple(keyword.text for keyword in chosen),
        ideas=ideas.three(
            request, openings, lines, chosen, ideas.Setting(tone, language, _instructing(spoken, language))
        ),
        music_prompt=prompts.music(topic, text, grave),
        image_prompt=prompts.image(chosen, prompts.scenes().grave if grave else scene),
        post=posts.from_clips(openings, text, tone, language),
    )
    report(_STEPS, _STEPS, "The brief is ready")
    return brief


def _opening(sentences: Sequence[Sentence], language: languages.Language | None) -> str:
    """What a clip begins with, after it has said hello."""
    return next((s.text for _, s in summary.complete(sentences) if not summary.greets(s.text, language)), "")


def _instructing(clips: Sequence[Sequence[Sentence]], language: languages.Language | None) -> frozenset[int] | None:
    """The clips that tell how to do something, and those without a word; None where the language hides it."""
    if language:
        return None
    tells = [not held or any(hooks.read(s.text).kind in ("command", "warning") for s in held) for held in clips]
    return frozenset(clip for clip, how in enumerate(tells) if how)


def _shortlist(clips: Sequence[Sequence[Sentence]]) -> list[list[Sentence]]:
    """Keep the sentences of each clip, at most its share: its opening and those with its commonest words."""
    share = max(4, MAX_SENTENCES // max(1, len(clips)))
    return [_commonest(sentences, share) if len(sentences) > share else list(sentences) for sentences in clips]


def _commonest(sentences: Sequence[Sentence], most: int) -> list[Sentence]:
    words = [{word for word in s.text.lower().split() if len(word) > 3} for s in sentences]
    frequency = Counter(word for held in words for word in held)
    weight = [sum(frequency[word] for word in held) / (len(held) + 3) for held in words]
    order = sorted(range(1, len(sentences)), key=lambda i: (-weight[i], i))
    return [sentences[i] for i in sorted([0, *order[: most - 1]])]


def _meanings(texts: Sequence[str], on_batch: Callable[[float], object]) -> dict[str, np.ndarray]:
    """The unit vector of each text. Texts of like length go together, since a batch is as long as its longest."""
    texts = sorted(set(texts), key=lambda text: (len(text), text))
    return dict(zip(texts, embed(texts, on_batch), strict=True))


def _rows(meaning: dict[str, np.ndarray], found: Sequence[keywords.Keyword]) -> np.ndarray:
    return np.array([meaning[keyword.text] for keyword in found], dtype=np.float32).reshape(-1, 384)


def _topic(vectors: Sequence[np.ndarray]) -> np.ndarray:
    """The unit vector in the middle of some; zeros where there are none."""
    middle = np.mean(vectors, axis=0) if len(vectors) else np.zeros(384, dtype=np.float32)
    return middle / max(1e-9, float(np.linalg.norm(middle)))
