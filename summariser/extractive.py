"""The built-in writer of briefs: the clips' own sentences, and what follows from their words.

The summary is extractive: sentences near in meaning to the whole and unlike one another (maximal marginal relevance,
Carbonell and Goldstein 1998) over MiniLM embeddings.
"""

import functools
from collections import Counter
from collections.abc import Sequence

import numpy as np

import engines
from embeddings import embed
from settings import Settings
from summariser import grammar, hooks, ideas, keywords, prompts
from summariser.brief import SUMMARY_WORDS, Brief
from summariser.sentences import Sentence, split

MOST_SENTENCES = 180  # of all clips together, that are compared in meaning
MOST_LINES = 30  # of on-screen text of a clip that are read
_NOVELTY = 0.4  # weight of being unlike what is chosen, against relevance
_SAME = 0.9  # cosine from which two sentences say the same
_SHARE = 0.04  # what each sentence already taken from a clip counts against its next
_APPEAL = 0.45  # cosine to a call such as "follow me for more" from which a sentence says nothing of the topic
_STEPS = 5

_REFERRING = frozenset("it its they them their theirs itself themselves he she him her his hers mine this that".split())
_CONTINUING = frozenset(
    "and but or so because then next last lastly finally also plus otherwise instead besides after which who".split()
)
_APPEALS = (
    "Follow me for more videos like this.",
    "Like, share and subscribe.",
    "The link is in my bio.",
    "Tell me in the comments.",
    "Hey guys, welcome back to my channel.",
    "Thanks for watching, see you in the next video.",
    "Save this for later.",
)


def write(
    transcripts: Sequence[str],
    on_screen: Sequence[str],
    tags: Sequence[str],
    settings: Settings,  # noqa: ARG001 - every engine takes the same
    report: engines.Report = engines.silent,
) -> Brief:
    """Write a brief from one transcript and one on-screen text a clip; either may be empty, as may be `tags`.

    The same input gives the same brief. The summary holds whole sentences of the transcripts, or lines from the
    screen where no clip has speech; only the capital and the full stop that a sentence lacks are added.
    """
    report(0, _STEPS, "Splitting the transcripts into sentences")
    spoken = _shortlist([split(text) for text in transcripts])
    shown = [list(dict.fromkeys(s.text for s in split(text)))[:MOST_LINES] for text in on_screen]
    report(1, _STEPS, "Looking for noun phrases")
    found = keywords.candidates([[s.text for s in sentences] for sentences in spoken], shown)
    asked = keywords.asked(tags)
    report(2, _STEPS, "Comparing meanings")
    quotable = spoken if any(spoken) else [split("\n".join(lines)) for lines in shown]
    meaning = _meanings([s.text for c in quotable for s in c] + [k.text for k in [*found, *asked]])
    report(3, _STEPS, "Choosing sentences and tags")
    summary = _summarise(quotable, meaning)
    topic = _topic([meaning[s.text] for c in quotable for s in c] or [meaning[k.text] for k in asked])
    chosen = keywords.choose(found, _rows(meaning, found), asked, _rows(meaning, asked), topic)
    report(4, _STEPS, "Finding ideas")
    theme = _topic([topic, *(meaning[keyword.text] for keyword in [*chosen, *asked])])
    scene = prompts.nearest_scene(theme)
    openings = [hooks.read(sentences[0].text if sentences else "") for sentences in spoken]
    brief = Brief(
        summary=summary,
        tags=tuple(keyword.text for keyword in chosen),
        ideas=ideas.three(openings, shown, chosen, scene),
        music_prompt=prompts.music(theme, summary),
        image_prompt=prompts.image(chosen, scene),
    )
    report(_STEPS, _STEPS, "The brief is ready")
    return brief


