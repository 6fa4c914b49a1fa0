"""A server that a box dials in vain: what it does with a connection is the test's, when it was dialled is told."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def dialled(
    address: tuple[str, int], then: Callable[[socket.socket], None]
) -> Iterator[tuple[int, list[float]]]:
    """-> its port, and the times (monotonic, s) of what it has taken; each connection is closed after `then`."""
    times: list[float] = []
    listener = socket.create_server(address)

    def serve() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return  # closed: the test is over
            times.append(time.monotonic())
            with sock:
                then(sock)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], times
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)
