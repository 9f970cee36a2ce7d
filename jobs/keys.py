"""API keys: made once, shown once, kept as hashes."""

import hashlib
import secrets
import time

from sqlalchemy import select

from jobs.database import Store
from jobs.models import ApiKey

PREFIX = "trendtok_"  # tells a key from a search's token, and is found by scanners for leaked secrets
SECRET_BYTES = 32  # of randomness: no salt and no slow hash is needed against guessing


def add(name: str, store: Store) -> str:
    """Make a key and return it: this is the only time that it can be read."""
    key = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    row = ApiKey(id=secrets.token_hex(16), name=name, hash=_hash(key), created=time.time())
    with store.transaction() as session:
        session.add(row)
    return key


def find(key: str, store: Store) -> str | None:
    """The id of a key that is valid now, None where it is none."""
    if not key.startswith(PREFIX):
        return None
    with store.reading() as session:  # by its hash: how long this takes tells nothing of other keys
        return session.scalar(select(ApiKey.id).where(ApiKey.hash == _hash(key), ApiKey.revoked.is_(None)))


def is_valid(key_id: str, store: Store) -> bool:
    """Whether the key with this id is there and has not been revoked."""
    with store.reading() as session:
        wanted = select(ApiKey.id).where(ApiKey.id == key_id, ApiKey.revoked.is_(None))
        return session.scalar(wanted) is not None


def all_of(store: Store) -> list[ApiKey]:
    """Every key there ever was, oldest first."""
    with store.reading() as session:
        return list(session.scalars(select(ApiKey).order_by(ApiKey.created)))


def revoke(beginning: str, store: Store) -> ApiKey | None:
    """Withdraw the key whose id begins so, or that bears this name. None where that is none, or more than one."""
    with store.transaction() as session:
        wanted = (ApiKey.name == beginning) | ApiKey.id.startswith(beginning, autoescape=True)
        found = session.scalars(select(ApiKey).where(ApiKey.revoked.is_(None), wanted)).all()
        if len(found) != 1:
            return None
        found[0].revoked = time.time()
        return found[0]


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()
