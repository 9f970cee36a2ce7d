"""The tags to post with: what was asked for, compounds of the clips' own words, and common tags near in meaning."""

import functools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.embeddings import embed_fixed
from core.tables import Row, read_table
from summariser.keywords import Keyword

MOST = 10
FEWEST = 3  # below which weaker phrases, and common tags of the nearest group, are taken
LEAST = 5  # where the clips have as many
MAX_BROAD = 2
GRAVE = "other"  # the group of common tags for grave subjects
MAX_COMMON = 4  # specific common tags
MAX_ASKED = 2  # of the tags asked for, where more were
_FITS = 0.3  # cosine to the clips from which a tag asked for is given back
_COMMON_NEAR = 0.48  # nearness to the clips from which a common tag fits
_AT_HOME = 0.4  # the same where the clips clearly belong to its group, and it is a general one or has a word of theirs
_FILLS = 0.3  # from which such a one fills up too few
_FILLS_WITH_A_WORD = 0.36  # the same for one that only has a word of the clips
_BROAD_NEAR = 0.3
_AS_BROAD = 0.06  # that a second broad one may be farther away than the first
_NEAR = 0.36  # of a group, below which the clips belong to none
_CLEARLY = 0.05  # that the nearest group is nearer than the second
_NOUN = 0.38  # score from which a bare noun may fill up
_PHRASE = 0.4  # score from which a phrase is a tag that is not what the clips are about
_BEST = 2  # tags that come before one of each clip
_COMPOUND = 0.1  # what a phrase of several words counts more than one word
_SAME = 0.8  # cosine from which two tags say the same
_WEAK = 0.25  # cosine to the clips below which a phrase of theirs is left out once there are enough


class _Group(Row):
    broad: tuple[str, ...]
    general: tuple[str, ...]
    specific: tuple[str, ...]


class _Groups(Row):
    group: dict[str, _Group]


@dataclass(frozen=True)
class _Tag:
    text: str
    meaning: np.ndarray
    score: float
    broad: bool = False
    clips: tuple[int, ...] = ()  # that have it


@dataclass(frozen=True)
class _Common:
    """Common tags, nearest first: those that fit, those that may fill up, those to fall back on, and broad ones."""

    specific: tuple[_Tag, ...] = ()
    filling: tuple[_Tag, ...] = ()
    near: tuple[_Tag, ...] = ()
    broad: tuple[_Tag, ...] = ()


def choose(
    found: Sequence[Keyword],
    meanings: np.ndarray,
    asked_for: Sequence[Keyword],
    asked_meanings: np.ndarray,
    topic: np.ndarray,
    sentences: np.ndarray,
    group: str = "",
    main: Sequence[Keyword] = (),
    texts: Sequence[str] = (),
) -> tuple[str, ...]:
    """Pick at most 10 tags, best first, without `#`.

    `found` are phrases of the clips, `asked_for` the tags asked for, with their unit vectors, shape (n, 384); `topic`
    is that of all clips, shape (384,), `sentences` are those of their sentences. `main` are those of `found` that the
    clips are about, `texts` what they say and show. At most two are broad. Too few are filled up from the group of
    common tags that is clearly the nearest, or else from `group`, which the clips are known to belong to.
    """
    trend = _trend(asked_for, asked_meanings, topic)
    if found and not any(keyword.noun for keyword in found):  # a language without parts of speech here
        return _picked([*trend, *_plain(found, meanings, topic)], (), ())
    about = {keyword.text for keyword in main}
    own = _own(found, meanings, topic)
    compounds = [tag for tag in own if " " in tag.text and (tag.text in about or tag.score >= _PHRASE)]
    nouns = [tag for tag in own if " " not in tag.text and not tag.broad and tag.score >= _NOUN]
    subjects = [tag for tag in nouns if tag.text in about or not about]
    said = frozenset(word for text in texts for word in re.findall(r"[^\W\d_]{3,}", text.lower()))
    near = meanings[[i for i, one in enumerate(found) if one.text in about]]
    common = _common(topic, sentences, near, group, said)
    ranked = sorted([*compounds, *common.specific], key=lambda tag: -tag.score)
    best = [*ranked[:_BEST], *_one_a_clip([tag for tag in own if " " in tag.text or tag.text in about], trend), *ranked]
    filling = [*subjects, *common.filling]
    picked = _picked([*trend, *best], common.broad, filling)
    if len(picked) < FEWEST:
        picked = _picked([*trend, *best], common.broad, [*filling, *own, *common.near], FEWEST)
    return picked or tuple(keyword.text for keyword in asked_for)[:MOST]


