"""A bad line between a box and its broker: by turns it carries, is cut, and swallows what it is given.

Refuses: to understand what it carries. The listening port stays open all the time, so that nobody else can take it.
"""

from __future__ import annotations

import select
import socket
import threading

CARRIES, CUT, SWALLOWS = "carries", "cut", "swallows"
LOOK_S = 0.02
CHUNK = 65536


class BadLine:
    """`port` for the box; `set` says what the line does from now on."""

    def __init__(self, to_port: int) -> None:
        self._to = to_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.does = CARRIES
        self._other: dict[socket.socket, socket.socket] = {}
        self._open = True
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def set(self, does: str) -> None:
        self.does = does

    def close(self) -> None:
        self._open = False
        self._thread.join()

    def _run(self) -> None:
        while self._open:
            if self.does == CUT:
                for sock in list(self._other):
                    self._drop(sock)
            heard = [] if self.does == SWALLOWS else list(self._other)
            ready, _, _ = select.select([self._listener, *heard], [], [], LOOK_S)
            for sock in ready:
                if sock is self._listener:
                    self._accept()
                elif sock in self._other:
                    self._carry(sock)
        for sock in list(self._other):
            self._drop(sock)
        self._listener.close()

    def _accept(self) -> None:
        near, _ = self._listener.accept()
        if self.does == CUT:
            near.close()
            return
        far = socket.create_connection(("127.0.0.1", self._to))
        self._other[near], self._other[far] = far, near

    def _carry(self, sock: socket.socket) -> None:
        try:
            data = sock.recv(CHUNK)
            if data:
                self._other[sock].sendall(data)
        except OSError:
            data = b""
        if not data:
            self._drop(sock)

    def _drop(self, sock: socket.socket) -> None:
        other = self._other.pop(sock, None)
        if other is not None:
            self._other.pop(other)
            other.close()
            sock.close()
