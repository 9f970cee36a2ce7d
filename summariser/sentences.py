"""Take a text apart into sentences, word for word, and count its words."""

import re
from typing import NamedTuple

from core.sentences import split_sentences
from summariser.brief import SUMMARY_WORDS

# Scripts that are written without spaces: one character counts as a word.
_UNSPACED = "\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
UNSPACED = re.compile(f"[{_UNSPACED}]")
_WORD = re.compile(rf"[{_UNSPACED}]|[^\s{_UNSPACED}]+")
_UNSEEN = re.compile("[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]")  # control and text direction characters
_LETTERS_A_WORD = 24  # a longer run of letters counts as several words
# Words that open a new thought in speech without punctuation; the first kind may be left out of a piece.
_LINKS = frozenset("and so but then because plus okay also".split())
_OPENERS = frozenset("i you we they he she it this that these there if when now next first finally don't just".split())
_PIECE_LOWEST, _PIECE_GOOD, _PIECE_HIGHEST = 6, 11, 24  # words of a piece cut from a run-on sentence


class Sentence(NamedTuple):
    """`text` stands word for word in its source; `whole` is False where it was cut from one that is too long."""

    text: str
    words: int
    whole: bool = True


def count_words(text: str) -> int:
    """Count words: the runs between spaces, and each character of a script that is written without spaces."""
    return sum(1 + len(word[0]) // _LETTERS_A_WORD for word in _WORD.finditer(text))


def split(text: str) -> list[Sentence]:
    """Split a text at sentence ends and line breaks; runs of spaces become one.

    A sentence of more than 80 words is cut before words that open a new thought, so that none returned is longer. What
    holds neither letter nor digit is left out.
    """
    sentences = []
    for line in text.splitlines():
        for sentence in split_sentences(_UNSEEN.sub("", " ".join(line.split()))):
            words = count_words(sentence)
            if words > SUMMARY_WORDS:
                pieces = [Sentence(piece, count_words(piece), False) for piece in _cut(sentence)]
                sentences += [piece for piece in pieces if piece.words <= SUMMARY_WORDS]
            elif any(map(str.isalnum, sentence)):
                sentences.append(Sentence(sentence, words))
    return sentences


def shorten(text: str, most: int = SUMMARY_WORDS) -> str:
    """Keep the first sentences of `text` that have at most `most` words together.

    A first sentence that is longer alone is cut at the last thought, or else the last word, that fits.
    """
    kept, left = [], most
    for sentence in split(text):
        if sentence.words > left:
            break
        kept.append(sentence.text)
        left -= sentence.words
    return " ".join(kept) if kept else _first_words(text, most)


def _cut(sentence):
    """Cut a sentence without end into pieces of 6 to 24 words, where a comma or an opening word allows."""
    tokens = list(_WORD.finditer(sentence))
    first = 0
    while first < len(tokens):
        if len(tokens) - first <= _PIECE_GOOD:
            after = len(tokens)
        else:
            after = max(range(first + 1, min(first + _PIECE_HIGHEST, len(tokens)) + 1), key=_ease(tokens, first))
        piece = tokens[first:after]
        while len(piece) > _PIECE_LOWEST and piece[0][0].lower() in _LINKS:
            piece = piece[1:]
        yield sentence[piece[0].start() : piece[-1].end()].rstrip(",;:")
        first = after


def _ease(tokens, first):
    """Say how well a piece that begins at token `first` could end before each token."""

    def ease(place):
        words = place - first
        if words < _PIECE_LOWEST or 0 < len(tokens) - place < _PIECE_LOWEST:
            return -100 + words
        if place == len(tokens):
            return 4
        follower, last = tokens[place][0].lower(), tokens[place - 1][0]
        after_link = last.lower() in _LINKS
        opens = 3 if follower in _LINKS else 2 if follower in _OPENERS else 0
        return (4 if last[-1] in ",;:，、" else 0) + opens - 3 * after_link - abs(words - _PIECE_GOOD) / 5

    return ease


def _first_words(text, most):
    tokens = list(_WORD.finditer(text))
    return text[: tokens[min(most, len(tokens)) - 1].end()].strip() if tokens else ""
