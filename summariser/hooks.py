"""How a clip opens: the kind of hook that its first sentence is."""

import re
from dataclasses import dataclass

from summariser import grammar
from summariser.sentences import count_words

_QUOTABLE_WORDS = 14  # a longer hook is named, not quoted

_NUMBERS = "two|three|four|five|six|seven|eight|nine|ten|[2-9]|1[0-9]|20"
# In order: the first that matches tells the kind.
_KINDS = (
    ("pov", r"pov\b"),
    ("warning", r"(please )?(stop|don['’]?t|do not|never|quit|avoid|beware)\b|.*\byou['’]?(re| are) .*\bwrong\b"),
    ("question", r".*\?$|(what|why|how|who|did you|do you|have you|are you|ever) .*\?"),
    ("list", rf"(here are |these |my |top |the )*({_NUMBERS})\b"),
    ("confession", r"(i|my|we)\b.*\b(tried|was|were|used to|spent|regret|hated|fixed|quit|never|wrong|until|tested)\b"),
    ("secret", r".*\b(secrets?|hidden|nobody|no one|everyone|everybody|most people|truth|myth|underrated)\b"),
    ("promise", r".*\b(you can|can carry|in (a |an |one )?\w+ (seconds?|minutes?|days?)|ready before|without)\b"),
    ("problem", r"(if|when)\b|.*\b(because|looks?|feels?|disappears?)\b"),
)


@dataclass(frozen=True)
class Hook:
    """`kind` is one of those above, "command", "statement" or, of a clip without speech, "none".

    `quote` is the sentence without its end mark, or empty where it is too long to quote.
    """

    kind: str
    quote: str = ""


def read(sentence: str) -> Hook:
    """Tell what kind of hook a clip's first sentence is."""
    if not sentence:
        return Hook("none")
    quote = sentence.strip("\"'“”‘’ ").rstrip(".!?…。！？\"'”’ ")
    if count_words(quote) > _QUOTABLE_WORDS or len(quote) > 90 or re.search(r"[.!?…\"“”]", quote):
        quote = ""
    for kind, pattern in _KINDS:
        if re.match(pattern, sentence.lower()):
            return Hook(kind, quote)
    opening = grammar.parse(sentence)[:1]
    return Hook("command" if opening and opening[0].tag in ("VVB", "VVI") else "statement", quote)
