"""Before and after every request: what is too large or forged is refused, and answers say what a browser may do."""

from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, redirect, request, session, url_for
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized
from werkzeug.sansio.utils import host_is_trusted

from core import objects, storage
from settings import Settings
from web import asgi, client, origin
from web.errors import wants_page
from web.forms import MAX_UPLOADS
from web.routes.blueprint import settings, studio

POLICY = (
    "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)
LINKED = ("img-src 'self' data:", "media-src 'self' blob:")  # what a store may be asked for by its own address
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain", "")


def max_body(method: str, path: str, media_type: str, settings: Settings) -> int:
    """How many bytes the body of a request may have: only a form with files may be large, and only where it belongs."""
    with_files = (method, path) == ("POST", "/search") and media_type.startswith("multipart/form-data")
    return (settings.max_body_mb + (MAX_UPLOADS * settings.max_video_mb if with_files else 0)) * 1024**2


def is_stream(path: str) -> bool:
    """Whether a request begins to follow a search."""
    return path.startswith("/jobs/") and path.endswith("/events")


def is_quick(method: str, path: str) -> bool:
    """Whether a request only looks at something that is there."""
    return method in ("GET", "HEAD") and not path.endswith(".zip")


def policy(settings: Settings) -> str:
    """What a page may load; with STORAGE_LINKS, pictures, sound and videos from the store too."""
    if not (settings.storage_links and storage.is_remote(settings)):
        return POLICY
    allowed = POLICY
    for rule in LINKED:
        allowed = allowed.replace(rule, f"{rule} {objects.origin(settings)}")
    return allowed


OPEN = ("static", "bootstrap.static", "studio.healthz", "studio.sign_in", "studio.describe_interface", "studio.docs")
PUBLIC = ("studio.describe_interface", "studio.docs")
PERSONAL_FILES = ("studio.thumbnail", "studio.generated", "studio.clip", "studio.everything", "studio.captions")
PRIVATE_TYPES = ("text/html", "application/json", "application/problem+json")


def register_first(app: Flask) -> None:
    """Have requests refused that are not for us, before anything else looks at them."""
    app.before_request(refuse_other_hosts)
    app.before_request(origin.refuse_foreign)


def refuse_other_hosts() -> None:
    """Answer to our own names only: another site's name that leads here would make its pages ours (DNS rebinding)."""
    asked, names = request.headers.get("Host", ""), settings().trusted_hosts
    local = client.is_local(request)
    is_ours = _is_local_name(asked) if local else not names
    if not (is_ours or (names and host_is_trusted(asked, names))):
        abort(400, "The studio is not known by this name. Add it to TRUSTED_HOSTS.")


def _is_local_name(host: str) -> bool:
    """Whether a host is `localhost` or given by number: no name server can lead such a name elsewhere."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or name.endswith(".localhost") or bool(ip_address(name))
    except ValueError:
        return False


@studio.before_app_request
def require_key() -> Response | None:
    """With API_KEYS_REQUIRED, show nothing but the way in to who has no key."""
    if not settings().api_keys_required or request.endpoint in OPEN or client.key():
        return None
    if wants_page():
        return current_app.make_response(redirect(url_for("studio.sign_in"), HTTPStatus.SEE_OTHER))
    raise Unauthorized(
        "An API key is needed: send Authorization: Bearer <key>.", www_authenticate=WWWAuthenticate("bearer")
    )


@studio.before_app_request
def limit_body() -> None:
    """Where the server in front has refused a body, say so; elsewhere refuse what is too large."""
    asgi.refuse_broken_body(request)
    request.max_content_length = max_body(request.method, request.path, request.mimetype, settings())


@studio.before_request
def refuse_forged_forms() -> None:
    """Forms from a browser that has a session carry its token. JSON needs none: no other site's page can send it."""
    from_browser = wants_page() or "Sec-Fetch-Site" in request.headers
    known = "visitor" in session or "key" in session
    if request.method == "POST" and known and request.mimetype in FORM_TYPES and from_browser:
        current_app.extensions["csrf"].protect()


@studio.after_app_request
def protect(response: Response) -> Response:
    """Let a page load nothing from elsewhere and run no inline code; let no file be taken for another kind."""
    response.headers.setdefault("Content-Security-Policy", policy(settings()))
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    if response.mimetype in PRIVATE_TYPES and request.endpoint not in PUBLIC:
        response.headers["Cache-Control"] = "no-store"
    elif request.endpoint in PERSONAL_FILES:
        response.cache_control.private = True
    return response
