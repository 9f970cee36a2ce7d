"""A search that outlives its request: stored before it starts, resumed, followed, cancelled."""

import hashlib
import json
import logging
import secrets
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, fields, replace

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import metrics, storage
from core.executors import Pools
from jobs import history, leases
from jobs.database import Store
from jobs.events import Event, Events
from jobs.models import CANCELLED, ENDED, QUEUED, RUNNING, Job, Upload, add_event
from jobs.progress import expected_seconds, seconds_a_unit
from jobs.worker import Search, Workers
from pipeline import DraftEdit, Query, StageResult
from settings import Settings
from tiktok_videos import uploads

log = logging.getLogger(__name__)

SEEDED = (
    "ideas",
    "music",
    "image",
)  # what another seed changes: the ideas, which are of the stage summary, and two stages
MAX_SEED = 2**32
MAX_EARLIER = 60  # titles of earlier ideas that a search remembers
RESTART_SECONDS = 15  # that a restart may take: a guess, for those who are sent away meanwhile
QUEUE_SHARE = 4  # an address may hold this part of the queue
# Where a studio lives and how much it takes: settings that may differ between studios that share a queue, since they
# change nothing of what a search gives.
OWN = set(
    "host port data_dir generated_dir log_format trusted_proxies trusted_hosts rate_searches rate_upload_mb "
    "rate_requests rate_storage max_streams max_running max_queued keep_days max_storage_mb max_body_mb video_workers "
    "storage_endpoint storage_links storage_timeout".split()
)
LONGEST_WAIT = 3600  # seconds that anybody is told to wait


class BusyError(Exception):
    """No search is taken now. `retry_after` is a guess, in seconds, of when it is worth another try.

    `own_share` says that it is the client's own searches that wait.
    """

    def __init__(self, reason: str, retry_after: int, own_share: bool = False):
        super().__init__(reason)
        self.retry_after, self.own_share = retry_after, own_share


