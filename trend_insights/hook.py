"""The first three seconds: what is said, shown and heard in them."""

import re
from collections.abc import Sequence

import numpy as np

from core.sentences import split_sentences
from trend_insights import loudness
from trend_insights.traits import Box, Hook

SECONDS = 3.0
LONGEST = 160  # characters of a sentence that are kept
QUESTION = re.compile(
    r"\?|^(?:who|what|why|how|when|where|which|whose|ever|is|are|do|does|did|have|has|can|could|would|will|should)"
    r"\b(?!.*[.!]$)",
    re.IGNORECASE,
)
NUMBER = re.compile(
    r"^(?:\W*\w+){0,5}?\W*\b(?:\d[\d.,]*%?|two|three|four|five|six|seven|eight|nine|ten|twelve|hundred|thousand|million)\b",
    re.IGNORECASE,
)
# What opens a sentence that tells one to do something. Verbs that are as often nouns are left out.
COMMANDS = frozenset(
    "add ask avoid bake be become begin believe boil book bring build buy call carry check choose chop click come "
    "comment compare cook create cut do don't download eat enjoy fill find fix follow forget fry get give go grab "
    "guess hang have hear hold imagine join keep learn leave let let's listen look make meet mix never pack pick "
    "please pour put quit read remember save say see send share show skip sleep slice soak spend start stay stop "
    "stir subscribe swap take tell think throw train travel treat try turn use wait wake walk wash watch wear "
    "write".split()
)


def first_sentence(phrases: Sequence[tuple[float, float, str]]) -> tuple[str, float] | None:
    """The first sentence that is said and when its phrase begins; None where nothing is said."""
    spoken = [(start, text.strip()) for start, _, text in phrases if re.search(r"\w", text)]
    if not spoken:
        return None
    whole = " ".join(" ".join(text for _, text in spoken).split())
    return split_sentences(whole)[0][:LONGEST], spoken[0][0]


def kind(sentence: str) -> str:
    """What a sentence is, by rule: "question", "command", "number" or "claim"."""
    words = re.findall(r"[\w'’]+", sentence.lower().replace("’", "'"))
    if QUESTION.search(sentence.strip()):
        return "question"
    if words and words[0] in COMMANDS and not (len(words) > 1 and words[1] in ("is", "are", "was", "were")):
        return "command"
    return "number" if NUMBER.search(sentence) else "claim"


def measure(
    phrases: Sequence[tuple[float, float, str]],
    texts: Sequence[tuple[float, float, str, Box]] | None,
    motion: float | None,
    steps: np.ndarray,
    first_word_at: float | None = None,
) -> Hook:
    """What happens in the first SECONDS. `motion` is the picture's, `steps` the sound's loudness.energies.

    A phrase may begin before one hears it: `first_word_at` is then when the hook does.
    """
    opening = first_sentence([phrase for phrase in phrases if phrase[0] < SECONDS] and phrases)
    shown = [text for start, _, text, _ in texts or () if start < SECONDS]
    return Hook(
        text=opening and opening[0],
        kind=opening and kind(opening[0]),
        at=opening and round(opening[1] if first_word_at is None else first_word_at, 2),
        on_screen=" ".join(dict.fromkeys(shown))[:LONGEST] or None,
        motion=motion,
        loudness_lufs=loudness.integrated(steps[: round(SECONDS / loudness.STEP)]),
        confidence=0.7 if opening else 0.9,
    )
