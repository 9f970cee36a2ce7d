"""The blueprint that every route is added to, and what the routes have in common."""

from typing import Any

from flask import Blueprint, abort, current_app

from core.executors import Pools
from jobs import history
from jobs.models import Job
from jobs.queue import Jobs
from pipeline.results import SearchResult
from settings import Settings
from web import owners

studio = Blueprint("studio", "web", cli_group=None)


def settings() -> Settings:
    found: Settings = current_app.extensions["settings"]
    return found


def queue() -> Jobs:
    found: Jobs = current_app.extensions["jobs"]
    return found


def executors() -> Pools:
    found: Pools = current_app.extensions["pools"]
    return found


NO_SEARCH = "There is no such search. It may have been deleted."
NOT_YOURS = "This search is not yours: only who made it may change it."


def found(job_id: str) -> Job:
    """The search with this id; 404 where there is none. With PRIVATE_LINKS, there is none that another has made."""
    job = queue().get(job_id) or abort(404, NO_SEARCH)
    return job if not settings().private_links or owners.is_maker(job) else abort(404, NO_SEARCH)


def check_shown(job_id: str) -> None:
    """404 where `found` has it: for views that hundreds ask for at once, and that need nothing of the search itself."""
    if settings().private_links:
        found(job_id)
    elif not queue().exists(job_id):
        abort(404, NO_SEARCH)


def own(job_id: str) -> Job:
    """The search with this id, which whoever asks has made; 404 where it is another's."""
    job = found(job_id)
    return job if owners.is_maker(job) else abort(404, NOT_YOURS)


def can_repeat(job: Job) -> bool:
    """Whether who asks may search the same again: with somebody's own videos only they may, while these are there."""
    return not job.query.uploads or (owners.is_maker(job) and history.has_uploads(job, settings()))


def repeatable(job_id: str) -> Job:
    """The search with this id, which whoever asks may do again; 404 where they may not."""
    job = found(job_id)
    if not can_repeat(job):
        there = history.has_uploads(job, settings())
        abort(404, NOT_YOURS if there else "The videos of this search are gone: send them again.")
    return job


def result(job: Job) -> dict[str, Any]:
    """What a search has made so far, as `POST /search` answers it."""
    return SearchResult.of(job.query, job.id, job.results).to_json()