class Jobs:
    """The queue, its workers and its subscribers. One for each process."""

    def __init__(self, settings: Settings, pools: Pools, search: Search | None = None):
        self.settings = settings
        self.store = Store(settings)
        self.store.tell_gone = pools.forget
        self.followers = Events(self.store)
        self._workers = Workers(settings, pools, self.store, self.followers, search)

    def again(self, job: Job, visitor: str, anew: Sequence[str] = SEEDED, address: str = "") -> str:
        """Search the same with another seed, and return the new id. What is in `anew` is done again, and a video."""
        kept = {stage: result for stage, result in job.results.items() if stage not in (*anew, "video")}
        query = replace(job.query, seed=secrets.randbelow(MAX_SEED))
        brief = (kept["summary"].value if "summary" in kept else None) or {}
        if "ideas" in anew and brief.get("ideas"):
            titles = [idea["title"] for idea in brief["ideas"]]
            query = replace(query, earlier_ideas=(*job.query.earlier_ideas, *titles)[-MAX_EARLIER:])
            kept["summary"] = kept["summary"].model_copy(update={"value": brief | {"ideas": None}})
        return self.submit(query, visitor, kept, job.id, address=address)

    def draft(self, job: Job, visitor: str, idea: int, edit: DraftEdit | None, address: str = "") -> str:
        """Make a video of an idea of a search, or one that was edited, and return the new id. All else is kept."""
        query = replace(job.query, video=True, idea=idea, edit=edit)
        kept = {stage: result for stage, result in job.results.items() if stage != "video"}
        return self.submit(query, visitor, kept, job.id, address=address)

    def submit(
        self,
        query: Query,
        visitor: str,
        results: Mapping[str, StageResult] | None = None,
        source: str | None = None,
        videos: Collection[uploads.Received] = (),
        address: str = "",
    ) -> str:
        """Store a search and return its id; one that the visitor asked for already and that has not ended is joined.

        `results` holds what stages have made already, with their files those of the search `source`; `videos` are
        the visitor's own that came with the search, and are kept. `address` stands for where it comes from; it is empty
        on this machine. Raises BusyError, and stores nothing, where MAX_QUEUED searches wait already, or the address
        has its share of them, or the process is ending; core.storage.StorageError where a store fails.
        """
        if self.stopping():
            raise BusyError("The studio is restarting.", RESTART_SECONDS)
        job_id, kept, stored = secrets.token_hex(16), {}, None
        try:
            if storage.is_remote(self.settings):  # before the transaction, which nobody else writes beside
                for video in videos:
                    uploads.keep(video, self.settings)
            if results and source:
                kept = history.give(results, source, job_id, self.settings)
            stored = self._store(query, visitor, job_id, kept, videos, address)
        finally:
            if stored != job_id:
                self._withdraw(job_id, kept, videos)
        return stored

    def _withdraw(self, job_id: str, kept: Mapping[str, StageResult], videos: Collection[uploads.Received]) -> None:
        """Remove what was brought to the store for a search that was not taken."""
        if kept:
            history.discard_files(job_id, self.settings)
        if storage.is_remote(self.settings) and videos:
            history.remove_unused([video.key for video in videos], self.store, self.settings)

    def _store(
        self,
        query: Query,
        visitor: str,
        job_id: str,
        kept: dict[str, StageResult],
        videos: Collection[uploads.Received],
        address: str,
    ) -> str:
        """Store a search, or find the one that it joins; return the id."""
        key = _key(query, self.settings)
        with self.store.transaction() as session:
            same = select(Job.id).where(Job.visitor == visitor, Job.key == key, Job.state.in_((QUEUED, RUNNING)))
            if joined := session.scalar(same.limit(1)):
                return joined
            self._refuse_when_full(session, query, address)
            job = Job(id=job_id, visitor=visitor, address=address, key=key, query=query, state=QUEUED)
            job.created = time.time()
            job.results = kept
            session.add(job)
            session.flush()
            session.add_all(Upload(job_id=job_id, key=upload) for upload in {upload for upload, _ in query.uploads})
            add_event(session, job, {"state": QUEUED, "progress": 0.0})
            for video in videos:  # while no search can be removed that uses the same
                uploads.keep(video, storage.prompt(self.settings))
        log.info(QUEUED, extra={"job": job_id})
        self._workers.wake()
        return job_id

    def _refuse_when_full(self, session: Session, query: Query, address: str) -> None:
        waiting = select(func.count()).where(Job.state == QUEUED)
        queued = session.scalar(waiting) or 0
        own = session.scalar(waiting.where(Job.address == address)) or 0 if address else 0
        is_full, has_share = queued >= self.settings.max_queued, own >= max(1, self.settings.max_queued // QUEUE_SHARE)
        if not (is_full or has_share):
            return
        metrics.REFUSED.inc()
        one = sum(expected_seconds(query, seconds_a_unit(session)).values())
        ahead = own if has_share else queued
        wait = min(LONGEST_WAIT, max(1, round(one * ahead / self.settings.max_running)))
        if has_share:
            reason = f"{own} searches from your address wait already; ask again when some of them are done."
            raise BusyError(reason, wait, own_share=True)
        raise BusyError("The studio is busy: its queue of searches is full.", wait)

    def load(self) -> tuple[int, int]:
        """How many searches wait, and how many run."""
        with self.store.reading() as session:
            count = select(Job.state, func.count()).where(Job.state.in_((QUEUED, RUNNING))).group_by(Job.state)
            states = dict(session.execute(count).all())
        return states.get(QUEUED, 0), states.get(RUNNING, 0)

    def exists(self, job_id: str) -> bool:
        with self.store.reading() as session:
            return session.scalar(select(Job.id).where(Job.id == job_id)) is not None

    def get(self, job_id: str) -> Job | None:
        with self.store.reading() as session:
            return session.get(Job, job_id)

    def wait(self, job_id: str) -> Job | None:
        """Wait until a search has ended, or the process is ending. None where the search was deleted meanwhile."""
        for _ in self.events(job_id):
            pass
        return self.get(job_id)

    def events(self, job_id: str, after: int = 0) -> Iterator[Event | None]:
        """Yield each event of a job after number `after` until it has ended; None where nothing happens for long."""
        return self.followers.follow(job_id, after)

    def cancel(self, job_id: str) -> None:
        """Call a search off and remove what it has made, and the visitor's own videos that no other search uses.

        What has ended stays as it is.
        """
        with self.store.transaction() as session:
            job = session.get(Job, job_id, with_for_update=True)
            if job is None or job.state in ENDED:
                return
            leases.end(session, job, CANCELLED)
        history.release_uploads(job_id, self.store, self.settings)
        if not self._workers.cancel(job_id):
            history.discard_files(job_id, self.settings)
        self.followers.publish(job_id)
        self._workers.wake()

    def delete(self, job_id: str) -> None:
        """Remove a search with its files; one that still runs is called off first."""
        self.cancel(job_id)
        history.remove(job_id, self.store, self.settings)
        self.followers.publish(job_id)

    def start(self) -> None:
        """Start the workers.

        Raises SettingsError where another process works in this DATA_DIR, or the store of STORAGE_URL cannot be used.
        """
        self._workers.start()

    def running(self) -> list[str]:
        """The searches that run in this process."""
        return self._workers.running()

    def stopping(self) -> bool:
        return self._workers.stopping.is_set()

    def stop(self) -> None:
        """Take no more work: running searches go back to the queue at their next safe point, followers are let go."""
        self._workers.stop()
        self.followers.stop()

    def close(self, seconds: float = 4.0) -> None:
        """Stop, and wait some seconds for the running searches to reach their next safe point."""
        self.stop()
        self._workers.close(seconds)
        self.store.close()


def _key(query: Query, settings: Settings) -> str:
    """The same for searches that would give the same, whichever studio takes them."""
    names = [option.name for option in fields(settings) if option.repr and option.name not in OWN]
    asked = [asdict(query), {name: repr(getattr(settings, name)) for name in names}]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
