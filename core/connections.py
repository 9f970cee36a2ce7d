"""Connections that another thread can cut, whatever they are waiting for: TLS, a head, the next byte of a body."""

import os
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

if TYPE_CHECKING:
    _Connection = urllib3.connection.HTTPConnection
else:  # at run time it only goes before one
    _Connection = object


class CuttableSession(requests.Session):
    """A session of requests over a CuttableAdapter. It trusts SSL_CERT_FILE where REQUESTS_CA_BUNDLE is not set."""

    def __init__(self) -> None:
        super().__init__()
        self.adapter = CuttableAdapter()
        self.verify = os.environ.get("SSL_CERT_FILE") or True
        for scheme in ("http://", "https://"):
            self.mount(scheme, self.adapter)

    def get_redirect_target(self, _resp: requests.Response) -> None:
        """None: requests would read the whole body of a redirect, whether it follows it or not."""


class CuttableAdapter(HTTPAdapter):
    """`connecting_since` is when the look-up of an address began (time.monotonic), infinity while none is under way."""

    def __init__(self) -> None:
        super().__init__()
        self.connecting_since = float("inf")
        self._handles: list[socket.socket] = []  # a second one on each socket: TLS takes the first one over
        self._is_cut = False

    def get_connection_with_tls_context(self, *arguments: Any, **options: Any) -> urllib3.HTTPConnectionPool:
        pool = super().get_connection_with_tls_context(*arguments, **options)
        if not issubclass(pool.ConnectionCls, _Cuttable):
            pool.ConnectionCls = type("Connection", (_Cuttable, pool.ConnectionCls), {"adapter": self})
        return pool

    def add(self, opened: socket.socket) -> None:
        self.connecting_since = float("inf")
        self._handles.append(opened.dup())
        if self._is_cut:
            opened.close()
            self.close()
            raise TimeoutError

    def cut(self) -> None:
        self._is_cut = True
        for handle in list(self._handles):
            with suppress(OSError):
                handle.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        super().close()
        while self._handles:
            self._handles.pop().close()


class _Cuttable(_Connection):
    """Goes before a connection of urllib3 among the bases of a class."""

    adapter: CuttableAdapter

    def _new_conn(self) -> socket.socket:
        self.adapter.connecting_since = time.monotonic()
        opened: socket.socket = super()._new_conn()
        self.adapter.add(opened)
        return opened
