"""What has to be done before the studio goes on a public address, and is not."""

from core.cluster.connection import is_local
from settings import Settings


def still_open(settings: Settings) -> list[str]:
    """A sentence for each thing that is open: what it is, what follows from it, and what to do."""
    database = settings.database_url.startswith("postgresql")
    counts = database and settings.rate_storage.startswith("memory")
    secret = 0 < len(settings.flask_secret_key) < 32
    local = settings.host in ("127.0.0.1", "::1", "localhost")
    found = (
        (
            not settings.trusted_proxies,
            "TRUSTED_PROXIES is empty: behind a proxy all visitors count as one. Name the proxy's address.",
        ),
        (
            not settings.trusted_hosts,
            "TRUSTED_HOSTS is empty: any name that leads here is answered to. Name your domain.",
        ),
        (
            not local,
            "HOST is not this machine alone: plain http can be reached past the proxy. Set 127.0.0.1, or let only the "
            "proxy reach the port.",
        ),
        (
            not (settings.api_keys_required or settings.private_links),
            "API_KEYS_REQUIRED and PRIVATE_LINKS are 0: anyone may search, and whoever has a link sees the search. Set "
            "one of them to 1.",
        ),
        (
            secret,
            "FLASK_SECRET_KEY is short: sessions could be forged. Take 32 random characters, or leave it empty.",
        ),
        (
            settings.dask_scheduler.startswith("tcp://") and not is_local(settings.dask_scheduler),
            "DASK_SCHEDULER is tcp:// to another machine: whoever reaches the scheduler runs what they like on the "
            "workers. Use tls:// with certificates (docs/cluster.md).",
        ),
        (
            database and not settings.flask_secret_key,
            "FLASK_SECRET_KEY is empty though the database is shared: no studio would know the visitors of another. "
            "Give all of them the same.",
        ),
        (
            counts,
            "RATE_STORAGE is memory:// though the database is shared: each studio counts by itself. Set auto.",
        ),
    )
    return [sentence for is_open, sentence in found if is_open]
