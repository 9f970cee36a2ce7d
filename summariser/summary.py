"""The built-in summary: sentences of the clips, first what they have in common, then what differs.

Extractive: sentences near in meaning to the whole and unlike one another (maximal marginal relevance, Carbonell and
Goldstein 1998) over MiniLM embeddings. Only the capital and the full stop that a sentence lacks are added.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.embeddings import embed_fixed
from summariser import grammar, languages
from summariser.brief import SUMMARY_WORDS
from summariser.keywords import EMPTY_NOUNS
from summariser.languages import Language, words
from summariser.sentences import Sentence

_NOVELTY = 0.4  # weight of being unlike what is chosen, against relevance
_SAME = 0.72  # cosine from which two sentences say the same
_SAME_ABROAD = 0.9  # the same in another language, where all sentences are near one another
_SHARE = 0.04  # what each sentence already taken from a clip counts against its next
_APPEAL_ABROAD = 0.75  # the same in another language
_APPEAL = 0.45  # cosine to a call such as "follow me for more" from which a sentence says nothing of the topic
_SHOWN = 0.08  # what a line from the screen counts less than a spoken sentence
_MIN_SPOKEN_WORDS = 3  # of a sentence that stands beside others of its clip
_MIN_SHOWN_WORDS = 4  # of a line that stands beside speech

_ENDS = tuple(".!?…。！？\"'”’)]」』")
_PAUSES = ("...", "…")

_REFERRING = frozenset("it its they them their theirs itself themselves he she him her his hers mine this that".split())
_CONTINUING = frozenset(
    "and but or so because then next last lastly finally also plus otherwise instead besides after which who"
    " now".split()
)
_GREETING = re.compile(r"(hey|hi|hello|what's up|welcome|good morning|thanks? (you )?for watching)\b", re.IGNORECASE)
_APPEALS = (
    "Follow me for more videos like this.",
    "Like, share and subscribe.",
    "The link is in my bio.",
    "Tell me in the comments.",
    "Hey guys, welcome back to my channel.",
    "Thanks for watching, see you in the next video.",
    "Save this for later.",
)


@dataclass(frozen=True)
class _Candidate:
    clip: int
    place: int
    sentence: Sentence
    vector: np.ndarray
    shown: bool
    leans: bool
    worth: float
    same: float  # cosine from which another says the same


def write(
    spoken: Sequence[Sequence[Sentence]],
    shown: Sequence[Sequence[Sentence]],
    meaning: Mapping[str, np.ndarray],
    language: Language | None = None,
) -> str:
    """Choose at most 80 words of what each clip says and shows; `meaning` holds the unit vector of each text.

    Without a `language` they are in English.
    """
    candidates = _candidates(spoken, shown, meaning, language)
    chosen = _one_a_clip(candidates)
    left = SUMMARY_WORDS - sum(one.sentence.words for one in chosen)
    while following := _best(candidates, chosen, left):
        chosen.append(following)
        left -= following.sentence.words
    return " ".join(_finished(one.sentence.text) for one in _in_order(chosen, candidates))


def _candidates(spoken, shown, meaning, language) -> list[_Candidate]:
    """Every sentence that may stand in a summary, with what it is worth."""
    found = []
    for clip, held in enumerate(spoken):
        whole = complete(held)
        telling = [(n, s) for n, s in whole if s.words >= _MIN_SPOKEN_WORDS] or whole
        found += [(clip, n, s, False) for n, s in telling]
    for clip, held in enumerate(shown):
        silent = not spoken[clip]
        lines = [s for s in held if silent or s.words >= _MIN_SHOWN_WORDS]
        said = " ".join(s.text.casefold() for s in spoken[clip])
        found += [(clip, 1000 + n, s, True) for n, s in enumerate(lines) if s.text.casefold() not in said]
    if not found:
        return []
    vectors = np.array([meaning[s.text] for _, _, s, _ in found])
    limit, same = (_APPEAL_ABROAD, _SAME_ABROAD) if language else (_APPEAL, _SAME)
    appeals = (vectors @ _appeals(language.code if language else "").T).max(axis=1) >= limit
    worth = _relevance(found, vectors)
    leaning = [not is_shown and leans(s.text, place == 0, language) for _, place, s, is_shown in found]
    alone = len(found) == 1
    return [
        _Candidate(clip, place, s, vectors[i], is_shown, leaning[i], float(worth[i]), same)
        for i, (clip, place, s, is_shown) in enumerate(found)
        if alone or not (appeals[i] or greets(s.text, language))
    ]


def _relevance(found, vectors) -> np.ndarray:
    """Nearness to the middle of all clips and of the own one; a clip's first sentence, its hook, counts for more."""
    whole = vectors @ _middle(vectors)
    own = np.empty(len(found))
    for clip in {clip for clip, *_ in found}:
        rows = [i for i, one in enumerate(found) if one[0] == clip]
        own[rows] = vectors[rows] @ _middle(vectors[rows])
    first = np.array([place == 0 for _, place, _, _ in found])
    cut = np.array([not s.whole for _, _, s, _ in found])
    screen = np.array([is_shown for *_, is_shown in found])
    return 0.6 * whole + 0.4 * own + 0.1 * first - 0.2 * cut - _SHOWN * screen


