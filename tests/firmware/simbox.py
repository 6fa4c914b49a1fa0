"""One simulated box as a process: keys through its standard input, its words as a list. Ends only what it started."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.firmware.conftest import micropython

PATIENCE_S = (
    60.0  # for anything that must come true by itself; a loaded machine is slow, a broken one is stuck
)
BOX = "mb-24dcc3a1b2c4"
LOOK_S = 0.05
BLOCKED_MS = 1000
K_LINK, K_CHAIN = bytes(range(32)), bytes(range(100, 132))


def another_hand(ms: int) -> list[str]:
    """To be said before a tap, after one that lasted so long. Each has the box look at its keys once, 15 ms after the one
    before, however busy its host is: a key that comes down before the box has seen it up for 20 ms has only bounced."""
    return ["block 0"] * (ms // 15 + 4)


def eventually(changed: threading.Condition, true: Callable[[], Any], patience_s: float) -> Any:
    """What `true()` says in the end, under the lock. Asked at each change, and now and then for what nobody tells: a file,
    another thread's count."""
    end = time.monotonic() + patience_s
    with changed:
        while not (answer := true()) and time.monotonic() < end:
            changed.wait(LOOK_S)
    return answer


class SimBox:
    def __init__(self, folder: Path, firmware: Path, port: int, heap: str = "56wK", **facts: object) -> None:
        self.folder, self._firmware, self._heap = folder, firmware, heap
        folder.mkdir(parents=True, exist_ok=True)
        self.facts = {
            "box": BOX, "k_link": K_LINK.hex(), "k_chain": K_CHAIN.hex(), "host": "127.0.0.1", "port": port,
            "user": BOX, "password": "", "tls": None, "beat_s": 60, "ack_ms": 600, "backoff_ms": 50,
            "backoff_max_ms": 200,
        } | facts  # fmt: skip
        self.lines: list[str] = []
        self._changed = threading.Condition()

    def start(self) -> SimBox:
        (self.folder / "box.json").write_text(json.dumps(self.facts))
        self.lines = []
        self.process = subprocess.Popen(
            [str(micropython()), "-X", f"heapsize={self._heap}", str(self._firmware / "sim.py"), str(self.folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1,
            env={**os.environ, "MICROPYPATH": f"{self._firmware}:.frozen"},
        )  # fmt: skip
        self._reader = threading.Thread(target=self._listen, args=(self.process,), daemon=True)
        self._reader.start()
        return self

    def boot(self) -> SimBox:
        self.start()
        self.wait("ready")
        return self

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        process.wait()
        with self._changed:
            self._changed.notify_all()

    def say(self, *lines: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{line}\n" for line in lines))
        self.process.stdin.flush()

    def said(self, start: str) -> list[str]:
        return [line for line in self.lines if line.startswith(start)]

    def wait(self, start: str, count: int = 1) -> dict[str, str]:
        """Fields of the count-th line that begins with `start`."""
        self.until(f"{count} lines {start!r}", lambda: len(self.said(start)) >= count)
        return dict(f.split("=", 1) for f in self.said(start)[count - 1].split() if "=" in f)

    def until(self, what: str, true: Callable[[], bool]) -> None:
        came = eventually(self._changed, true, PATIENCE_S)
        assert came, f"did not come true in {PATIENCE_S} s: {what}\n" + "\n".join(self.lines[-30:])

    def press(self, level: int, ms: int = 40) -> dict[str, str]:
        """A press and its light."""
        count = len(self.said("light")) + 1
        self.say(*another_hand(ms), f"tap {level} {ms}")
        return self.wait("light", count)

    def ended(self, patience_s: float = PATIENCE_S) -> int:
        try:
            self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it goes on: {self.lines[-5:]}") from None
        self._reader.join(PATIENCE_S)
        return self.process.returncode

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.ended()


def lit_at_once(lights: list[dict[str, str]], ms: float = 100) -> None:
    """Nothing kept the box from these lights: half of them within `ms`, and none so late as a wait for the network makes it.
    Not each within `ms`: on a shared machine a process may not run for longer than that."""
    took = sorted(float(light["ms"]) for light in lights)
    assert took[len(took) // 2] < ms, took
    assert took[-1] < BLOCKED_MS, took


def acked(box: SimBox, seq: int) -> None:
    box.until(f"ack of {seq}", lambda: any(f"seq={seq} depth=0" in line for line in box.said("ack")))
