"""The front page, which is also where a problem with what was asked is shown, beside its field."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue

import tiktok_to_text
import tiktok_videos
from settings import MAX_MUSIC_SECONDS, MUSIC_STEP
from web.forms import MAX_UPLOADS
from web.routes.blueprint import settings, studio


@studio.get("/")
def index() -> ResponseReturnValue:
    return render_front_page()


def render_front_page(status: int = HTTPStatus.OK, problem: dict[str, Any] | None = None) -> tuple[str, int]:
    """The front page; for a problem that is not with what was asked, a page of its own."""
    if problem and (request.endpoint != "studio.search" or status == HTTPStatus.INTERNAL_SERVER_ERROR):
        return render_template("error.html", problem=problem), status
    too_large = status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE  # then the form cannot be read
    asked = {} if too_large else request.form.to_dict() | {"tags": ", ".join(request.form.getlist("tags"))}
    return render_template("index.html", **form_values(asked, problem)), status


def form_values(asked: Mapping[str, Any], problem: dict[str, Any] | None) -> dict[str, Any]:
    """What the form that asks for a search shows: what was asked before, and what is wrong with it in which field."""
    chosen = settings()
    shelves, _ = tiktok_videos.categories(chosen)
    return {
        "asked": asked,
        "problem": problem,
        "wrong": problem and problem.get("field", "tags"),
        "shelves": [(shelf, tiktok_videos.count(shelf, chosen)) for shelf in shelves],
        "known_tags": [tag for shelf in shelves for tag in shelf.tags],
        "music_lengths": range(MUSIC_STEP, MAX_MUSIC_SECONDS + 1, MUSIC_STEP),
        "music_seconds": chosen.music_seconds,
        "english_only": tiktok_to_text.hears_only_english(chosen),
        "max_uploads": MAX_UPLOADS,
        "max_video_mb": chosen.max_video_mb,
    }