def _one_a_clip(candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """The best sentence of each clip, within a fair share of the 80 words.

    Clips that do not fit go without, and so do those that only repeat what another says.
    """
    clips: dict[int, list[_Candidate]] = {}
    for one in candidates:
        clips.setdefault(one.clip, []).append(one)
    shortest = {clip: min(one.sentence.words for one in held) for clip, held in clips.items()}
    while sum(shortest.values()) > SUMMARY_WORDS:
        del shortest[max(shortest, key=lambda clip: (shortest[clip], clip))]
    chosen: list[_Candidate] = []
    left = SUMMARY_WORDS
    for number, clip in enumerate(sorted(shortest)):
        others = sum(words for other, words in shortest.items() if other > clip)
        most = min(left - others, max(left // (len(shortest) - number), shortest[clip]))
        fitting = [one for one in clips[clip] if one.sentence.words <= most and not _repeats(one, chosen)]
        if standing := [one for one in fitting if not one.leans] or (fitting if not chosen else []):
            best = max(standing, key=lambda one: one.worth)
            chosen.append(best)
            left -= best.sentence.words
    return chosen


def _best(candidates: Sequence[_Candidate], chosen: Sequence[_Candidate], left: int) -> _Candidate | None:
    """What is most relevant and new of what still fits; a sentence that leans only behind the one it leans on."""
    taken = Counter(one.clip for one in chosen)
    places = {(one.clip, one.place) for one in chosen}
    open_to = [
        one
        for one in candidates
        if one.sentence.words <= left
        and (one.clip, one.place) not in places
        and (not one.leans or (one.clip, one.place - 1) in places)
        and not _repeats(one, chosen)
    ]

    def gain(one: _Candidate) -> float:
        repeated = max((float(one.vector @ other.vector) for other in chosen), default=0.0)
        return (1 - _NOVELTY) * one.worth - _NOVELTY * repeated - _SHARE * taken[one.clip]

    return max(open_to, key=gain, default=None)


def _repeats(one: _Candidate, chosen: Sequence[_Candidate]) -> bool:
    """Whether a chosen sentence says the same, or begins alike."""
    return any(float(one.vector @ o.vector) >= one.same or _opening(one) == _opening(o) for o in chosen)


def _opening(one: _Candidate) -> tuple[str, ...]:
    return tuple(re.findall(r"\w+", one.sentence.text.casefold())[:2])


def _in_order(chosen: Sequence[_Candidate], candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """First the sentence nearest to what the other clips say, with those that lean on it, then the clips in turn."""
    rest = sorted(chosen, key=lambda one: (one.clip, one.place))
    if len({one.clip for one in candidates}) < 2 or not rest:
        return rest
    head = max(
        (one for one in rest if not one.leans), key=lambda one: _common(one, candidates) + one.worth, default=rest[0]
    )
    group = [head]
    for one in rest[rest.index(head) + 1 :]:
        if not (one.leans and one.clip == head.clip and one.place == group[-1].place + 1):
            break
        group.append(one)
    return group + [one for one in rest if not any(one is other for other in group)]


def _common(one: _Candidate, candidates: Sequence[_Candidate]) -> float:
    """How near a sentence is, on average, to what each other clip says."""
    nearest: dict[int, float] = {}
    for other in candidates:
        if other.clip != one.clip:
            nearest[other.clip] = max(nearest.get(other.clip, -1.0), float(one.vector @ other.vector))
    return float(np.mean(list(nearest.values()))) if nearest else 0.0


def complete(spoken: Sequence[Sentence]) -> list[tuple[int, Sentence]]:
    """The sentences of a clip, numbered, without those that a pause or an edge of the clip cuts off.

    A clip that says nothing else keeps them.
    """
    kept = [(n, s) for n, s in enumerate(spoken) if not s.text.endswith(_PAUSES)]
    ended = [s.text.endswith(_ENDS) for _, s in kept]
    low = [s.text.split()[0].islower() for _, s in kept]
    # Speech that was heard without marks and capitals has none anywhere.
    if len(kept) > 1 and kept[-1][1].whole and ended[0] and not ended[-1]:
        kept.pop()
    if len(kept) > 1 and kept[0][1].whole and low[0] and not all(low):
        kept.pop(0)
    return kept or list(enumerate(spoken))


def greets(text: str, language: Language | None = None) -> bool:
    """Say whether a sentence says hello, or calls to follow, and nothing else."""
    if language is None:
        return bool(_GREETING.match(text))
    return next(iter(words(text.lower())), "") in language.greetings


def leans(text: str, first: bool = False, language: Language | None = None) -> bool:
    """Say whether a sentence needs the one before it: it continues, or refers to what it does not name.

    The `first` of a clip continues nothing. Without a `language` it is in English.
    """
    if language:
        return not first and next(iter(words(text.lower())), "") in language.leaning
    tokens = [token for token in grammar.parse(text) if token.text[0].isalnum()]
    continues = bool(tokens) and tokens[0].text.lower() in _CONTINUING and not first
    if not tokens or continues or text[:6].lower() in ("first,", "first "):
        return True
    named = False
    for place, token in enumerate(tokens):
        follower = tokens[place + 1] if place + 1 < len(tokens) else None
        # "This pasta" and "that you need" refer to nothing before.
        if token.tag in ("DT0", "CJT") and (place or (follower and (follower.is_noun or follower.tag == "AJ0"))):
            continue
        anyone = first and token.text.lower() == "they"  # "When they ask about your weakness"
        if token.text.lower() in _REFERRING and not named and not anyone:
            return True
        named = named or (token.is_noun and token.lemma.lower() not in EMPTY_NOUNS)
    return False


def _appeals(language: str) -> np.ndarray:
    return embed_fixed(languages.known()[language].appeals if language else _APPEALS)


def _middle(vectors) -> np.ndarray:
    middle = np.mean(vectors, axis=0)
    return middle / max(1e-9, float(np.linalg.norm(middle)))


def _finished(text: str) -> str:
    """Give a sentence the capital and the full stop that it lacks."""
    text = text[0].upper() + text[1:]
    return text if text.endswith(_ENDS) else f"{text.rstrip(',;:')}."
