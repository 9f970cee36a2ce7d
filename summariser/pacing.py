"""How long the shots of an idea should be, and when its hook must stand: as measured of the clips."""

import re
from dataclasses import replace

from summariser.brief import Idea, Measured, Shot
from summariser.languages import ENGLISH, Language
from summariser.sentences import count_words

LEAST_SECONDS, MOST_SECONDS = 6, 60  # of a clip whose length an idea takes over
_LONGER = 1.5  # times the usual shot from which on one is cut
_ONE_TAKE = 0.8  # of a clip: a shot as long as this means that there are no cuts
_SAYS_CUTS = re.compile(r"\b(shots?|planos?|plans?|Einstellung(en)?)\b")  # a shot that says itself how it is cut
_CUTS = {
    "en": "in {n} shots",
    "es": "en {n} planos",
    "de": "in {n} Einstellungen",
    "fr": "en {n} plans",
    "pt": "em {n} planos",
}
_ENGLISH = {
    "cut": "Cut every {shot} s, as {these}",
    "take": "Film it in one take, as {these}",
    "hook": "the hook is said by {hook} s",
    "text": "the first words stand on screen by {text} s",
}


def paced(idea: Idea, measured: Measured | None, language: Language | None = None, one_take: bool = False) -> Idea:
    """The idea with shots as long as its clips allow, and a sentence on its timing; as it is where nothing is known.

    One that lives of being a single take is not cut, however often the clips are.
    """
    if measured is None:
        return idea
    code = language.code if language else ENGLISH
    shots = _scaled(idea.shots, measured.seconds)
    timing = _timing(idea, measured, language, one_take)
    return replace(idea, shots=shots if one_take else _cut(shots, measured, code), timing=timing)


def _scaled(shots: tuple[Shot, ...], seconds: float | None) -> tuple[Shot, ...]:
    """The shots in the same proportions, together about as long as the clips."""
    total = sum(shot.seconds for shot in shots)
    if not seconds or not total or not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        return shots
    return tuple(Shot(max(1, round(shot.seconds * seconds / total)), shot.shows) for shot in shots)


def _cut(shots: tuple[Shot, ...], measured: Measured, code: str) -> tuple[Shot, ...]:
    """Where a shot is longer than those of the clips, into how many it is cut."""
    usual = measured.shot_seconds
    if not usual or _is_one_take(measured):
        return shots
    return tuple(
        replace(shot, shows=f"{shot.shows}, {_CUTS[code].format(n=round(shot.seconds / usual))}")
        if shot.seconds >= _LONGER * usual and not _SAYS_CUTS.search(shot.shows)
        else shot
        for shot in shots
    )


def _is_one_take(measured: Measured) -> bool:
    whole, usual = measured.seconds, measured.shot_seconds
    return bool(whole and usual and usual >= _ONE_TAKE * whole)


def _timing(idea: Idea, measured: Measured, language: Language | None, one_take: bool) -> str:
    words = language.timing if language and language.timing else _ENGLISH
    these = "the clip does" if measured.clips == 1 else f"these {measured.clips} clips do"
    parts = []
    if measured.shot_seconds and not one_take:
        form = words["take" if _is_one_take(measured) else "cut"]
        parts.append(form.format(shot=_number(measured.shot_seconds, language), these=these))
    spoken = _hook_by(idea, measured)
    if spoken:
        parts.append(words["hook"].format(hook=_number(spoken, language)))
    elif measured.text_first_at is not None:
        parts.append(words["text"].format(text=_number(measured.text_first_at, language)))
    line = "; ".join(parts)
    return f"{line[:1].upper()}{line[1:]}." if line else ""


def _hook_by(idea: Idea, measured: Measured) -> float | None:
    """When the opening line is said, begun as early and spoken as fast as in the clips; None without one."""
    if not idea.opening or measured.first_word_at is None or not measured.words_per_minute:
        return None
    return measured.first_word_at + 60 * count_words(idea.opening) / measured.words_per_minute


def _number(seconds: float, language: Language | None) -> str:
    """Tenths behind a point, or behind a comma in the languages besides English."""
    return f"{seconds:.1f}".replace(".", "," if language else ".")
