"""The studio's connection to the cluster: made anew when it is lost, and who works there."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit

from core.cluster import calls, identity
from core.cluster.places import Places
from core.engines import Cancelled, Report
from settings import ROOT, Settings

log = logging.getLogger(__name__)

KINDS = ("PROCESSOR", "ACCELERATOR")  # Dask resources: what a reading stage asks for, and what a model stage does
TICK = 0.25  # seconds between two looks at the connection
LOOK = 1.0  # seconds between two looks at who works
CONNECT = 3.0  # seconds that an attempt to connect may take
ERRANDS = 16  # results, cancellations and files that are waited for at once
ANSWER = 10.0  # seconds after which a scheduler that says nothing counts as lost


@dataclass(frozen=True)
class Worker:
    """A worker of the cluster and what it has; `refused` says why it gets nothing to do from this studio."""

    address: str
    name: str
    devices: int
    processors: int
    refused: str | None = None


def security(settings: Settings) -> Any:
    """What `distributed` needs for TLS: its Security; None for plain TCP."""
    if not settings.dask_scheduler.startswith("tls://"):
        return None
    from distributed import Security

    authority, certificate, key = (
        str(ROOT / name) for name in (settings.dask_tls_ca, settings.dask_tls_cert, settings.dask_tls_key)
    )
    parts = {f"tls_{role}_cert": certificate for role in ("client", "worker", "scheduler")}
    parts |= {f"tls_{role}_key": key for role in ("client", "worker", "scheduler")}
    return Security(tls_ca_file=authority, require_encryption=True, **parts)


def is_local(address: str) -> bool:
    """Whether a scheduler's address is on the loopback."""
    host = urlsplit(address).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Connection:
    """Keeps a `distributed.Client` connected, from the first need on, and tells listeners a few times a second."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._errands = ThreadPoolExecutor(ERRANDS, thread_name_prefix="cluster")
        self.topic = f"trendtok-{token_hex(8)}"
        self.dashboard = ""
        self.looked_at = 0.0  # when it was last asked who works, by time.monotonic
        self._resource = identity.resource(settings)
        self._client: Any = None
        self._workers: tuple[Worker, ...] = ()
        self._places = Places()
        self._forgotten: dict[str, None] = {}  # contents that workers are not to keep; the newest calls.MANY
        self._seen_at = dict.fromkeys(KINDS, time.monotonic())
        self._listeners: list[Callable[[], None]] = []
        self._reports: dict[str, tuple[Report, Callable[[], None]]] = {}
        self._news: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._starting, self._started = threading.Lock(), False
        self._looked, self._closed = threading.Event(), threading.Event()

    def start(self) -> None:
        """Connect in the background, if that has not begun."""
        with self._starting:
            if self._started:
                return
            self._started = True
            self._seen_at = dict.fromkeys(KINDS, time.monotonic())
            for work, name in ((self._watch, "cluster-watch"), (self._tell, "cluster-reports")):
                threading.Thread(target=work, name=name, daemon=True).start()

    def listen(self, listener: Callable[[], None]) -> None:
        """Have `listener` called a few times a second, and when something has changed."""
        self._listeners.append(listener)

    def is_ready(self, kind: str) -> bool:
        """Whether there are workers for a kind of stages. Waits for the first look."""
        self.start()
        self._looked.wait(CONNECT + ANSWER)
        return self.capacity(kind) > 0

    def submit(
        self, kind: str, name: str, function: Callable[..., Any], *arguments: Any, at: str | None = None
    ) -> tuple[Any, str]:
        """Have a worker call a function: the `distributed.Future` of it, and the address of who does.

        That is the worker `at`, where it is still there. Raises ConnectionError where none can.

        An executor of Dask's (`Client.get_executor`) submits with the same options, but never ends a call whose result
        was lost with its worker and that raises when Dask runs it again.
        """
        client, offered = self._client, self._offered(kind)
        if client is None or not offered:
            raise ConnectionError(self.reason())
        key, address = self._places.take(kind, name, {at: offered[at]} if at in offered else offered)
        options = {"resources": {kind: 1, self._resource: 1}, "workers": [address], "retries": 0, "pure": False}
        try:
            future = client.submit(function, *arguments, key=key, **options)
        except BaseException:
            self._places.leave(key)
            raise
        future.add_done_callback(lambda _: self._places.leave(key))
        return future, address

    def capacity(self, kind: str) -> int:
        """How many stages of a kind the workers can run at once; 0 while the cluster is not reachable."""
        return sum(self._offered(kind).values())

    def _offered(self, kind: str) -> dict[str, int]:
        """How many stages of a kind each worker runs at once that this studio may use, by its address."""
        name = "devices" if kind == "ACCELERATOR" else "processors"
        offers = ((worker.address, getattr(worker, name)) for worker in self._workers if not worker.refused)
        return {address: number for address, number in offers if number}

    def out_for(self, kind: str) -> float:
        """Seconds since there was a worker for a kind of stages."""
        return 0.0 if self.capacity(kind) else time.monotonic() - self._seen_at[kind]

    def reason(self) -> str:
        """Why no stage can run now: a sentence that a user understands."""
        if self._client is None:
            return f"The cluster at {self.settings.dask_scheduler} cannot be reached"
        refused = [worker.refused for worker in self._workers if worker.refused]
        told = f": of its {len(refused)} workers none fits, as {refused[0]}" if refused else ""
        return f"The cluster at {self.settings.dask_scheduler} has no worker for this{told}"

    def addresses(self) -> set[str]:
        """Where the workers are that this studio may use, as last seen."""
        return {worker.address for worker in self._workers if not worker.refused}

    def workers(self) -> tuple[Worker, ...]:
        """Who works there, as last seen."""
        return self._workers

    def errand(self, work: Callable[..., object], *arguments: Any) -> bool:
        """Do something in the background that asks the cluster; False where the connection was closed."""
        try:
            self._errands.submit(work, *arguments)
        except RuntimeError:
            return False
        return True

    def expect(self, ticket: str, report: Report, called_off: Callable[[], None]) -> None:
        """Pass on what a worker tells under a ticket; where the report raises Cancelled, call `called_off`."""
        self._reports[ticket] = (report, called_off)

    def forget(self, ticket: str) -> None:
        self._reports.pop(ticket, None)

    def scatter(self, content: bytes, address: str) -> Any:
        """Bring a file's content to a worker's memory; a handle that a call takes in its place."""
        return self._client.scatter([content], workers=[address], hash=False)[0]

    def forget_files(self, contents: Collection[str]) -> None:
        """Have all workers remove what they keep of files, by their digests; those that come later too."""
        calls.remember(self._forgotten, contents)
        self.errand(self._tell_to_forget, list(contents), None)

    def want_files(self, contents: Collection[str]) -> None:
        """These files are used again."""
        for content in contents:
            self._forgotten.pop(content, None)

    def _tell_to_forget(self, contents: list[str], addresses: list[str] | None) -> None:
        if client := self._client:
            client.run(calls.forget, contents, workers=addresses, on_error="ignore")

    def call_off(self, tickets: list[str]) -> None:
        """Tell all workers that calls were called off."""
        if client := self._client:
            client.run(calls.call_off, tickets, on_error="ignore")

    def close(self) -> None:
        self._closed.set()
        self._news.put(None)
        self._errands.shutdown(wait=False, cancel_futures=True)
        self._drop()

    def _watch(self) -> None:
        while not self._closed.is_set():
            try:
                if self._client is None or self._client.status != "running":
                    self.looked_at = 0.0
                    self._drop()
                    self._open()
                if time.monotonic() - self.looked_at >= LOOK:
                    self._look()
                self._places.see(self._ask(self._client.scheduler.processing, workers=None))
            except Exception as error:  # noqa: BLE001 whatever it is, the cluster cannot be used now, and may be later
                log.debug("the cluster cannot be reached: %s", error)
                self._drop()
            self._looked.set()
            for listener in self._listeners:
                try:
                    listener()
                except Exception:
                    log.exception("the cluster's stages cannot be looked after")
            self._closed.wait(TICK)

    def _open(self) -> None:
        from distributed import Client

        options = {"timeout": CONNECT, "set_as_default": False, "security": security(self.settings)}
        client = Client(self.settings.dask_scheduler, name="studio", **options)
        client.subscribe_topic(self.topic, self._news.put)
        self.dashboard = client.dashboard_link if "dashboard" in client.scheduler_info()["services"] else ""
        self._client = client
        log.info("connected to the cluster at %s", self.settings.dask_scheduler)

    def _drop(self) -> None:
        """Give up a connection that was lost: what was under way there comes back as cancelled."""
        client, self._client = self._client, None
        self._workers = ()
        self._places.clear()
        if client is not None:
            if not self._closed.is_set():
                log.warning("the connection to the cluster at %s was lost", self.settings.dask_scheduler)
            threading.Thread(target=partial(client.close, timeout=1), name="cluster-close", daemon=True).start()

    def _look(self) -> None:
        began = time.monotonic()
        told = self._ask(self._client.scheduler.identity, n_workers=-1)
        known = {worker.address for worker in self._workers}
        self._workers = tuple(self._worker(address, info) for address, info in told["workers"].items())
        self.looked_at = began
        new = [worker for worker in self._workers if worker.address not in known]
        for worker in new:
            if worker.refused:
                log.warning("the worker %s at %s is not used: %s", worker.name, worker.address, worker.refused)
        if new and self._forgotten:
            self.errand(self._tell_to_forget, list(self._forgotten), [worker.address for worker in new])
        for kind in KINDS:
            if self.capacity(kind):
                self._seen_at[kind] = time.monotonic()

    def _ask(self, question: Callable[..., Any], **options: Any) -> dict[str, Any]:
        """What the scheduler answers. Raises TimeoutError where that takes longer than ANSWER."""
        answer: dict[str, Any] = self._client.sync(question, **options, callback_timeout=ANSWER)
        return answer

    def _worker(self, address: str, info: dict[str, Any]) -> Worker:
        has = info["resources"]
        refused = None
        if self._resource not in has:
            refused = identity.difference(info.get("studio"), self.settings) or "its resources are of another studio"
        elif info.get("status") not in ("running", None):
            refused = f"it is {info['status']}"
        devices, processors = int(has.get("ACCELERATOR", 0)), int(has.get("PROCESSOR", 0))
        return Worker(address, str(info["name"]), devices, processors, refused)

    def _tell(self) -> None:
        """Pass on what workers tell; in one thread, for the client's own must not wait."""
        while event := self._news.get():
            _, news = event
            report, called_off = self._reports.get(news["ticket"], (None, None))
            if report is None or called_off is None:
                continue
            try:
                report(news["done"], news["total"], news["what"])
            except Cancelled:
                called_off()
            except Exception:
                log.exception("the progress of a stage cannot be told")
