"""What the tests of the queue have in common."""

import os
import tempfile
import time
from dataclasses import replace

from sqlalchemy import update

from app import create_app
from jobs import retention
from jobs.models import RUNNING, Job
from tests.searches import QUERY, instant

ANNA, BEN = "a" * 32, "b" * 32


def other(number):
    return replace(QUERY, seed=number)


def state(jobs, job_id):
    return jobs.get(job_id).state


def files(settings, job_id):
    folder = settings.generated_dir / job_id
    return sorted(path.name for path in folder.rglob("*")) if folder.exists() else []


def as_left_by_a_crash(settings, open_jobs, attempts=1, **values):
    """Store a search as a process leaves it that was killed while it ran it; return the search's id."""
    jobs = open_jobs(settings, instant)
    owner = jobs._workers.owner
    jobs.close()
    jobs = open_jobs(settings, instant, start=False)
    job_id = jobs.submit(QUERY, ANNA)
    with jobs.store.transaction() as session:
        running = {"state": RUNNING, "owner": owner, "attempts": attempts, "started": time.time()} | {
            "heartbeat_at": time.time()
        }
        session.execute(update(Job).where(Job.id == job_id).values(**running | values))
    return job_id


def work_until_done(settings, job_id):
    """What the studio's process does, without its server and its warm-up."""
    tempfile.tempdir = str(retention.temporary_folder(settings))
    jobs = create_app(settings).extensions["jobs"]
    jobs.start()
    jobs.wait(job_id)
    jobs.close()
    os._exit(0)
