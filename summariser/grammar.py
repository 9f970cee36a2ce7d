"""English parts of speech: which words of a sentence are nouns, and how a sentence opens.

The tagger is HanTa, the Hanover Tagger (Wartena, "The Hanover Tagger", 2023), with its English model; its tags are
those of the British National Corpus (CLAWS 5): NN1 a noun in the singular, AJ0 an adjective, VVB a verb, and so on.
"""

import functools
import gzip
import hashlib
import pickle  # of what `_tagger` has looked at # nosec B403
import re
import threading
from collections.abc import Sequence
from typing import NamedTuple

from core.packages import package_folder

MODEL_SHA256 = "99ddc9b14b3fe604b245e2d7a3aef59ab1bdd06b1bae4f4ce74738902e2a0265"  # morphmodel_en.pgz of HanTa 1.2.1
MAX_WORD = 30  # letters; the tagger's time grows with the square of a word's length

_TOKEN = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*|\d+(?:[.,:]\d+)*|\S")
_CONTRACTION = re.compile(r"(n't|'(?:s|re|ve|ll|d|m))\b", re.IGNORECASE)
_CANNOT = re.compile(r"\b(can)(not)\b", re.IGNORECASE)  # a noun to the tagger
# Verbs that open a tip; the tagger's lexicon knows them better as nouns.
_COMMANDS = frozenset(
    "add bake blend boil book bring brush buy check chop clean coat cook count cut drain dress drop dust film fill fold"
    " follow fry grab grate grill heat layer leave line look mix pack pair pan paste pat pick pin place plan plug pour"
    " press prompt put ride roast roll salt save scroll season send shake shape shop sit slice smooth soak spray"
    " sprinkle start steam stir stop style swap taste tie toast top toss train travel try tuck turn twist use visit"
    " walk wash watch wear whip wrap".split()
)
_PLURALS = {
    "man": "men", "woman": "women", "child": "children", "person": "people", "foot": "feet", "tooth": "teeth",
    "mouse": "mice", "goose": "geese", "knife": "knives", "life": "lives", "wife": "wives", "leaf": "leaves",
    "loaf": "loaves", "shelf": "shelves", "half": "halves", "wolf": "wolves", "calf": "calves", "thief": "thieves",
    "scarf": "scarves", "fish": "fish", "sheep": "sheep", "deer": "deer", "series": "series", "species": "species",
    "aircraft": "aircraft", "quiz": "quizzes",
}  # fmt: skip
_WITH_ES = frozenset("potato tomato hero echo mango".split())
_CLAUSE_OPENERS = frozenset("and then or but so first next last finally also just please now".split())
_CLAUSE_ENDERS = frozenset("before after until when because while if that so".split())

_loading = threading.Lock()


class Token(NamedTuple):
    text: str
    lemma: str
    tag: str

    @property
    def is_noun(self) -> bool:
        return self.tag in ("NN0", "NN1", "NN2", "NP0")

    @property
    def is_verb(self) -> bool:
        return self.tag[:2] in ("VV", "VB", "VD", "VH", "VM")


@functools.lru_cache(maxsize=4096)
def parse(sentence: str) -> tuple[Token, ...]:
    """Tag the words of one sentence, without words of more than 30 letters; capitals throughout count for nothing."""
    text = _CONTRACTION.sub(r" \1", _CANNOT.sub(r"\1 \2", sentence.replace("’", "'")))
    words = [word for word in _TOKEN.findall(text) if len(word) <= MAX_WORD]
    if sum(word.isupper() and len(word) > 1 for word in words) > len(words) / 2:
        words = [word if is_acronym(word) else word.lower() for word in words]
    if not words:
        return ()
    with _loading:
        tokens = [Token(word, str(lemma), tag) for word, lemma, tag in _tagger().tag_sent(words)]
    return tuple(_command(tokens, place) or token for place, token in enumerate(tokens))


def is_english(words: Sequence[str]) -> bool:
    """Say whether the tagger's English lexicon knows at least half of these words."""
    words = [word.lower() for word in words if word.isalpha()]
    with _loading:
        known = sum(word in _tagger().cache for word in words)
    return bool(words) and known >= len(words) / 2


def is_acronym(word: str) -> bool:
    return word in _ACRONYMS


def plural(phrase: str) -> str:
    """A phrase whose last word is a noun in the singular, in the plural: "index funds", "knives"."""
    start, space, word = phrase.rpartition(" ")
    small = word.lower()
    if small in _PLURALS:
        return f"{start}{space}{_PLURALS[small]}"
    if small.endswith(("s", "x", "z", "ch", "sh")) or small in _WITH_ES:
        return f"{phrase}es"
    if small.endswith("y") and small[-2:-1] not in "aeiou":
        return f"{phrase[:-1]}ies"
    return f"{phrase}s"


def load() -> None:
    """Load the tagger, once in this process: about 0.5 s, most of it the import."""
    with _loading:
        _tagger()


# Acronyms of creators' texts. On-screen text is often all in capitals, so capitals alone tell nothing.
_ACRONYMS = frozenset(
    "AI API AR BBQ BPM CEO CPU CSS CV DIY DJ ETF EV FAQ FYP GPT GPU GRWM HIIT HR HTML ID IRL IT LED LLM ML NFT NYC OOTD"
    " PC PDF POV PR QA RAM RPG SEO SPF SQL SSD TV UI UK UN US USA USB UV UX VIP VPN VR WFH XR".split()
)


def _command(tokens, place):
    """The word at `place` as a verb, where it opens a clause, names an action, and the clause has no other verb."""
    token = tokens[place]
    before = tokens[place - 1] if place else None
    opens = before is None or before.tag.startswith("PU") or before.text.lower() in _CLAUSE_OPENERS
    if not (opens and token.is_noun and token.text.lower() in _COMMANDS):
        return None
    for other in tokens[place + 1 :]:
        if other.tag.startswith(("PU", "CJ")) or other.text.lower() in _CLAUSE_ENDERS:
            break
        if other.is_verb and other.tag not in ("VVN", "VVG"):
            return None
    return token._replace(lemma=token.text.lower(), tag="VVB")


@functools.cache
def _tagger():
    from HanTa.HanoverTagger import HanoverTagger

    # A pickle can run anything that it holds: the very bytes are unpickled that were looked at.
    model = (package_folder("HanTa") / "morphmodel_en.pgz").read_bytes()
    if hashlib.sha256(model).hexdigest() != MODEL_SHA256:
        raise RuntimeError("The English model of HanTa is not the one that was checked; install HanTa==1.2.1 again.")
    tagger = HanoverTagger(None, pickle.loads(gzip.decompress(model)))  # noqa: S301 its hash was just compared # nosec B301
    tagger.strict = False  # as it is where the tagger reads the file itself
    return tagger
