"""What the pages are dressed with: icons, static addresses that change with their content, small pictures."""

import hashlib
import re
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from pathlib import Path

import flask_bootstrap
from flask import Flask, Response, current_app, request, url_for
from markupsafe import Markup
from PIL import Image

from core import hashtags
from web import charts

ICONS = Path(flask_bootstrap.__file__).parent / "static/bootstrap5/icons/bootstrap-icons.svg"
THUMBNAIL = (216, 384)  # pixels: twice what the history shows, for dense screens
THUMBNAIL_AGE = 86_400  # seconds
FOR_GOOD = "public, max-age=31536000, immutable"


def register(app: Flask) -> None:
    """Give the templates `icon` and `static_url`, and let browsers keep versioned files for good."""
    app.add_template_global(icon)
    app.add_template_global(static_url)
    for drawing in (
        charts.timeline,
        charts.form,
        charts.opening,
        charts.lufs,
        charts.videos_of,
        charts.longest,
        charts.ticks,
        charts.dots,
        charts.number,
        charts.heat,
        charts.densest,
    ):
        app.add_template_global(drawing, f"chart_{drawing.__name__}")
    app.add_template_filter(moment)
    app.add_template_filter(hashtags.tagged)
    app.after_request(_keep_versioned)


def icon(name: str) -> Markup:
    """The Bootstrap icon with this name as an inline SVG: the whole sprite would be 1 MB to load.

    Raises KeyError where there is none.
    """
    box, shape = _icons()[name]
    # The shape comes from the installed package.
    return Markup(f'<svg class="icon" viewBox="{box}" fill="currentColor" aria-hidden="true">{shape}</svg>')  # noqa: S704 # nosec B704


@cache
def _icons() -> dict[str, tuple[str, str]]:
    """The view box and the shape of each icon, by name."""
    symbols = re.findall(r'<symbol[^>]*viewBox="([^"]*)" id="([^"]*)">(.*?)</symbol>', ICONS.read_text())
    return {name: (box, shape) for box, name, shape in symbols}


def moment(seconds: float) -> str:
    """A point in time, given in POSIX seconds, as ISO 8601 to the minute."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="minutes")


def static_url(name: str, endpoint: str = "static") -> str:
    """The address of a static file, with a fingerprint of its content."""
    folder = current_app.static_folder or ""
    if endpoint != "static":
        folder = current_app.blueprints[endpoint.split(".")[0]].static_folder or ""
    return url_for(endpoint, filename=name, v=_fingerprint(Path(folder) / name))


@cache
def _fingerprint(path: Path) -> str:
    """Taken once, as templates are read once: a page has a dozen of them."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _keep_versioned(response: Response) -> Response:
    if request.endpoint in ("static", "bootstrap.static") and "v" in request.args and response.status_code == 200:
        response.headers["Cache-Control"] = FOR_GOOD
    return response


def thumbnail(picture: BytesIO) -> BytesIO:
    """A small JPEG of a picture, open for reading. Raises OSError where it is none."""
    small = BytesIO()
    with Image.open(picture) as image:
        image.draft("RGB", THUMBNAIL)
        image.thumbnail(THUMBNAIL)
        image.convert("RGB").save(small, "JPEG", quality=82)
    small.seek(0)
    return small
