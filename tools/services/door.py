"""A door in front of a server, on a port of the loopback: open, all goes through; shut, there is nobody behind it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class Door:
    """`host` is a name or, as PostgreSQL has it, the folder of a socket."""

    def __init__(self, host: str, port: int):
        self._behind = (host, port)
        self._open = threading.Event()
        self._open.set()
        self._pairs: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._let_in, daemon=True).start()

    def __enter__(self) -> "Door":
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()
        self._throw_out()

    @contextmanager
    def shut(self) -> Iterator[None]:
        """Break every connection, and let nobody in until the end of the block."""
        self._open.clear()
        self._throw_out()
        try:
            yield
        finally:
            self._open.set()

    def _let_in(self) -> None:
        with suppress(OSError):  # until it is closed
            while True:
                client, _ = self._listening.accept()
                if not self._open.is_set():
                    client.close()
                    continue
                server = self._reach()
                self._pairs += [client, server]
                for source, target in ((client, server), (server, client)):
                    threading.Thread(target=_hand_on, args=(source, target), daemon=True).start()

    def _reach(self) -> socket.socket:
        host, port = self._behind
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(str(Path(host) / f".s.PGSQL.{port}"))
        return server

    def _throw_out(self) -> None:
        for one in self._pairs:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._pairs.clear()


def _hand_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
