"""`make soak`: the whole firmware at an ESP32's heap, its keys pressed as fast as a finger can, over a TLS link that flaps.

    python -m tests.firmware.soak [PRESSES]      100,000 take four hours: a finger needs 120 ms, and a link goes and comes

Every press must get its light, reach the collector once, and the heap must not grow: the free bytes that the beats tell
at the end are those of the beginning. test_soak.py runs two minutes of it.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from tests.firmware.conftest import FIRMWARE
from tests.firmware.fake_collector import FakeCollector
from tests.firmware.simbox import BOX, K_CHAIN, K_LINK, SimBox
from tests.services.certs import make_certs
from tests.services.mosquitto import Mosquitto
from tests.services.processes import free_port

HEAP = tomllib.loads((FIRMWARE / "budget.toml").read_text())["heap"]["soak"]
PRESSES = 100_000
UP_S, DOWN_S = 12.0, 3.0  # the link, by turns
WARM_S = 20.0  # until every lazy thing has been used once
WARM_BEATS = int(WARM_S / 2) - 2
BURST = 20  # presses asked for at once
GROWTH = 1024  # bytes: the heap is counted in blocks, and a beat may fall into a batch


@dataclass
class Report:
    pressed: int = 0
    stored: int = 0
    seconds: float = 0.0
    outages: int = 0
    resets: int = 0
    free: list[int] = field(default_factory=list)

    def grown(self) -> int:
        """Bytes by which the least free heap of the last third is below that of the first."""
        third = max(1, len(self.free) // 3)
        return min(self.free[:third]) - min(self.free[-third:])

    def __str__(self) -> str:
        return (
            f"{self.pressed} presses, {self.stored} stored, {self.outages} outages, {self.resets} resets, "
            f"{self.seconds:.0f} s; free heap {min(self.free)} to {max(self.free)}, median "
            f"{statistics.median(self.free):.0f}, grown by {self.grown()} bytes at {HEAP}"
        )


def soak(folder: Path, firmware: Path, presses: int = PRESSES, seconds: float = float("inf")) -> Report:
    """Presses until there were `presses`, or `seconds` are over. Raises AssertionError if a light is missing."""
    certs, plain = make_certs(folder / "certs"), free_port()
    broker = Mosquitto(folder / "broker", tls=certs, extra=f"listener {plain} 127.0.0.1")
    broker.start()
    collector = FakeCollector(plain, BOX, K_LINK, K_CHAIN)
    trusted = folder / "ca.der"
    trusted.write_bytes(certs.ca_der.read_bytes())
    box = SimBox(
        folder / "box",
        firmware,
        broker.port,
        heap=HEAP,
        beat_s=2,
        tls={"ca": str(trusted), "name": "localhost"},
    )
    report, began = Report(), time.monotonic()
    try:
        box.boot()
        flips = began + UP_S
        while report.pressed < presses and time.monotonic() - began < seconds:
            levels = [(report.pressed + i) % 3 + 1 for i in range(min(BURST, presses - report.pressed))]
            box.say(*(f"tap {level} 60" for level in levels))
            report.pressed += len(levels)
            box.wait("light", report.pressed)
            if time.monotonic() >= flips:
                if broker.running:
                    broker.kill()
                    report.outages += 1
                else:
                    broker.start()
                flips = time.monotonic() + (UP_S if broker.running else DOWN_S)
            if time.monotonic() - began > WARM_S:
                report.free = [beat["heap"] for beat in collector.heard["beat"]][WARM_BEATS:]
        if not broker.running:
            broker.start()
        collector.until("every press", lambda: len(collector.presses()) >= report.pressed, 120)
        report.stored = len(collector.presses())
        report.resets = len(box.said("ready")) - 1 + len(box.said("fault"))
        report.seconds = time.monotonic() - began
        assert not collector.wrong, collector.wrong
    finally:
        box.kill()
        collector.close()
        broker.kill()
    return report


def main(words: list[str]) -> None:
    subprocess.run([sys.executable, FIRMWARE / "build.py"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        built = FIRMWARE.parent / "build" / "firmware"
        report = soak(Path(folder), built, int(words[0]) if words else PRESSES)
    print(report)
    if report.stored != report.pressed or report.grown() > GROWTH or report.resets:
        sys.exit("the soak failed")


if __name__ == "__main__":
    main(sys.argv[1:])
