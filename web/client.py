"""Who asks: from this machine or from afar, by which address, with which key, as which visitor."""

import hashlib
import hmac
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from flask import Request, current_app, g, request, session

from jobs import keys

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")  # headers that proxies add
IPV6_PREFIX = 64  # bits: what one household or server gets


def is_local(asked: Request) -> bool:
    """Whether a request was made on this machine. What a proxy here hands on was not."""
    address = ip_address_of(asked)
    return bool(address and address.is_loopback) and not any(name in asked.headers for name in FORWARDED)


def ip_address_of(asked: Request) -> IPv4Address | IPv6Address | None:
    """The address that a request comes from; None where there is none, as with a socket of this machine."""
    try:
        address = ip_address(asked.remote_addr or "")
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def network() -> str:
    """The address that the request comes from, of IPv6 its network. Empty on this machine: no limit applies there."""
    if is_local(request):
        return ""
    address = ip_address_of(request)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, IPV6_PREFIX), strict=False))
    return str(address or "unknown")


def holder() -> str:
    """What limits and shares count by: the API key, else a stand-in for the address, which itself is never stored."""
    if found := key():
        return found
    address = network()
    return hmac.digest(_secret(), b"address " + address.encode(), hashlib.sha256).hex() if address else ""


def bearer() -> str:
    """What comes as `Authorization: Bearer` (RFC 6750): an API key, or a search's token. Empty where there is none."""
    found = request.authorization
    return (found.token or "") if found and found.type == "bearer" else ""


def key() -> str | None:
    """The id of the API key that the request, or the session, was signed in with; None where that is none."""
    if "api_key" not in g:
        store = current_app.extensions["jobs"].store
        g.api_key = keys.find(bearer(), store)
        signed_in = session.get("key")
        if not g.api_key and signed_in and keys.is_valid(signed_in, store):
            g.api_key = signed_in
    found: str | None = g.api_key
    return found


def _secret() -> bytes:
    return str(current_app.secret_key).encode()
