"""The studio's command line: `flask search`, `flask check`, `flask prune`."""

import contextlib
import json
import secrets
import sys

import click
from flask import Blueprint, current_app
from werkzeug.exceptions import HTTPException

import pipeline
import retention
import tiktok_videos
from asking import make_query
from engines import EngineError
from tiktok_videos.tags import TagError

commands = Blueprint("commands", __name__, cli_group=None)


@commands.cli.command("search", short_help="Search in the terminal; the result is printed as JSON.")
@click.argument("tags", nargs=-1, required=True)
@click.option("--seconds", type=int, help="Length of the music: a multiple of 5, at most 60.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed, another music and picture.")
@click.option("--language", default="en-US", show_default=True, help="The language spoken in the videos.")
def search(tags, seconds, seed, language):
    """Search TAGS: read their videos, print summary, tags, ideas, and where the music and the picture are, as JSON."""
    settings, search_id = current_app.extensions["settings"], secrets.token_hex(16)
    folder = settings.generated_dir / search_id
    try:
        query = make_query(settings, tags, seconds, seed, language)
        with _progress_bar() as watch:
            result = pipeline.search(query, search_id, folder, settings, current_app.extensions["pools"], watch)
    except tiktok_videos.UnknownTagsError as error:
        known = f" Known tags: {', '.join(error.known)}." if error.known else ""
        raise click.ClickException(f"{error}{known}") from None
    except (TagError, HTTPException) as error:
        raise click.ClickException(getattr(error, "description", str(error))) from None
    click.echo(json.dumps(result, ensure_ascii=False, indent=2))


@contextlib.contextmanager
def _progress_bar():
    """A progress bar on standard error, and the function that moves it."""
    parts = len(pipeline.STAGES)
    with click.progressbar(length=parts * 100, file=sys.stderr, item_show_func=lambda what: what) as bar:

        def watch(stage, done, total, what):
            if what:
                reached = int((pipeline.STAGES.index(stage) + done / max(total, 1)) * 100)
                bar.update(max(reached - bar.pos, 0), what[:60])

        yield watch
        bar.update(parts * 100 - bar.pos, "Done")


@commands.cli.command("check")
def check():
    """Try each service and model that is configured once, and say whether a search would use it.

    The exit status is 1 where one that is configured would fail.
    """
    settings = current_app.extensions["settings"]
    failed = False
    for name, missing, attempt in pipeline.checks(settings):
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


@commands.cli.command("prune")
def prune():
    """Remove searches older than KEEP_DAYS, then the oldest until MAX_STORAGE_MB hold."""
    removed = retention.prune(current_app.extensions["jobs"].store, current_app.extensions["settings"])
    click.echo(f"Removed {removed} searches.")
