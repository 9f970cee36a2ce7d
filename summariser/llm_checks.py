"""What may stand in a text that a language model wrote about clips."""

import re
import unicodedata
from collections.abc import Callable, Iterator

from summariser.sentences import shorten

MAX_TEXT = 1200  # characters: 80 words of a language with long ones

PIECE_BYTES = 400  # about 60 words

MARKUP = re.compile(r"</?[a-z!][^>]*>|<\||\|>|\]\(|```|\[/?INST\]", re.IGNORECASE)
CONTACT = re.compile(
    r"\b(?:https?|ftp|javascript|mailto):\S|\bwww\.\S|\S@\S+\.\w|@\w{2}|\+?\d[\d ().-]{8,}\d|\.[a-z]{2,}/\w",
    re.IGNORECASE,
)
DOMAIN = re.compile(
    r"\b(?:[\w-]+\.)+"
    r"(?:com|net|org|info|biz|io|ai|co|me|ly|gg|ru|cn|de|uk|xyz|top|site|online|shop|app|dev|link|click|tv|tk)\b",
    re.IGNORECASE,
)
ENDS = tuple(".!?…。！？\"'”’)」』）")


def clean(text: str) -> str:
    """One line without control, private, direction and half characters, nor Markdown's bold."""
    kept = (sign if sign in "\u200c\u200d" or unicodedata.category(sign)[0] != "C" else " " for sign in text)
    return " ".join("".join(kept).replace("**", "").split())


def cut(text: str, words: int) -> str:
    """Whole sentences of at most `words` words together, or the beginning of the first one."""
    kept = shorten(text, words)
    return kept if kept == text or kept.endswith(ENDS) else kept.rstrip(" ,;:") + "…"


def problem(text: str, known: str) -> str | None:
    """What is wrong with a text that a model wrote, in words that quote none of it; None where nothing is.

    `known`, in case-folded letters, is what the clips say: a name such as "booking.com" may be what a clip is about,
    anything more is an invitation to go somewhere.
    """
    if not text:
        return "is empty"
    if len(text) > MAX_TEXT:
        return "is far too long"
    if MARKUP.search(text):
        return "holds markup"
    if CONTACT.search(text) or any(name[0].casefold() not in known for name in DOMAIN.finditer(text)):
        return "holds a link, an address, a number or an account"
    return None


def utf8_bytes(text: str) -> int:
    return len(text.encode(errors="replace"))


def pieces_of(text: str, size: int, measure: Callable[[str], int] = utf8_bytes) -> Iterator[str]:
    """Split one line of text at spaces into pieces of at most `size`, as `measure` adds them up."""
    piece, used = "", 0
    for chunk in re.findall(r"\S{1,20} ?", text):  # a script without spaces is split anywhere
        length = measure(chunk)
        if used + length > size and piece:
            yield piece.strip()
            piece, used = "", 0
        piece += chunk
        used += length
    if piece:
        yield piece.strip()
