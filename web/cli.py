"""The studio's command line: `flask search`, `flask check`, `flask prune`, `flask provenance`."""

import contextlib
import json
import secrets
import shutil
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import click
from flask import Blueprint, current_app
from werkzeug.exceptions import HTTPException

import pipeline
import tiktok_videos
from core import logs, storage
from core.engines import EngineError
from core.storage import StorageError
from jobs import history, keys, retention
from pipeline import OnProgress, StageResult
from settings import Settings
from web import exposure
from web.assets import moment
from web.forms import from_form

commands = Blueprint("commands", __name__, cli_group=None)


@commands.cli.command("search", short_help="Search in the terminal; the result is printed as JSON.")
@click.argument("tags", nargs=-1, required=True)
@click.option("--seconds", type=int, help="Length of the music: a multiple of 5, at most 60.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed, another music and picture.")
@click.option("--language", default="en-US", show_default=True, help="The language spoken in the videos.")
@click.option("--video", is_flag=True, help="Make a video of the first idea too.")
def search(tags: tuple[str, ...], seconds: int | None, seed: int, language: str, video: bool) -> None:
    """Search TAGS: read their videos, print summary, tags, ideas, and where the music and the picture are, as JSON."""
    settings, search_id = current_app.extensions["settings"], secrets.token_hex(16)
    on_result = partial(_keep, search_id, settings)
    try:
        asked = from_form({"tags": tags, "seconds": seconds, "seed": seed, "language": language, "video": video})
        pools, query = current_app.extensions["pools"], asked.query(settings)
        with _progress_bar(pipeline.stages_of(query)) as on_progress:
            folder = history.folder(search_id, settings)
            result = pipeline.search(query, search_id, folder, settings, pools, on_progress, on_result)
    except StorageError as error:
        raise click.ClickException(str(error)) from None
    except tiktok_videos.UnknownTagsError as error:
        known = f" Known tags: {', '.join(error.known)}." if error.known else ""
        raise click.ClickException(f"{error}{known}") from None
    except HTTPException as error:
        raise click.ClickException(error.description or str(error)) from None
    finally:
        if storage.is_remote(settings):
            shutil.rmtree(history.folder(search_id, settings), ignore_errors=True)
    click.echo(json.dumps(result.to_json(), ensure_ascii=False, indent=2))


def _keep(search_id: str, settings: Settings, stage: str, result: StageResult) -> None:
    history.keep(search_id, stage, result, settings)


@contextlib.contextmanager
def _progress_bar(stages: Sequence[str]) -> Iterator[OnProgress]:
    """A progress bar on standard error, and the function that moves it."""
    parts = len(stages)
    with click.progressbar(length=parts * 100, file=sys.stderr, item_show_func=lambda what: what) as bar:

        def on_progress(stage: str, done: float, total: int, what: str) -> None:
            if what:
                reached = int((stages.index(stage) + done / max(total, 1)) * 100)
                bar.update(max(reached - bar.pos, 0), what[:60])

        yield on_progress
        bar.update(parts * 100 - bar.pos, "Done")


@commands.cli.command("check")
@click.option("--public", is_flag=True, help="Instead, say what is open before the studio goes on a public address.")
def check(public: bool) -> None:
    """Try each service and model that is configured once, and say whether a search would use it.

    The exit status is 1 where one that is configured would fail, or where something is open.
    """
    settings = current_app.extensions["settings"]
    if public:
        still_open = exposure.still_open(settings)
        click.echo("\n".join(still_open) or "Nothing is open that need not be.")
        sys.exit(1 if still_open else 0)
    failed = False
    from pipeline import health

    for name, missing, attempt in health.checks(settings):
        if missing:
            click.echo(f"{name}: not configured. {missing}")
            continue
        try:
            attempt()
            click.echo(f"{name}: ready")
        except EngineError as error:
            failed = True
            click.echo(f"{name}: {error}")
    sys.exit(1 if failed else 0)


@commands.cli.group("key")
def key() -> None:
    """Make, list and withdraw the keys that API_KEYS_REQUIRED asks for."""


@key.command("add")
@click.argument("name")
def add_key(name: str) -> None:
    """Make a key for NAME and show it: it can be read this once only."""
    click.echo(keys.add(name, current_app.extensions["jobs"].store))


@key.command("list")
def list_keys() -> None:
    """List the keys: the beginning of the id, since when, the name, and whether it was withdrawn."""
    for row in keys.all_of(current_app.extensions["jobs"].store):
        click.echo(f"{row.id[:8]}  {moment(row.created)}  {row.name}{'  (revoked)' if row.revoked else ''}")


@key.command("revoke")
@click.argument("name")
def revoke_key(name: str) -> None:
    """Withdraw the key with this NAME, or whose id begins so."""
    revoked = keys.revoke(name, current_app.extensions["jobs"].store)
    if revoked is None:
        raise click.ClickException("There is no such key, or more than one: give more of its id.")
    click.echo(f"Revoked {revoked.name}.")


@commands.cli.command("worker")
@click.option("--name", help="How the studio shows it. Default: the machine's name and the process's number.")
@click.option("--no-device", is_flag=True, help="Read videos only: models run on other workers.")
@click.option("--memory-mb", type=click.IntRange(500), help="Memory it may take. Default: all of the machine's.")
@click.option("--cold", is_flag=True, help="Load a model when it is first needed, not at once.")
def worker(name: str | None, no_device: bool, memory_mb: int | None, cold: bool) -> None:
    """Run stages of searches for the studios at DASK_SCHEDULER, until it is told to stop."""
    settings = current_app.extensions["settings"]
    if not settings.dask_scheduler:
        raise click.ClickException("DASK_SCHEDULER names no scheduler, such as tcp://10.0.0.5:8786.")
    from core.cluster import worker as cluster_worker

    logs.start(settings)
    memory = memory_mb * 1024**2 if memory_mb else None
    name = name or cluster_worker.default_name()
    cluster_worker.run(settings, cluster_worker.Offer(name, not no_device, memory, cold))


@commands.cli.command("prune")
def prune() -> None:
    """Remove searches older than KEEP_DAYS, then the oldest until MAX_STORAGE_MB hold."""
    removed = retention.prune(current_app.extensions["jobs"].store, current_app.extensions["settings"])
    click.echo(f"Removed {removed} searches.")


@commands.cli.command("provenance")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def show_provenance(file: Path) -> None:
    """Say what FILE claims about how it was made, whether it is signed, and whether that holds."""
    from core import provenance

    try:
        report = provenance.read(file, current_app.extensions["settings"])
    except OSError as error:
        raise click.ClickException(f"{file} cannot be read: {error.strerror}.") from None
    for line in provenance.lines(report):
        click.echo(line)
