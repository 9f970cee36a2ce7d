"""Where a request comes from: what another site makes a browser do is refused before anything else happens."""

from urllib.parse import urlsplit

from flask import Request, request
from werkzeug.exceptions import Forbidden

SAFE = ("GET", "HEAD", "OPTIONS")  # methods that change nothing (RFC 9110, 9.2.1)
OWN = ("same-origin", "none")  # values of Sec-Fetch-Site: from our own pages, or by the user's own hand


def is_foreign(asked: Request) -> bool:
    """Whether a page of another origin made the browser ask.

    A link that is followed is not foreign: nothing is changed by it, and its cookies come along. Programs that are no
    browsers say nothing of origins.
    """
    site = asked.headers.get("Sec-Fetch-Site")
    if site is not None:  # browsers say so themselves, and pages cannot forge it (W3C Fetch Metadata)
        follows_link = asked.method in SAFE and asked.headers.get("Sec-Fetch-Mode") == "navigate"
        return site not in OWN and not follows_link
    if asked.method in SAFE:
        return False
    said = asked.headers.get("Origin") or asked.headers.get("Referer")
    return said is not None and not _is_same(said, asked)


def _is_same(address: str, asked: Request) -> bool:
    """Whether an address is of the host that was asked. A proxy may have ended https, so its scheme tells nothing."""
    try:
        given = urlsplit(address)
        asked_for = urlsplit(f"//{asked.headers.get('Host', '')}")
        default = {"https": 443, "http": 80}.get(given.scheme)
        ports = {asked_for.port} if asked_for.port else {default, None}
        return bool(given.hostname) and given.hostname == asked_for.hostname and (given.port or default) in ports
    except ValueError:
        return False


def refuse_foreign() -> None:
    """Raise Forbidden where another site or origin would change something."""
    if request.method not in SAFE and is_foreign(request):
        raise Forbidden("This was sent by a page of another site. Open the studio itself and do it there.")
