"""The tags to post with: what was asked for, compounds of the clips' own words, and common tags near in meaning."""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.embeddings import embed
from core.tables import Row, read_table
from summariser.keywords import Keyword

MOST = 10
FEWEST = 3  # below which common tags of the nearest group are taken, clear or not
LEAST = 5  # where the clips have as many
MAX_BROAD = 2
MAX_COMMON = 4  # specific common tags
MAX_ASKED = 2  # of the tags asked for, where more were
_FITS = 0.3  # cosine to the clips from which a tag asked for is given back
_COMMON_NEAR = 0.48  # cosine to the clips, or to a sentence of theirs, from which a common tag fits
_BROAD_NEAR = 0.3
_FILLS = 0.42  # from which one fills up too few, where the clips clearly belong to its group
_NOUN = 0.35  # score from which a bare noun may fill up
_COMPOUND = 0.1  # what a phrase of several words counts more than one word
_SAME = 0.8  # cosine from which two tags say the same
_WEAK = 0.25  # cosine to the clips below which a phrase of theirs is left out once there are enough


class _Group(Row):
    broad: tuple[str, ...]
    specific: tuple[str, ...]


class _Groups(Row):
    group: dict[str, _Group]


@dataclass(frozen=True)
class _Tag:
    text: str
    meaning: np.ndarray
    score: float
    broad: bool = False


def choose(
    found: Sequence[Keyword],
    meanings: np.ndarray,
    asked_for: Sequence[Keyword],
    asked_meanings: np.ndarray,
    topic: np.ndarray,
    sentences: np.ndarray,
    group: str = "",
) -> tuple[str, ...]:
    """Pick at most 10 tags, best first, without `#`.

    `found` are phrases of the clips, `asked_for` the tags asked for, with their unit vectors, shape (n, 384); `topic`
    is that of all clips, shape (384,), `sentences` are those of their sentences. At most two are broad. Where the clips
    clearly belong to a `group` of common tags, too few are filled up from it.
    """
    trend = _trend(asked_for, asked_meanings, topic)
    if found and not any(keyword.noun for keyword in found):  # a language without parts of speech here
        return _picked([*trend, *_plain(found, meanings, topic)], (), ())
    own = _own(found, meanings, topic)
    compounds = [tag for tag in own if " " in tag.text]
    nouns = [tag for tag in own if " " not in tag.text and not tag.broad and tag.score >= _NOUN]
    specific, broad = _common(topic, sentences)
    best = sorted([*compounds, *specific], key=lambda tag: -tag.score)
    common = _of_group(group, topic) if group else ()
    picked = _picked([*trend, *best], broad, nouns, common)
    if len(picked) < FEWEST and topic.any():
        near = [tag for tag in _of_group(_group_of(topic), topic) if not tag.broad]
        picked = _picked([*trend, *best, *nouns, *near[: FEWEST - len(picked)]], broad, (), common)
    return picked or tuple(keyword.text for keyword in asked_for)[:MOST]


def _picked(
    best: Sequence[_Tag], broad: Sequence[_Tag], nouns: Sequence[_Tag], common: Sequence[_Tag] = ()
) -> tuple[str, ...]:
    """The best, two broad ones at the end; bare nouns, and then common tags, only where there are too few."""
    chosen: list[_Tag] = []
    for tag in best:
        if len(chosen) < MOST - MAX_BROAD and not _repeats(tag, chosen):
            chosen.append(tag)
    for tag in [*nouns, *(tag for tag in common if not tag.broad)]:
        if len(chosen) < LEAST and not _repeats(tag, chosen):
            chosen.append(tag)
    broad = broad or [tag for tag in common if tag.broad]
    room = MAX_BROAD - sum(tag.broad for tag in chosen)
    for tag in broad:
        if room and not _repeats(tag, chosen):
            chosen.append(tag)
            room -= 1
    return tuple(tag.text for tag in chosen)


def _trend(asked_for: Sequence[Keyword], meanings: np.ndarray, topic: np.ndarray) -> list[_Tag]:
    """The tags asked for that fit the clips, best first; all of them where the clips have no words."""
    fit = meanings @ topic if len(asked_for) else np.zeros(0)
    order = sorted(range(len(asked_for)), key=lambda i: -fit[i])
    known = bool(topic.any())
    return [
        _Tag(asked_for[i].text, meanings[i], float(fit[i]), asked_for[i].text in _broad_names())
        for i in order
        if not known or fit[i] >= _FITS
    ][: MAX_ASKED if known else MOST]


