"""A server under test as a process: started, waited for by connecting, killed, restarted, always ended; and its port.

Knows no particular server. It ends only processes that it started, by their own id, and never waits by
sleeping for a guessed time.
"""

from __future__ import annotations

import atexit
import os
import random
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

READY_S = 60.0  # influxd migrates its stores at first start; on a loaded machine that took 20 s
STOP_S = 10.0  # a server that has not stopped by then is killed
POLL_S = 0.02  # between two looks at a port
EXTRA_PATH = "/usr/sbin:/usr/local/sbin"  # Debian puts daemons there, and a user's PATH has neither


class Ports:
    """Ports that nobody else takes before a server binds them, nor while it is down between two starts.

    They lie below those that a kernel hands out by itself, to whoever binds port 0 or connects. Processes share them out
    by blocks: who holds a block has bound the UDP port of its first number for as long as he lives, which hinders no
    server, and leaves nothing behind however he ends.
    """

    FIRST, LAST, BLOCK = 12_000, 32_767, 40

    def __init__(self) -> None:
        self._held: list[socket.socket] = []  # one for each block
        self._left: list[int] = []
        self._lock = threading.Lock()

    def take(self) -> int:
        """Never the same one twice."""
        with self._lock:
            while True:
                if not self._left:
                    self._left = self._block()
                port = self._left.pop()
                if _can_be_listened_on(port):
                    return port

    def _block(self) -> list[int]:
        starts = list(range(self.FIRST, self.LAST - self.BLOCK, self.BLOCK))
        random.SystemRandom().shuffle(starts)  # so that runs side by side seldom ask for the same one
        for start in starts:
            claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                claim.bind(("127.0.0.1", start))
            except OSError:
                claim.close()
            else:
                self._held.append(claim)
                return list(range(start, start + self.BLOCK))
        raise RuntimeError("every port is taken")


def _can_be_listened_on(port: int) -> bool:
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


_ports = Ports()


def free_port() -> int:
    """A loopback port for this test run alone: nobody listens there but whom the test starts."""
    return _ports.take()


def find(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:{EXTRA_PATH}")


def missing(what: str, how: str) -> None:
    """Ends the test: as skipped on a laptop, as failed with CI=true, both saying what to install."""
    message = f"{what} is not installed: {how}"
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


class Server:
    """One server process. `start` returns when `ready` says so; `kill` is SIGKILL, `stop` is polite."""

    stdin = subprocess.DEVNULL  # or PIPE, for one that listens to it

    def __init__(self, name: str, command: list[str], log: Path, ready: Callable[[], bool]) -> None:
        self.name, self.command, self.log, self.ready = name, command, log, ready
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        assert self.process is not None, f"{self.name} was never started"
        return self.process.pid

    def cpu_s(self) -> float:
        """CPU that it has used, of all its threads; in ticks of 10 ms. Linux alone."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def start(self) -> None:
        assert not self.running, f"{self.name} is running already"
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C reaches pytest alone, which then ends the server in its own order.
            self.process = subprocess.Popen(
                self.command, stdin=self.stdin, stdout=log, stderr=log, start_new_session=True
            )
        atexit.register(self.kill)
        deadline = time.monotonic() + READY_S
        while not self.ready():
            if not self.running:
                raise RuntimeError(f"{self.name} ended at once:\n{self.tail()}")
            if time.monotonic() > deadline:
                self.kill()
                raise TimeoutError(f"{self.name} was not ready after {READY_S:.0f} s:\n{self.tail()}")
            time.sleep(POLL_S)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone. Harmless if it is."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM; SIGKILL if that does not help."""
        self._end(signal.SIGTERM)

    def restart(self) -> None:
        """Kills it if it runs, and starts it again on the same port and folder."""
        self.kill()
        self.start()

    def freeze(self) -> None:
        """Stops it from answering while its connections stay open, as a hanging machine would."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def tail(self, lines: int = 30) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _end(self, how: signal.Signals) -> None:
        atexit.unregister(self.kill)
        process = self.process
        if process is None or process.poll() is not None:
            return
        process.send_signal(how)
        process.send_signal(signal.SIGCONT)  # a frozen one would not see SIGTERM
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
