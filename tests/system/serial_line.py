"""A serial cable between a simulated box and pyserial: two pseudo terminals and a thread that carries bytes.

It can add noise, swallow or bend bytes, be pulled out, and be put to another end. It knows nothing of what is said.
"""

from __future__ import annotations

import contextlib
import os
import pty
import select
import threading
import tty
from collections.abc import Callable
from pathlib import Path

POLL_S = 0.05


def _pair() -> tuple[int, int, str]:
    """master, slave, the slave's path; raw, so that nobody echoes."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    return master, slave, os.ttyname(slave)


class SerialLine:
    """`port` for pyserial; the box finds its end as FOLDER/tty. `bend(data, to_box)` may change what is carried."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._box, self._box_slave, path = _pair()
        self._host, self._host_slave, self.port = _pair()
        self._far: list[int] = []
        (folder / "tty").symlink_to(path)
        self.carried = 0
        self.bend: Callable[[bytes, bool], bytes] = lambda data, _to_box: data
        self.cut_after: int | None = None  # bytes to the box, then the cable is out
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def _carry(self) -> None:
        while not self._stop.is_set():
            with self._lock:
                host, box = self._host, self._box
            ends = [box] + ([host] if host >= 0 else [])
            try:
                ready, _, _ = select.select(ends, [], [], POLL_S)
                for end in ready:
                    self._one(end, host, box)
            except OSError:
                continue  # an end was closed meanwhile

    def _one(self, end: int, host: int, box: int) -> None:
        data = os.read(end, 4096)
        to_box = end == host
        if to_box and self.cut_after is not None:
            data = data[: max(0, self.cut_after - self.carried)]
        if to_box:
            self.carried += len(data)
        bent = self.bend(data, to_box)
        target = box if to_box else host
        if target >= 0 and bent:
            os.write(target, bent)
        if to_box and self.cut_after is not None and self.carried >= self.cut_after:
            self.unplug()

    def unplug(self) -> None:
        with self._lock:
            host, self._host = self._host, -1
        for end in (host, self._host_slave):
            with contextlib.suppress(OSError):
                os.close(end)

    def plug_in(self) -> None:
        """Again, as another device of the system."""
        self.cut_after = None
        with self._lock:
            self._host, self._host_slave, self.port = _pair()

    def put_to(self, terminal: str) -> None:
        """Its far end is this terminal from now on."""
        end = os.open(terminal, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(end)
        with self._lock:
            self._far.append(self._box)
            self._box = end

    def put_off(self) -> None:
        """Its far end is nobody's."""
        self.put_to(os.ttyname(self._box_slave))

    def say_to_host(self, data: bytes) -> None:
        os.write(self._host, data)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        for end in (self._host, self._host_slave, self._box, self._box_slave, *self._far):
            with contextlib.suppress(OSError):
                os.close(end)
