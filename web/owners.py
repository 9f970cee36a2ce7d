"""Who made a search: a visitor's session, an API key, or whoever holds the token that the answer gave.

A link shows a search; changing it needs its maker.
"""

import hashlib
import hmac
import secrets

from flask import current_app, session

from jobs.models import Job
from web import client


def maker() -> str:
    """The id that a search of this request is stored under: the API key's, else the visitor's, who is given one."""
    if found := client.key():
        return found
    return str(session.setdefault("visitor", secrets.token_hex(16)))


def known_maker() -> str | None:
    """The id of whoever asks, None where the request brings none."""
    return client.key() or session.get("visitor")


def token(job_id: str) -> str:
    """What the maker of a search, and nobody else, is told: whoever has it may change the search.

    It is derived, not stored: an HMAC (RFC 2104) of the search's id under the secret key.
    """
    return hmac.digest(str(current_app.secret_key).encode(), b"search " + job_id.encode(), hashlib.sha256).hex()


def is_maker(job: Job) -> bool:
    """Whether the request comes from who made this search."""
    by_token = hmac.compare_digest(client.bearer().encode(), token(job.id).encode())
    by_id = hmac.compare_digest((known_maker() or "").encode(), job.visitor.encode())
    return by_token or by_id
