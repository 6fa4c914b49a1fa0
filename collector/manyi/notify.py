"""Tells systemd how far the service is (Type=notify) and that it lives (WatchdogSec), as sd_notify(3) says: a datagram
to the socket it named.

Does nothing where nobody asked, and refuses to fail: a service that runs does not end because nobody listens.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable
from typing import Any, Final

EVERY_S: Final = 10.0  # WatchdogSec of manyi.service is six times that


def notify(state: str) -> None:
    """`READY=1`, `STOPPING=1`, `STATUS=...`."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address or not hasattr(socket, "AF_UNIX"):
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.connect("\0" + address[1:] if address.startswith("@") else address)
        sock.sendall(state.encode())


class Watchdog:
    """To be called again and again by the thread that answers browsers: so that it lives too. All is well only while no
    other thread is `late`; systemd then ends and starts the service."""

    def __init__(
        self, late: Callable[[], list[str]], log: Any, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._late, self._log, self._clock = late, log, clock
        self._due = 0.0
        self._said: list[str] = []

    def __call__(self) -> None:
        if self._clock() < self._due:
            return
        self._due = self._clock() + EVERY_S
        late = self._late()
        if not late:
            notify("WATCHDOG=1")
        elif late != self._said:
            self._log.error("thread_hangs", threads=",".join(late), effect="systemd starts the service again")
            notify(f"STATUS=hangs: {', '.join(late)}")
        self._said = late