def _own(found: Sequence[Keyword], meanings: np.ndarray, topic: np.ndarray) -> list[_Tag]:
    """The clips' own phrases, best first: near to the topic, frequent, said in several clips."""
    scores = meanings @ topic if len(found) else np.zeros(0)
    tags = [
        _Tag(
            k.text,
            meanings[i],
            float(scores[i] + 0.1 * (len(k.clips) - 1) + 0.08 * math.log(k.count)),
            k.text in _broad_names(),
        )
        for i, k in enumerate(found)
        if scores[i] >= _WEAK
    ]
    return sorted(tags, key=lambda tag: (-tag.score, tag.text))


def _group_of(topic: np.ndarray) -> str:
    _, broad, groups, meanings = _table()
    return _nearest_group(meanings @ topic, broad, groups)


def _of_group(group: str, topic: np.ndarray) -> list[_Tag]:
    """The common tags of a group that the clips clearly belong to, nearest first, the broad ones last."""
    names, broad, groups, meanings = _table()
    fit = meanings @ topic
    own = [i for i in np.argsort(-fit) if groups[i] == group and fit[i] >= (_BROAD_NEAR if broad[i] else _FILLS)]
    return sorted((_Tag(names[i], meanings[i], float(fit[i]), broad[i]) for i in own), key=lambda tag: tag.broad)


def _plain(found: Sequence[Keyword], meanings: np.ndarray, topic: np.ndarray) -> list[_Tag]:
    scores = [
        float(meanings[i] @ topic)
        + 0.1 * (len(k.clips) - 1)
        + 0.1 * math.log(k.count)
        + _COMPOUND * (len(k.lemmas) > 1)
        for i, k in enumerate(found)
    ]
    unknown = np.zeros(384, dtype=np.float32)  # single words of other languages are all near one another
    return [_Tag(found[i].text, unknown, scores[i]) for i in sorted(range(len(found)), key=lambda i: -scores[i])]


def _common(topic: np.ndarray, sentences: np.ndarray) -> tuple[list[_Tag], list[_Tag]]:
    """The common tags that fit: specific ones, and the broad ones of the groups these are from."""
    if not topic.any():
        return [], []
    names, broad, groups, meanings = _table()
    fit = meanings @ topic
    if len(sentences):
        fit = np.maximum(fit, 0.6 * fit + 0.4 * (meanings @ sentences.T).max(axis=1))
    order = np.argsort(-fit)
    group = _nearest_group(fit, broad, groups)
    specific = [i for i in order if not broad[i] and groups[i] == group and fit[i] >= _COMMON_NEAR][:MAX_COMMON]
    at_home = {groups[i] for i in specific[:2]}
    wide = [i for i in order if broad[i] and groups[i] in at_home and fit[i] >= _BROAD_NEAR]
    return (
        [_Tag(names[i], meanings[i], float(fit[i])) for i in specific],
        [_Tag(names[i], meanings[i], float(fit[i]), True) for i in wide],
    )


def _nearest_group(fit: np.ndarray, broad: Sequence[bool], groups: Sequence[str]) -> str:
    """The group whose best three tags are nearest: a tag of another one is near by a word alone."""
    held = {name: [fit[i] for i, group in enumerate(groups) if group == name and not broad[i]] for name in set(groups)}
    return max(sorted(held), key=lambda name: float(np.mean(sorted(held[name])[-3:])))


def _repeats(tag: _Tag, chosen: Sequence[_Tag]) -> bool:
    """Whether a chosen tag says the same, or shares the words of this one."""
    words = {_stem(word) for word in tag.text.lower().split()}
    for other in chosen:
        others = {_stem(word) for word in other.text.lower().split()}
        if words <= others or others <= words or float(tag.meaning @ other.meaning) > _SAME:
            return True
    return any(sum(word in {_stem(w) for w in other.text.lower().split()} for other in chosen) >= 2 for word in words)


def _stem(word: str) -> str:
    return word[:-1] if word.endswith("s") and len(word) > 3 else word


@functools.cache
def _groups() -> dict[str, _Group]:
    return read_table(Path(__file__).with_name("common_tags.toml"), _Groups).group


@functools.cache
def _broad_names() -> frozenset[str]:
    return frozenset(name for group in _groups().values() for name in group.broad)


@functools.cache
def _table() -> tuple[list[str], list[bool], list[str], np.ndarray]:
    rows = [
        (name, is_broad, group)
        for group, held in _groups().items()
        for is_broad, names in ((True, held.broad), (False, held.specific))
        for name in names
    ]
    names, broad, groups = (list(column) for column in zip(*rows, strict=True))
    return names, broad, groups, embed(names)
