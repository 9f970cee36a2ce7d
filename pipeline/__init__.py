"""The whole way from tags to a result. What a search needs is imported by the first one: the page is up before."""

from collections.abc import Mapping
from pathlib import Path

from core.executors import Pools
from pipeline.progress import OnProgress, no_progress
from pipeline.query import DraftEdit, Query
from pipeline.results import STAGES, OnResult, SearchResult, StageResult, no_result, stages_of
from settings import Settings

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


def search(
    query: Query,
    search_id: str,
    folder: Path,
    settings: Settings,
    pools: Pools,
    on_progress: OnProgress = no_progress,
    on_result: OnResult = no_result,
    earlier: Mapping[str, StageResult] | None = None,
) -> SearchResult:
    """Run a whole search and return its result, as `POST /search` answers it.

    What is made is written to `folder`, each file complete or not at all. `earlier` is what `on_result` was told by an
    earlier run of the same search: such a stage is not done again. Raises tiktok_videos.UnknownTagsError where there is
    nothing to read, and Cancelled when `on_progress` or `on_result` does; anything else that fails costs its part
    alone.
    """
    from pipeline import searching

    return searching.search(query, search_id, folder, settings, pools, on_progress, on_result, earlier)