def _one_a_clip(own: Sequence[_Tag], chosen: Sequence[_Tag]) -> list[_Tag]:
    """The best tag of each clip that says something else than those chosen, where there are several clips."""
    clips = sorted({clip for tag in own for clip in tag.clips})[:LEAST]
    new = [tag for tag in own if not _repeats(tag, chosen)]
    ranked = sorted(new, key=lambda tag: -tag.score - _COMPOUND * (" " in tag.text))
    found = [next((tag for tag in ranked if clip in tag.clips), None) for clip in clips]
    return [tag for tag in found if tag] if len(clips) > 1 else []


def _picked(
    best: Sequence[_Tag], broad: Sequence[_Tag], filling: Sequence[_Tag], least: int = LEAST
) -> tuple[str, ...]:
    """The best, two broad ones at the end; what fills up only where there are fewer than `least`."""
    chosen: list[_Tag] = []
    for tag in best:
        if len(chosen) < MOST - MAX_BROAD and not _repeats(tag, chosen):
            chosen.append(tag)
    for tag in filling:
        if len(chosen) < least and not _repeats(tag, chosen):
            chosen.append(tag)
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
            k.clips,
        )
        for i, k in enumerate(found)
        if scores[i] >= _WEAK
    ]
    return sorted(tags, key=lambda tag: (-tag.score, tag.text))


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


def _common(topic: np.ndarray, sentences: np.ndarray, main: np.ndarray, group: str, said: frozenset[str]) -> _Common:
    """The common tags that fit: of the group that is clearly nearest, else of `group`, else very near ones alone."""
    if not topic.any():
        return _Common()
    names, kinds, groups, meanings = _table()
    fit = _fit(meanings, topic, sentences, main)
    nearest, clear = _nearest_group(fit, kinds, groups)
    home = group if group == GRAVE else nearest if clear else group
    own = [i for i in np.argsort(-fit) if groups[i] == (home or nearest)]
    tags = [(kinds[i], _Tag(names[i], meanings[i], float(fit[i]), kinds[i] == "broad")) for i in own]

    def fits(tag: _Tag, kind: str, least: float) -> bool:
        """A thing that the clips do not have is a tag of theirs only where it is very near."""
        return tag.score >= (least if home and (kind == "general" or _shares(tag.text, said)) else _COMMON_NEAR)

    chosen = tuple(tag for kind, tag in tags if kind != "broad" and fits(tag, kind, _AT_HOME))[:MAX_COMMON]
    wide = [tag for kind, tag in tags if kind == "broad" and tag.score >= _BROAD_NEAR and (home or chosen)]
    return _Common(
        specific=chosen,
        filling=tuple(tag for kind, tag in tags if home and kind != "broad" and fits(tag, kind, _fills(kind))),
        near=tuple(tag for kind, tag in tags if kind == "general" and tag.score >= _FILLS),
        broad=tuple(tag for tag in wide if tag.score >= wide[0].score - _AS_BROAD),
    )


def _fills(kind: str) -> float:
    return _FILLS if kind == "general" else _FILLS_WITH_A_WORD


def _shares(tag: str, said: frozenset[str]) -> bool:
    """Whether a word of a tag, or its beginning or end, is one that the clips say: "woodworking" has "wood"."""

    def same(one: str, word: str) -> bool:
        inside = word.startswith(one) or one.startswith(word) or one.endswith(word)
        return one == word or (min(len(one), len(word)) > 3 and inside)

    return any(same(part.removesuffix("s"), word) for part in tag.lower().split() for word in said)


def _fit(meanings: np.ndarray, topic: np.ndarray, sentences: np.ndarray, main: np.ndarray) -> np.ndarray:
    """How near common tags are to the clips: to all of them, to one of their sentences, or to what they are about."""
    whole = meanings @ topic
    fit = np.maximum(whole, 0.6 * whole + 0.4 * (meanings @ sentences.T).max(axis=1)) if len(sentences) else whole
    return np.maximum(fit, 0.5 * whole + 0.5 * (meanings @ main.T).max(axis=1)) if len(main) else fit


def _nearest_group(fit: np.ndarray, kinds: Sequence[str], groups: Sequence[str]) -> tuple[str, bool]:
    """The group whose best three tags are nearest, since one is near by a word alone; whether no other is as near."""
    held = {
        name: [fit[i] for i, group in enumerate(groups) if group == name and kinds[i] != "broad"]
        for name in set(groups)
    }
    nearness = {name: float(np.mean(sorted(fits)[-3:])) for name, fits in held.items()}
    best, second = sorted(sorted(nearness), key=lambda name: -nearness[name])[:2]
    return best, nearness[best] >= _NEAR and nearness[best] - nearness[second] >= _CLEARLY


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
def _table() -> tuple[list[str], list[str], list[str], np.ndarray]:
    """All common tags: their names, their kinds, their groups, and their meanings."""
    rows = [
        (name, kind, group)
        for group, held in _groups().items()
        for kind in ("broad", "general", "specific")
        for name in getattr(held, kind)
    ]
    names, kinds, groups = (list(column) for column in zip(*rows, strict=True))
    return names, kinds, groups, embed_fixed(tuple(names))
