"""A line to a server on the loopback that can be cut and mended: connections are refused meanwhile."""

import socket
import threading

from tools.waiting import free_port


class Line:
    """Hands on what arrives at `port` to a server's port, until it is cut."""

    def __init__(self, server_port: int):
        self.port, self._server_port = free_port(), server_port
        self._listening: socket.socket | None = None
        self._open: list[socket.socket] = []

    def mend(self) -> None:
        """Accept connections, from now on."""
        listening = socket.create_server(("127.0.0.1", self.port), backlog=100)
        self._listening = listening
        threading.Thread(target=self._accept, args=[listening], daemon=True).start()

    def cut(self) -> None:
        """Refuse connections and break off those that there are."""
        if self._listening:
            self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
        for one in self._open:
            one.close()
        self._listening, self._open = None, []

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                near, _ = listening.accept()
                far = socket.create_connection(("127.0.0.1", self._server_port))
            except OSError:
                return
            self._open += [near, far]
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=_hand_on, args=(source, target), daemon=True).start()


def _hand_on(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for one in (source, target):
            one.close()
