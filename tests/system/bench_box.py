"""The technician's bench, simulated: a box at a serial cable that starts again when it resets, and a mock ROM loader.

The box is the real firmware on the real MicroPython. It gets more heap than one at a window: an ESP32's heap grows
when the console is loaded (facts: once, to about 112 KiB), and the simulator's cannot grow.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.firmware.conftest import micropython
from tests.firmware.simbox import eventually
from tests.system.serial_line import SerialLine

PATIENCE_S = 60.0  # for anything that must come true by itself
HEAP = "56wK"  # with an open console beside TLS, and for a renewal beside a link that fails
RESET = 3  # exit status of the simulator: start it again
STARTS = 12  # a box that resets more often in one test loops


class BenchBox:
    """`line` is its cable; `folder` its flash. `words` replaces the command that starts it."""

    def __init__(self, folder: Path, firmware: Path, words: list[str] | None = None) -> None:
        self.folder, self._firmware = folder, firmware
        self.line = SerialLine(folder)
        self.said: list[str] = []
        self._words = words or [str(firmware / "sim.py"), str(folder)]
        self._changed = threading.Condition()
        self._over = self._again = False
        self.process: subprocess.Popen[str]
        self._start()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    def _start(self) -> None:
        self.process = subprocess.Popen(
            [str(micropython()), "-X", f"heapsize={HEAP}", *self._words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1,
            env={**os.environ, "MICROPYPATH": f"{self._firmware}:.frozen"},
        )  # fmt: skip

    def _keep(self) -> None:
        for _ in range(STARTS):
            assert self.process.stdout is not None
            for line in self.process.stdout:
                with self._changed:
                    self.said.append(line.rstrip("\n"))
                    self._changed.notify_all()
            if (self.process.wait() != RESET and not self._again) or self._over:
                return
            self._again = False
            self._start()

    def switch_off_and_on(self) -> None:
        seen = len(self.heard("ready"))
        self._again = True
        self.process.kill()
        self.until("it is ready again", lambda: len(self.heard("ready")) > seen)

    def tell(self, *lines: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{line}\n" for line in lines))
        self.process.stdin.flush()

    def until(self, what: str, true: Callable[[], bool]) -> None:
        came = eventually(self._changed, true, PATIENCE_S)
        assert came, f"did not come true in {PATIENCE_S} s: {what}\n" + "\n".join(self.said[-30:])

    def heard(self, start: str) -> list[str]:
        return [line for line in self.said if line.startswith(start)]

    def close(self) -> None:
        self._over = True
        if self.process.poll() is None:
            self.process.kill()
        self._keeper.join(PATIENCE_S)
        self.line.close()


class MockLoader:
    """esp32-mock-bootloader (mock_rom.py) on a pseudo terminal: a chip's ROM, without the chip. `port` for esptool."""

    def __init__(self, folder: Path, chip: str = "esp32") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "port"
        state = {**os.environ, "ESP32_MOCK_BOOTLOADER_STATE_DIR": str(folder / "state")}
        program = str(Path(__file__).with_name("mock_rom.py"))
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, program, "run", "--pty", "--chip", chip, "--port-file", str(file)],
                stdout=log,
                stderr=log,
                env=state,
            )
        deadline = time.monotonic() + PATIENCE_S
        while not (file.exists() and file.read_text().strip()):
            assert time.monotonic() < deadline, (folder / "log").read_text()
            assert self.process.poll() is None, (folder / "log").read_text()
            time.sleep(0.02)
        self.port = file.read_text().strip()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE_S)
