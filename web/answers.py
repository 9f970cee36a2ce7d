"""The JSON that the routes answer with, besides a search's result: what is described is what is sent."""

from typing import Any, Literal, NotRequired, Required

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from jobs.models import Job
from pipeline.results import SearchResult

State = Literal["queued", "running", "done", "failed", "cancelled"]
Stage = Literal["videos", "summary", "music", "image", "video"]


class Problem(TypedDict, total=False):
    """What is wrong (RFC 9457). `field` is what of the request it is with."""

    type: Required[str]
    title: Required[str]
    status: Required[int]
    detail: Required[str]
    field: str
    known_tags: list[str]
    retry_after: int


class JobError(TypedDict):
    """Why a search failed."""

    title: str
    status: int
    detail: str
    known_tags: NotRequired[list[str]]


class JobAnswer(BaseModel):
    """A search; until it is done, `result` is what there is so far."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: State
    stage: Stage | None
    progress: float = Field(ge=0, le=1)
    result: SearchResult | None
    error: JobError | None

    @classmethod
    def of(cls, job: Job) -> dict[str, Any]:
        """A job as plain JSON values."""
        result = SearchResult.of(job.query, job.id, job.results) if job.results else None
        fields = {name: getattr(job, name) for name in cls.model_fields if name != "result"}
        return cls(**fields, result=result).model_dump(mode="json")


TOLD_TO_ITS_MAKER = "Sent as `Authorization: Bearer`, it lets a program without cookies change this search"


class OwnSearchResult(SearchResult):
    """The answer to a search as its maker gets it."""

    token: str = Field(description=TOLD_TO_ITS_MAKER)


class OwnJobAnswer(JobAnswer):
    """A search as its maker gets it."""

    token: str = Field(description=TOLD_TO_ITS_MAKER)


class HistoryEntry(JobAnswer):
    """A search as its visitor's history lists it; `created` is in POSIX seconds."""

    name: str | None
    created: float


class ClusterWorker(TypedDict):
    """A worker: how many models and how many videos it takes at once. `refused` says why the studio does not use it."""

    address: str
    name: str
    devices: int
    processors: int
    refused: str | None


class ClusterHealth(TypedDict):
    """The cluster that runs the stages. `problem` says why it cannot now; `dashboard` is the address of Dask's own."""

    scheduler: str
    problem: str | None
    dashboard: str | None
    workers: list[ClusterWorker]


class Health(TypedDict):
    """Whether a search can be taken; for each stage its engines: "ready", or what is missing.

    `waiting` counts the stages that wait for a processor (`videos`) or a device (`accelerator`). All but the status is
    told on the studio's own machine and to who has an API key.
    """

    status: Literal["ok", "stopping"]
    engines: NotRequired[dict[str, dict[str, str]]]
    waiting: NotRequired[dict[str, int]]
    cluster: NotRequired[ClusterHealth]


class ProgressEvent(TypedDict, total=False):
    """What happened to a search. `left` is in seconds; `made` is the part of the result that has grown."""

    state: Required[State]
    progress: Required[float]
    stage: Stage
    what: str
    done: float
    total: float
    left: float
    made: Stage
