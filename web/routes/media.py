"""Files: what a search made, and the videos it was made from."""

from io import BytesIO

from flask import abort, current_app, send_file, send_from_directory
from flask.typing import ResponseReturnValue

import tiktok_videos
from core import storage
from jobs import history
from pipeline.files import part_of_music as part_of
from web import assets, exports, files, owners
from web.routes.blueprint import check_shown, found, queue, result, settings, studio

MAX_PARTS = 1000  # of a piece that is being made: more than any has


@studio.get("/jobs/<job_id>/thumbnail.jpg")
def thumbnail(job_id: str) -> ResponseReturnValue:
    check_shown(job_id)
    try:
        name = history.stored_name(job_id, "image.png")
        picture = assets.thumbnail(BytesIO(storage.get(name, storage.prompt(settings())) or b""))
    except OSError:
        abort(404, "This search has no cover.")
    return send_file(picture, "image/jpeg", max_age=assets.THUMBNAIL_AGE)


@studio.get("/jobs/<job_id>/everything.zip")
def everything(job_id: str) -> ResponseReturnValue:
    this = found(job_id)
    with history.all_files(this.id, storage.prompt(settings())) as folder:
        file = exports.bundle(result(this), folder)
    return send_file(file, "application/zip", as_attachment=True, download_name=f"trendtok-{job_id[:8]}.zip")


@studio.get("/jobs/<job_id>/captions/<int:number>.vtt")
def captions(job_id: str, number: int) -> ResponseReturnValue:
    videos = result(found(job_id))["videos"]
    if not 0 < number <= len(videos) or not videos[number - 1]["phrases"]:
        abort(404, "This video has no captions.")
    return current_app.response_class(exports.webvtt(videos[number - 1]["phrases"]), mimetype="text/vtt")


@studio.get("/jobs/<job_id>/music/<int:number>.wav")
def part_of_music(job_id: str, number: int) -> ResponseReturnValue:
    """Two seconds of a piece that is still being made: 204 until they are there, and when the piece is whole."""
    this = found(job_id)
    if number >= MAX_PARTS:
        abort(404, "No piece of music has so many parts.")
    path = part_of(history.folder(this.id, settings()), number)
    answer = send_file(path, "audio/wav") if path.is_file() else current_app.response_class(status=204)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@studio.get("/clips/<source>/<path:key>")
def clip(source: str, key: str) -> ResponseReturnValue:
    if source == "uploads" and settings().private_links and not _is_own(key):
        abort(404, "There is no such video.")
    if storage.is_remote(settings()) and (name := tiktok_videos.in_storage(source, key, storage.prompt(settings()))):
        return files.send(name, settings())
    path = tiktok_videos.stored(source, key, settings()) or abort(404, "There is no such video.")
    return send_from_directory(path.parent, path.name, conditional=True)


def _is_own(key: str) -> bool:
    """Whether who asks has made a search with this own video."""
    return any(owners.is_maker(job) for job in history.uses(key, queue().store))


@studio.get("/static/generated/<search_id>/<name>")
def generated(search_id: str, name: str) -> ResponseReturnValue:
    if settings().private_links:
        found(search_id)
    return files.send(history.stored_name(search_id, name), settings())
