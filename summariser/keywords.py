"""The noun phrases that tell what some clips are about, best first.

Candidates are noun phrases by part of speech, ranked by nearness in meaning to the whole and by how often they come
(after Grootendorst, "KeyBERT", 2020), and picked against repetition.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from core import hashtags
from summariser import grammar
from summariser.grammar import Token
from summariser.sentences import UNSPACED

MOST = 10  # keywords
LEAST = 5  # keywords, where the clips have as many
MAX_CANDIDATES = 100  # that are compared in meaning
_MAX_ASKED = 2  # of the tags asked for that are given back
_FITS = 0.3  # cosine to the clips from which a tag asked for is given back
_WEAK = 0.35  # share of the best score below which a keyword is left out once there are enough
_MAX_PHRASE = 3  # words
# Nouns of Chinese and Japanese, which put no spaces between words, are mostly in these two scripts.
_IDEOGRAMS = re.compile("[\u4e00-\u9fff]{2,6}|[\u30a1-\u30ff]{2,12}")
_MARKUP = re.compile(r"<[^<>]{0,200}>")
_BREAK = " . "  # between sentences: no phrase holds a full stop

# Nouns that say nothing of what a clip is about.
EMPTY_NOUNS = frozenset(
    "thing stuff something anything nothing everything way lot bit kind sort type part piece side end start top"
    " bottom middle front back rest half couple number amount set list point case fact reason idea question"
    " answer problem result difference change step tip trick hack secret mistake rule thought word name line"
    " place spot area time today tomorrow yesterday tonight morning afternoon evening night noon day week month"
    " year hour minute second moment while monday tuesday wednesday thursday friday saturday sunday january"
    " february march april may june july august september october november december people person man woman guy"
    " girl boy kid everyone someone anyone nobody friend viewer follower creator fan beginner one two three life world"
    " home show video clip channel series episode content pov post comment link bio account profile page follow"
    " like subscribe share view tiktok youtube instagram reel hashtag caption version example use need look try"
    " go turn take thank thanks please hey hi hello wow ok okay yes no game-changer total price cost dollar euro"
    " pound percent cup handful drop pinch spoon tablespoon teaspoon gram box pair bunch order size detail"
    " attention help sense job work chance choice win fix find proof mode mine edge surface hand left right gon"
    " na wan gotta uh um er ah oh am pm amp quot http https www com everybody mom dad whoever favorite favourite"
    " reply seat f c".split()
)
# Adjectives that no one searches for.
_EMPTY_ADJECTIVES = frozenset(
    "first second third last next new old same other another different whole full little small big large huge"
    " tiny great good best better nice bad worst worse right wrong real true sure able own few many much more"
    " most less least several such certain various main only single final actual entire favorite favourite easy"
    " simple hard quick fast short long ready clear perfect amazing incredible crazy insane super ultimate extra"
    " total happy ripe rotten messy open close minute hour enough everyday usual important possible free one two"
    " like".split()
)
_WITHOUT = frozenset("no not without zero less never".split())
_DETERMINERS = ("AT0", "DPS", "DT0", "POS", "ORD")
_QUANTIFIERS = frozenset("any some no more enough much all most".split())


@dataclass(frozen=True)
class Keyword:
    """`text` is lower case but for acronyms. `article` is how the clips use it in the singular: "a", "the" or "".

    `clips` are the numbers, from 0, of the clips that say or show it; `spoken` is False where none says it.
    `noun` is False where the language is not known well enough to tell.
    """

    text: str
    lemmas: tuple[str, ...]
    plural: bool = False
    article: str = ""
    clips: tuple[int, ...] = ()
    count: int = 1
    spoken: bool = False
    noun: bool = True

    def in_sentence(self) -> str:
        """The phrase with its article, as it stands in the middle of a sentence."""
        if self.plural or not self.article:
            return self.text
        return f"{a_or_an(self.text) if self.article == 'a' else 'the'} {self.text}"

    def in_general(self) -> str:
        """The phrase for all of its kind: "index funds", but "bread" and "the sea"."""
        return grammar.plural(self.text) if self.article == "a" and not self.plural else self.in_sentence()


def a_or_an(phrase: str) -> str:
    """The indefinite article by the sound that `phrase` begins with."""
    first = phrase.split()[0]
    if first.isupper() and len(first) > 1:
        return "an" if first[0] in "AEFHILMNORSX" else "a"
    if re.match(r"(?i)(eu|one\b|once|uni([^nm]|$)|us[ea]|ut[ei]|ubi)", first):
        return "a"
    return "an" if re.match(r"(?i)([aeiou]|hour|honest|honou?r|heir)", first) else "a"


def asked(tags: Sequence[str]) -> list[Keyword]:
    """The tags asked for, as keywords of no clip."""
    return [Keyword(text, tuple(text.lower().split())) for text in dict.fromkeys(map(hashtags.words, tags)) if text]


def candidates(spoken: Sequence[Sequence[str]], shown: Sequence[Sequence[str]]) -> list[Keyword]:
    """Find the noun phrases in the sentences and the on-screen lines of each clip, most frequent first."""
    uses: dict[tuple[str, ...], list[Keyword]] = {}
    said = []
    for sentences, lines in zip(spoken, shown, strict=True):
        texts = [(text, True) for text in sentences] + [(text, False) for text in lines]
        parsed = [(grammar.parse(_MARKUP.sub(" ", text)), is_spoken) for text, is_spoken in texts]
        for tokens, is_spoken in parsed:
            for phrase in _phrases(tokens, is_spoken):
                uses.setdefault(phrase.lemmas, []).append(phrase)
        said.append(_BREAK.join(_spelled(_lemmas(tokens)) for tokens, _ in parsed))
    often = sorted(uses, key=lambda lemmas: -len(uses[lemmas]))[: 3 * MAX_CANDIDATES]
    found = [_merged(lemmas, uses[lemmas], said) for lemmas in often]
    keywords = [keyword for keyword in found if not _is_better_said(keyword, found)]
    keywords.sort(key=lambda keyword: (-len(keyword.clips), -keyword.count, -len(keyword.lemmas)))
    return keywords[:MAX_CANDIDATES]


def subjects(keywords: Sequence[Keyword]) -> list[Keyword]:
    """The keywords that a picture or an idea can be about: nouns that the clips say, or else show, or else any."""
    nouns = [keyword for keyword in keywords if keyword.noun] or list(keywords)
    return [k for k in nouns if k.spoken] or [k for k in nouns if k.clips] or nouns


def choose(
    found: Sequence[Keyword],
    meanings: np.ndarray,
    asked_for: Sequence[Keyword],
    asked_meanings: np.ndarray,
    topic: np.ndarray,
) -> list[Keyword]:
    """Pick 5 to 10 keywords, best first: near to the topic, frequent, from every clip, and unlike one another.

    `meanings` and `asked_meanings` are the unit vectors of `found` and `asked_for`, shape (n, 384); `topic` is that of
    all clips, shape (384,). Where the clips have fewer than 5, tags asked for fill up.
    """
    scores = meanings @ topic + 0.3 * _nearest(meanings, asked_meanings)
    scores += [0.1 * (len(k.clips) - 1) + 0.06 * math.log(k.count) + 0.12 * (len(k.lemmas) > 1) for k in found]
    fit = asked_meanings @ topic
    welcome = sorted(range(len(asked_for)), key=lambda i: -fit[i])
    fits = _FITS if any(keyword.noun for keyword in found) else -1
    welcomed = [(float(fit[i]), asked_for[i]) for i in welcome[:_MAX_ASKED] if fit[i] >= fits]
    best_first = sorted(range(len(found)), key=lambda i: (-scores[i], found[i].text))
    chosen: list[tuple[float, Keyword]] = []
    vectors: list[np.ndarray] = []
    for i in [*_first_of_each_clip(found, best_first), *best_first]:
        full = len(chosen) + len(welcomed) >= MOST
        enough = len(chosen) >= LEAST and scores[i] < _WEAK * scores[best_first[0]]
        is_asked = any(found[i].lemmas == keyword.lemmas for _, keyword in welcomed)
        if full or enough or is_asked or _repeats(found[i], meanings[i], [k for _, k in chosen], vectors):
            continue
        chosen.append((float(scores[i]), found[i]))
        vectors.append(meanings[i])
    keywords = [keyword for _, keyword in sorted(chosen + welcomed, key=lambda pair: -pair[0])]
    return keywords + [k for k in asked_for if k not in keywords][: max(0, LEAST - len(keywords))]


def _first_of_each_clip(found, best_first):
    clips = sorted({clip for keyword in found for clip in keyword.clips})[: MOST // 2]
    return [next(i for i in best_first if clip in found[i].clips) for clip in clips]


def _nearest(meanings, others):
    return (meanings @ others.T).max(axis=1) if len(others) else np.zeros(len(meanings))


def _repeats(keyword, meaning, chosen, vectors):
    """Say whether a chosen keyword already says the same, in the same words or in others."""
    words = set(keyword.lemmas)
    for other in chosen:
        shared = words & set(other.lemmas)
        if shared and (shared == words or shared == set(other.lemmas)):
            return True
    crowded = any(sum(lemma in other.lemmas for other in chosen) >= 2 for lemma in words)
    return crowded or any(float(meaning @ vector) > 0.8 for vector in vectors)


def _lemmas(words: Iterable[Token]):
    return tuple(" ".join(word.lemma.lower() for word in words).replace("-", " ").split())


def _spelled(lemmas):
    """Lemmas as a text in which one phrase can be found inside another, word for word."""
    return f" {' '.join(lemmas)} "


def _merged(lemmas, phrases, said):
    """One keyword from all uses of the same lemmas: the commonest form, and an article that fits it.

    It is counted wherever the clips say these words, since the tagger sees the noun phrase in most of them only.
    """
    texts = Counter(phrase.text for phrase in phrases)
    text = max(texts, key=lambda form: (texts[form], form))
    articles = {phrase.article for phrase in phrases if not phrase.plural}
    article = next((choice for choice in ("", "a", "the") if choice in articles), "the")
    plural = next(phrase.plural for phrase in phrases if phrase.text == text)
    counts = [text_said.count(_spelled(lemmas)) for text_said in said]
    clips = tuple(clip for clip, count in enumerate(counts) if count)
    return Keyword(
        text, lemmas, plural, article, clips, max(1, sum(counts)), any(p.spoken for p in phrases), phrases[0].noun
    )


def _is_better_said(keyword, found):
    """Say whether a longer phrase holds every use of this one, or a shorter one is what the clips come back to."""
    for other in found:
        if len(other.lemmas) > len(keyword.lemmas) and _spelled(keyword.lemmas) in _spelled(other.lemmas):
            if other.count == keyword.count:
                return True
        elif (
            1 < len(other.lemmas) < len(keyword.lemmas)
            and other.count > keyword.count
            and _spelled(other.lemmas) in _spelled(keyword.lemmas)
        ):
            return True
    return False


def _phrases(tokens, is_spoken) -> Iterable[Keyword]:
    """Yield the noun phrases of one sentence or line. An article of None tells nothing of how the phrase is used."""
    if not grammar.is_english([token.text for token in tokens]):
        yield from _foreign_words(tokens, is_spoken)
        return
    place = 0
    while place < len(tokens):
        chunk = _without_verb(tokens, place, _chunk_from(tokens, place)) if is_spoken else _chunk_from(tokens, place)
        before = tokens[place - 1] if place else None
        for words in () if _is_absent(chunk, before) else _parts(chunk, before):
            yield _phrase(words, _article(before, tokens[place], is_spoken), is_spoken, words[0] is tokens[0])
        place += max(1, len(chunk))


def _chunk_from(tokens, place):
    """The longest run of adjectives and nouns from `place` on, ending in a noun."""
    end = place
    while end < len(tokens) and _in_phrase(tokens[end], tokens[end + 1] if end + 1 < len(tokens) else None):
        end += 1
        if tokens[end - 1].tag == "NN2":  # what follows a plural is a verb, or a phrase of its own
            break
    while end > place and not tokens[end - 1].is_noun:
        end -= 1
    return tokens[place:end]


def _without_verb(tokens, place, chunk):
    """The chunk without a last word that is the verb of its clause: "the assistant answers in seconds"."""
    actors = ("NN1", "NP0", "AJ0") if len(chunk) > 2 else ("NN1", "NP0")  # "assistant" is an adjective to the tagger
    if len(chunk) < 2 or chunk[-1].tag != "NN2" or chunk[-2].tag not in actors:
        return chunk
    end = place + len(chunk)
    start = next((n + 1 for n in range(place - 1, -1, -1) if _divides(tokens[n])), 0)
    stop = next((n for n in range(end, len(tokens)) if _divides(tokens[n])), len(tokens))
    others = [*tokens[start:place], *tokens[end:stop]]
    goes_on = end < stop and tokens[end].tag in ("PRP", "AV0", "AT0", "AVP", "DPS")
    bound = "CJS" in (tokens[start - 1].tag if start else "", tokens[stop].tag if stop < len(tokens) else "")
    return chunk[:-1] if (goes_on or (bound and end == stop)) and not any(token.is_verb for token in others) else chunk


def _divides(token):
    return token.tag.startswith(("PU", "CJ"))


def _in_phrase(token, follower):
    if len(token.text) < 2 or not token.text.replace("-", "").isalpha():
        return False
    # Creators' new words, such as "chatgpt", are unclassified; "machine learning model" has its gerund in the middle.
    return token.is_noun or token.tag in ("AJ0", "UNC") or (token.tag == "VVG" and follower and follower.is_noun)


def _parts(chunk, before):
    """Yield the phrases in a chunk: up to three words with the head, the head alone, and compounds before it."""
    while chunk and (_is_empty_opening(chunk[0], before) or _is_unit(chunk, before)):
        before, chunk = None, chunk[1:]
    empty = [place for place, token in enumerate(chunk) if token.lemma in _EMPTY_ADJECTIVES]
    if empty:
        chunk = chunk[empty[-1] + 1 :]
    if not chunk:
        return
    if chunk[-1].lemma.lower() in EMPTY_NOUNS or chunk[-1].text.lower() in EMPTY_NOUNS:
        if len(chunk) > 1 and not _is_dull(chunk[:-1]):
            yield chunk[-_MAX_PHRASE:]
        return
    yield chunk[-_MAX_PHRASE:]
    if len(chunk) > 1 and chunk[0].tag == "AJ0":
        yield chunk[1:][-_MAX_PHRASE:]
    if len(chunk) > 2 and all(token.is_noun for token in chunk[:2]):
        yield chunk[:2]
    if len(chunk) > 1 and not chunk[-1].text.endswith("ing"):
        yield chunk[-1:]


def _is_absent(chunk, before):
    """Say whether a clip names this as what it does without: "no internet connection", "very little memory"."""
    word = before.text.lower() if before else ""
    return word in _WITHOUT or (word == "very" and chunk and chunk[0].lemma == "little")


def _is_empty_opening(token, before):
    gerund = token.text.endswith("ing") and before is not None and before.is_verb
    verb = before is not None and before.tag == "NN2" and token.is_noun  # "families cook", "beans matter"
    return gerund or verb or token.lemma in _EMPTY_ADJECTIVES or (not token.is_noun and token.lemma in EMPTY_NOUNS)


def _is_unit(chunk, before):
    """Whether a chunk begins with what is counted: "one part coffee", "a cup milk"."""
    return len(chunk) > 1 and before is not None and before.tag == "CRD" and chunk[0].lemma.lower() in EMPTY_NOUNS


def _is_dull(words):
    """Say whether these words do not save an empty noun after them: "cooking" saves "hack", "little" does not."""
    return not any(word.is_noun and word.lemma.lower() not in EMPTY_NOUNS for word in words)


def _phrase(words: Sequence[Token], article, is_spoken, opens):
    plural = words[-1].tag == "NN2"
    named = [_plain(word, is_spoken and not (opens and n == 0)) for n, word in enumerate(words)]
    text = " ".join(named).replace("-", " ")
    return Keyword(text, _lemmas(words), plural, article, spoken=is_spoken)


def _plain(word, said_inside):
    """A word in small letters, but for acronyms and names: words with a capital within a sentence, or known ones."""
    is_name = word.text.istitle() and (said_inside or word.tag == "NP0")
    return word.text if is_name or grammar.is_acronym(word.text) else word.text.lower()


def _article(before, first, is_spoken):
    if first.tag == "NP0" and not (before and before.tag in _DETERMINERS):
        return ""
    if not is_spoken or (before and (before.tag == "CJC" or not before.text.isalnum())):
        return None
    if before and (before.text.lower() in ("a", "an", "one", "every", "each")):
        return "a"
    if before and before.text.lower() in _QUANTIFIERS:
        return ""
    return "the" if before and before.tag in _DETERMINERS else ""


def _foreign_words(tokens, is_spoken):
    """The longer words of a line that is not in English; no part of speech is known there."""
    for token in tokens:
        words = _IDEOGRAMS.findall(token.text) or [token.text.lower()]
        for word in words:
            if _IDEOGRAMS.match(word) or (5 <= len(word) <= 20 and word.isalpha() and not UNSPACED.search(word)):
                yield Keyword(word, (word,), spoken=is_spoken, noun=False)
