"""What a long-running service is made of, whatever it does: a folder that is its own, and threads that end together.

A thread that dies takes the process with it (`failed`, and `stop` is set): a collector that only looks alive is worse
than one that systemd starts again. A thread that hangs is named by `late`. Refuses to run twice on one data folder, and to
know what the threads do.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread, current_thread
from typing import Any, Final, TextIO

from manyi.core.errors import SetupError
from manyi.words import both

JOIN_S: Final = 10.0  # the longest a thread may take to end: one transaction and one write to InfluxDB
# Without a round a thread hangs. An honest round takes seconds: a commit on a slow disk, a write to InfluxDB up to its
# timeout, a year's baseline.
HANGS_S: Final = 300.0


def hold(folder: Path) -> TextIO:
    """The folder, made if need be, for this process alone until the file is closed. Raises SetupError."""
    try:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        lock = (folder / "serve.lock").open("w")
    except OSError as error:
        raise SetupError(
            both(
                f"{folder}：服务要能写入，请检查 [data] dir、它的属主和磁盘",
                f"the service must be able to write there ({error}). Look at [data] dir, its owner and the disk.",
            )
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise SetupError(
            both(f"{folder}：另一个 manyi serve 正在使用", "another `manyi serve` runs on this data folder.")
        ) from error
    return lock


class Stop(Event):
    """Set to end. Every thread asks it once a round, so it is what knows who has not come round for a while."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._back: dict[str, float] = {}

    def is_set(self) -> bool:
        self._back[current_thread().name] = self._clock()
        return super().is_set()

    def wait(self, timeout: float | None = None) -> bool:
        self._back[current_thread().name] = self._clock() + (timeout or 0)
        return super().wait(timeout)

    def late(self) -> set[str]:
        """Threads that should have asked HANGS_S ago, and have not."""
        before = self._clock() - HANGS_S
        return {name for name, back in list(self._back.items()) if back < before}


class Running:
    """Set `stop` to end. `failed` names a thread that died, or did not end."""

    def __init__(self, log: Any) -> None:
        self.stop = Stop()
        self.failed = ""
        self._log = log
        self._threads: list[Thread] = []
        self._children = {"influx"}  # the projector's own

    def _thread(self, name: str, work: Callable[[], None]) -> None:
        """One thread more, started by _begin_threads."""

        def run() -> None:
            try:
                work()
            except BaseException as error:
                why = f"{type(error).__name__}: {error}"
                self._log.error("thread_died", thread=name, why=why, exc_info=True)
                self.failed = name
            finally:
                if not self.stop.is_set() and not self.failed:
                    self.failed = name
                self.stop.set()

        self._threads.append(Thread(target=run, name=name, daemon=True))

    def late(self) -> list[str]:
        """Threads that hang; whoever else asked `stop` once is no matter of ours."""
        return sorted(self.stop.late() & {*(thread.name for thread in self._threads), *self._children})

    def _begin_threads(self) -> None:
        for thread in self._threads:
            thread.start()

    def _end_threads(self) -> None:
        """`stop` is set, and whoever waits has been woken."""
        for thread in self._threads:
            thread.join(JOIN_S)
            if thread.is_alive():
                self._log.error("thread_does_not_end", thread=thread.name)
                self.failed = self.failed or thread.name
