"""Tags as people type them, and the category nearest in meaning."""

import functools
import unicodedata
from collections.abc import Iterable, Sequence

from core import hashtags
from core.embeddings import embed

MAX_TAGS = 10
MAX_TAG = 50  # characters

# Cosine between a tag and the centroid of a category's tags. Of 45 tags that belong to a category and 32 that belong to
# none (they stand in tests/test_tags.py), this value lets 38 in, each to the right category, and keeps all 32 out.
NEAR = 0.42


class TagError(ValueError):
    """The tags cannot be used; the message says why."""


def clean(raw: Iterable[str]) -> tuple[str, ...]:
    """Turn tags as typed ("#AI", " machine learning ") into 1 to 10 words of letters, digits and `_`, each once.

    Case is kept for display and ignored in comparison. Raises TagError.
    """
    tags: dict[str, str] = {}
    for text in raw:
        tag = "".join(unicodedata.normalize("NFKC", text).split()).lstrip(hashtags.SIGNS)
        if tag:
            tags.setdefault(tag.casefold(), _checked(tag))
    if not tags:
        raise TagError("Give at least one tag.")
    if len(tags) > MAX_TAGS:
        raise TagError(f"Give at most {MAX_TAGS} tags; there are {len(tags)}.")
    return tuple(tags.values())


def _checked(tag):
    if len(tag) > MAX_TAG:
        raise TagError(f"A tag has at most {MAX_TAG} characters; “{tag[:20]}…” has {len(tag)}.")
    if unicodedata.category(tag[0])[0] == "M" or not all(map(_belongs_in_a_tag, tag)):
        raise TagError(f"A tag has only letters, digits and _; “{tag}” has something else.")
    return tag


def _belongs_in_a_tag(character):
    # Marks are the vowel signs of many scripts: part of the letter they stand on.
    return character == "_" or unicodedata.category(character)[0] in "LNM"


def nearest(tag: str, categories: Sequence[tuple[str, ...]]) -> int | None:
    """Return the index of the category, given by its tags, nearest in meaning to `tag`; None where none is near.

    A category means what its tags mean together: the centroid of their embeddings.
    """
    import numpy as np

    if not categories:
        return None
    centroids = np.stack([_meanings(tags).mean(axis=0) for tags in categories])
    closeness = centroids @ _meanings((tag,))[0] / np.linalg.norm(centroids, axis=1)
    best = int(np.argmax(closeness))
    return best if closeness[best] >= NEAR else None


@functools.lru_cache(maxsize=256)
def _meanings(tags):
    return embed([hashtags.words(tag) or tag for tag in tags])
