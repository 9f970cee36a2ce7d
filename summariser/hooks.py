"""How a clip opens: the kind of hook that its first sentence is."""

import re
from dataclasses import dataclass

from summariser import grammar
from summariser.languages import Language
from summariser.sentences import count_words

_QUOTABLE_WORDS = 14  # a longer hook is named, not quoted

_PRESENT = ("VVZ", "VVB", "VBZ", "VBB", "VHZ", "VHB", "VM0")  # tags of verbs in the present
_NUMBERS = "two|three|four|five|six|seven|eight|nine|ten|[2-9]|1[0-9]|20"
# In order: the first that matches tells the kind.
_KINDS = (
    ("pov", r"pov\b"),
    ("warning", r"(please )?(stop|don['’]?t|do not|never|quit|avoid|beware)\b|.*\byou['’]?(re| are) .*\bwrong\b"),
    ("question", r".*\?$|(what|why|how|who|did you|do you|have you|are you|ever) .*\?"),
    ("list", rf"(here are |these |my |top |the )*({_NUMBERS})\b"),
    ("confession", r"(i|my|we)\b.*\b(tried|used to|spent|regret|hated|fixed|quit|never|wrong|until|tested|failed)\b"),
    ("secret", r".*\b(secrets?|hidden|nobody|no one|everyone|everybody|most people|truth|myth|underrated)\b"),
    ("promise", r".*\b(you can|can carry|in (a |an |one )?\w+ (seconds?|minutes?|days?)|ready before|without)\b"),
    ("problem", r"(if|when)\b|.*\b(because|looks?|feels?|disappears?)\b"),
)


@dataclass(frozen=True)
class Hook:
    """`kind` is one of those above, "command", "report" (of what was), "statement" (of what is) or, of a
    clip without speech, "none".

    `quote` is the sentence without its end mark, or empty where it is too long to quote.
    """

    kind: str
    quote: str = ""


def read(sentence: str, language: Language | None = None) -> Hook:
    """Tell what kind of hook a clip's first sentence is; without a `language` it is in English."""
    if not sentence:
        return Hook("none")
    quote = sentence.strip("\"'“”‘’¿¡ ").rstrip(".!?…。！？\"'”’ ")
    if count_words(quote) > _QUOTABLE_WORDS or len(quote) > 90 or re.search(r"[.!?…\"“”]", quote):
        quote = ""
    if language:
        return Hook(_kind_in(language, sentence.lower()), quote)
    kind = next((kind for kind, pattern in _KINDS if re.match(pattern, sentence.lower())), "")
    if kind not in ("", "problem"):
        return Hook(kind, quote)
    tags = [token.tag for token in grammar.parse(sentence)]
    if tags and tags[0] in ("VVB", "VVI"):  # "Boil them until they look fluffy" is no problem
        return Hook("command", quote)
    if kind:
        return Hook(kind, quote)
    told = any(tag in ("VVD", "VBD", "VHD") for tag in tags) and not any(tag in _PRESENT for tag in tags)
    return Hook("report" if told else "statement", quote)


def _kind_in(language: Language, sentence: str) -> str:
    if sentence.rstrip("\"'”’» ").endswith("?"):
        return "question"
    opening = sentence.lstrip("¿¡«“\"' ")
    return next((kind for kind, words in language.hooks if re.match(rf"({words})(?!\w)", opening)), "statement")
