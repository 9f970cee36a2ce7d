"""The whole way from tags to a result. What a search needs is imported by the first one: the page is up before."""

from typing import TYPE_CHECKING, Any

from pipeline.progress import OnProgress
from pipeline.query import DraftEdit, Query
from pipeline.results import STAGES, OnResult, SearchResult, StageResult, stages_of

if TYPE_CHECKING:
    from pipeline.searching import search

__all__ = [
    "STAGES",
    "DraftEdit",
    "OnProgress",
    "OnResult",
    "Query",
    "SearchResult",
    "StageResult",
    "search",
    "stages_of",
]


def __getattr__(name: str) -> Any:
    """`search`, imported when it is first asked for (PEP 562)."""
    if name != "search":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pipeline import searching

    return searching.search