def _shortlist(clips: Sequence[Sequence[Sentence]]) -> list[list[Sentence]]:
    """Keep the sentences of each clip, at most its share: its opening and those with its commonest words."""
    share = max(4, MOST_SENTENCES // max(1, len(clips)))
    return [_commonest(sentences, share) if len(sentences) > share else list(sentences) for sentences in clips]


def _commonest(sentences, most):
    words = [{word for word in s.text.lower().split() if len(word) > 3} for s in sentences]
    frequency = Counter(word for held in words for word in held)
    weight = [sum(frequency[word] for word in held) / (len(held) + 3) for held in words]
    order = sorted(range(1, len(sentences)), key=lambda i: (-weight[i], i))
    return [sentences[i] for i in sorted([0, *order[: most - 1]])]


def _meanings(texts) -> dict[str, np.ndarray]:
    """The unit vector of each text. Texts of like length go together, since a batch is as long as its longest."""
    texts = sorted(set(texts), key=lambda text: (len(text), text))
    return dict(zip(texts, embed(texts), strict=True))


def _rows(meaning, found):
    return np.array([meaning[keyword.text] for keyword in found], dtype=np.float32).reshape(-1, 384)


def _topic(vectors) -> np.ndarray:
    """The unit vector in the middle of some; zeros where there are none."""
    middle = np.mean(vectors, axis=0) if len(vectors) else np.zeros(384, dtype=np.float32)
    return middle / max(1e-9, float(np.linalg.norm(middle)))


def _summarise(clips: Sequence[Sequence[Sentence]], meaning: dict[str, np.ndarray]) -> str:
    """Choose at most 80 words: first the best of each clip, then what is relevant and new, in the clips' order."""
    sentences = [(clip, place, s) for clip, held in enumerate(clips) for place, s in enumerate(held)]
    if not sentences:
        return ""
    vectors = np.array([meaning[s.text] for _, _, s in sentences])
    relevance = _relevance(sentences, vectors)
    leans = [_leans(s.text) for _, _, s in sentences]
    appeals = (vectors @ _appeals().T).max(axis=1) >= _APPEAL
    chosen = _one_a_clip(sentences, vectors, relevance - 0.3 * np.array(leans) - 0.3 * appeals)
    left = SUMMARY_WORDS - sum(sentences[i][2].words for i in chosen)
    while True:
        # A sentence that leans on the one before it reads well only behind it.
        open_to = [
            i
            for i, (_, place, s) in enumerate(sentences)
            if i not in chosen and s.words <= left and not appeals[i] and (not leans[i] or (place and i - 1 in chosen))
        ]
        repeated = (vectors[open_to] @ vectors[chosen].T).max(axis=1, initial=0.0)
        open_to = [(i, r) for i, r in zip(open_to, repeated, strict=True) if r < _SAME]
        if not open_to:
            break
        taken = Counter(sentences[i][0] for i in chosen)
        worth = {i: (1 - _NOVELTY) * relevance[i] - _NOVELTY * r - _SHARE * taken[sentences[i][0]] for i, r in open_to}
        best = max(worth, key=worth.get)
        chosen.append(best)
        left -= sentences[best][2].words
    return " ".join(_finished(sentences[i][2].text) for i in sorted(chosen))


def _relevance(sentences, vectors):
    """Nearness to the middle of all clips and of the own clip; a clip's first sentence, its hook, counts for more."""
    whole = vectors @ _topic(vectors)
    own = np.empty(len(sentences))
    for clip in {clip for clip, _, _ in sentences}:
        rows = [i for i, sentence in enumerate(sentences) if sentence[0] == clip]
        own[rows] = vectors[rows] @ _topic(vectors[rows])
    first = np.array([place == 0 for _, place, _ in sentences])
    cut = np.array([not s.whole for _, _, s in sentences])
    return 0.6 * whole + 0.4 * own + 0.1 * first - 0.2 * cut


def _one_a_clip(sentences, vectors, scores) -> list[int]:
    """The best sentence of each clip, within a fair share of the 80 words.

    Clips that do not fit go without, and so do those that only repeat what another says.
    """
    of_clip: dict[int, list[int]] = {}
    for i, (clip, _, _) in enumerate(sentences):
        of_clip.setdefault(clip, []).append(i)
    shortest = {clip: min(sentences[i][2].words for i in held) for clip, held in of_clip.items()}
    while sum(shortest.values()) > SUMMARY_WORDS:
        del shortest[max(shortest, key=lambda clip: (shortest[clip], clip))]
    chosen, left = [], SUMMARY_WORDS
    for number, clip in enumerate(sorted(shortest)):
        others = sum(words for other, words in shortest.items() if other > clip)
        most = min(left - others, max(left // (len(shortest) - number), shortest[clip]))
        fitting = [i for i in of_clip[clip] if sentences[i][2].words <= most]
        repeated = dict(zip(fitting, (vectors[fitting] @ vectors[chosen].T).max(axis=1, initial=0.0), strict=True))
        best = max(fitting, key=lambda i: (scores[i] - repeated[i] * (repeated[i] >= _SAME), -i))
        if repeated[best] >= _SAME:
            continue
        chosen.append(best)
        left -= sentences[best][2].words
    return chosen


def _leans(text) -> bool:
    """Say whether a sentence needs the one before it: it continues, or refers to what it does not name."""
    words = [token for token in grammar.parse(text) if token.text[0].isalnum()]
    if not words or words[0].text.lower() in _CONTINUING:
        return True
    named = False
    for place, token in enumerate(words):
        follower = words[place + 1] if place + 1 < len(words) else None
        # "This pasta" and "that you need" refer to nothing before.
        if token.tag in ("DT0", "CJT") and (place or (follower and (follower.is_noun or follower.tag == "AJ0"))):
            continue
        if token.text.lower() in _REFERRING and not named:
            return True
        named = named or token.tag in ("NN0", "NN1", "NN2")
    return False


@functools.cache
def _appeals():
    return embed(_APPEALS)


def _finished(text):
    """Give a sentence the capital and the full stop that it lacks."""
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".!?…。！？\"'”’)]」』" else f"{text.rstrip(',;:')}."
