"""`make soak`: the whole firmware at an ESP32's heap, its keys pressed as fast as a finger can, over a TLS link that flaps.

    python -m tests.firmware.soak [PRESSES] [--heap 56wK] [--plain]

100,000 presses take a finger three and a half hours. The box's own time runs SPEED times faster than ours (box.json,
`speed`: debouncing, timeouts and back-off with it; the watchdog alone waits for a busy host), so here they take half an
hour, on a host that has nothing else to do.

There is a badge reader, and a badge now and then. Every press that got its light must reach the collector once, nothing
may be lost, and the heap must not grow: the free bytes that the beats tell, counted after a collection of garbage, are
in the end those of the beginning. test_soak.py runs the first minute of it.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.firmware.conftest import FIRMWARE
from tests.firmware.fake_collector import FakeCollector, Life
from tests.firmware.simbox import BOX, K_CHAIN, K_LINK, SimBox
from tests.firmware.soak_link import CARRIES, CUT, SWALLOWS, BadLine
from tests.services.certs import make_certs
from tests.services.mosquitto import Mosquitto
from tests.services.processes import free_port, listens

BUDGET = tomllib.loads((FIRMWARE / "budget.toml").read_text())
HEAP, ERASES = BUDGET["heap"]["soak"], BUDGET["flash"]["erases_per_1000_presses"]
PRESSES = 100_000
SPEED = 12
UP_S, DOWN_S = 40.0, 10.0  # the link, by turns, in the box's seconds
SILENT = 4  # every fourth outage nobody is told of: the line swallows
BEAT_S = 20
WARM_BEATS = 5  # until every lazy thing has been used once
BURST = 60  # presses asked for at once
UNLIT_S = (
    2.0  # no light by then: the tap fell into a moment in which the box could not tell one hand from the next
)
BADGE_EVERY = 500  # presses
TOLD = 10_000  # presses between two lines about how it goes
BADGES = ("04a1b2c3", "04d4e5f6a7b8c9")
GROWTH = 1024  # bytes: the heap is counted in blocks, and a beat may fall into a batch
LAST_S = 120.0  # for what is still on its way
LINES = 60  # of the box's last words, where it does not come


@dataclass
class Report:
    heap: str
    pressed: int = 0  # presses that got their light
    unlit: int = 0  # taps that got none: a citizen would press again
    stored: int = 0
    lost: int = 0
    seconds: float = 0.0
    outages: int = 0
    resets: int = 0
    erases: int = 0
    slowest_ms: float = 0.0
    free: list[int] = field(default_factory=list)

    def worn(self) -> bool:
        """More blocks erased than the budget has for so many presses?"""
        return self.erases * 1000 > ERASES * self.pressed

    def grown(self) -> int:
        """Bytes by which the free heap of the last third is below that of the first; medians, as a key test takes 2 KB
        while it lasts."""
        third = max(1, len(self.free) // 3)
        return int(statistics.median(self.free[:third]) - statistics.median(self.free[-third:]))

    def __str__(self) -> str:
        return "\n".join(
            [
                f"{self.pressed} presses, {self.stored} stored, {self.lost} lost; {self.unlit} taps without a light",
                f"{self.outages} outages, {self.resets} resets, {self.erases} erases; slowest light "
                f"{self.slowest_ms:.0f} ms of the box's time; {self.seconds:.0f} s at {SPEED} times the speed",
                f"heap {self.heap}: free {self.free[0]} at the start, {self.free[-1]} at the end, {min(self.free)} to "
                f"{max(self.free)}, median {statistics.median(self.free):.0f}, grown by {self.grown()} bytes",
            ]
        )


class Box(SimBox):
    """Counts its lights instead of keeping 100,000 lines."""

    lights, slowest_ms = 0, 0.0

    def lit(self, count: int) -> None:
        """Waits for so many lights, but not for ever: a tap in which the box saw no press has none."""
        with self._changed:
            self._changed.wait_for(lambda: self.lights >= count, UNLIT_S)

    def settled(self) -> int:
        """The lights, when no more of them come."""
        seen = -1
        while seen != self.lights:
            seen = self.lights
            self.lit(seen + 1)
        return seen

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with self._changed:
                if line.startswith("light"):
                    self.lights += 1
                    self.slowest_ms = max(self.slowest_ms, float(line.rsplit("ms=", 1)[1]))
                elif not line.startswith("ack") or not self.said("ack"):
                    self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()


class Collector(FakeCollector):
    """Checks everything as its parent does, and keeps a count of what was stored instead of all of it."""

    def __init__(self, port: int) -> None:
        while not listens(port):  # the broker waits for its first port only
            time.sleep(0.05)
        super().__init__(port, BOX, K_LINK, K_CHAIN)
        self.stored = 0
        self.kinds: dict[int, int] = {}
        began = time.time()
        self.now_ms = lambda: int((began + (time.time() - began) * SPEED) * 1000)

    def _store(self, batch: dict[str, Any]) -> None:
        life = self.lives.setdefault(batch["life"], _Head())
        had = life.head[0]
        super()._store(batch)
        for seq in range(had + 1, life.head[0] + 1):
            kind = life.records[seq]["kind"]
            self.kinds[kind] = self.kinds.get(kind, 0) + 1
            self.stored += kind == 1
        for seq in [s for s in life.records if s < life.head[0] - 100]:
            del life.records[seq]  # what may still be repeated is kept
        self.batches.clear()
        self.acks.clear()


class _Head(Life):
    @property
    def head(self) -> tuple[int, str]:
        seq = next(reversed(self.records), 0)  # they come in order
        return seq, self.records[seq]["tag"] if seq else ""


def soak(
    folder: Path,
    firmware: Path,
    presses: int = PRESSES,
    seconds: float = float("inf"),
    heap: str = HEAP,
    plain: bool = False,
) -> Report:
    """Presses until there were `presses`, or `seconds` are over. Raises AssertionError if a light is missing."""
    certs, aside = make_certs(folder / "certs"), free_port()
    broker = Mosquitto(folder / "broker", tls=certs, extra=f"listener {aside} 127.0.0.1")
    broker.start()
    collector, line = Collector(aside), BadLine(aside if plain else broker.port)
    trusted = folder / "ca.der"
    trusted.write_bytes(certs.ca_der.read_bytes())
    tls = None if plain else {"ca": str(trusted), "name": "localhost"}
    box = Box(
        folder / "box", firmware, line.port, heap=heap, beat_s=BEAT_S, speed=SPEED, reader=True,
        tls=tls, ack_ms=10_000, backoff_ms=500, backoff_max_ms=4000,
    )  # fmt: skip
    report, began = Report(heap), time.monotonic()
    try:
        box.boot()
        taps = _press(box, line, collector, report, presses, began + seconds)
        report.pressed = box.settled()
        report.unlit = taps - report.pressed
        line.set(CARRIES)
        collector.until("every press", lambda: collector.stored >= report.pressed, LAST_S)
        beats = len(collector.heard["beat"])
        collector.until("a last beat", lambda: len(collector.heard["beat"]) > beats + 1, LAST_S)
        report.free = [beat["heap"] for beat in collector.heard["beat"]][WARM_BEATS:]
        last = collector.heard["beat"][-1]
        report.stored, report.lost, report.erases = collector.stored, sum(last["lost"]), last["erases"]
        assert sum(last["n"]) == report.pressed, last
        report.resets = len(box.said("ready")) - 1 + len(box.said("fault"))
        report.seconds, report.slowest_ms = time.monotonic() - began, box.slowest_ms
        assert not collector.wrong, collector.wrong
        print({why: box.lines.count(why) for why in set(box.said("link down"))}, "kinds", collector.kinds)
    except AssertionError:
        print(*box.lines[-LINES:], sep="\n")
        raise
    finally:
        box.kill()
        collector.close()
        line.close()
        broker.kill()
    return report


def _press(box: Box, line: BadLine, collector: Collector, report: Report, presses: int, end: float) -> int:
    """Until there were `presses`, or it is `end` by the monotonic clock, over a link that comes and goes. -> taps"""
    flips = time.monotonic() + UP_S / SPEED
    taps = 0
    while report.pressed < presses and time.monotonic() < end:
        assert box.process.poll() is None, box.lines[-5:]
        box.say(*(f"tap {(taps + i) % 3 + 1} 60" for i in range(BURST)))
        if taps % BADGE_EVERY < BURST:
            box.say(f"badge {BADGES[taps // BADGE_EVERY % 2]}")
        taps += BURST
        box.lit(taps - BURST - report.unlit)
        report.unlit = max(report.unlit, taps - BURST - box.lights)
        if box.lights // TOLD > report.pressed // TOLD:
            heap = collector.heard["beat"][-1]["heap"] if collector.heard["beat"] else 0
            print(f"{box.lights} lights, {collector.stored} stored, {heap} free", flush=True)
        report.pressed = box.lights
        if time.monotonic() >= flips:
            report.outages += line.does == CARRIES
            line.set(CARRIES if line.does != CARRIES else SWALLOWS if report.outages % SILENT == 0 else CUT)
            flips = time.monotonic() + (UP_S if line.does == CARRIES else DOWN_S) / SPEED
    return taps


def main() -> None:
    asked = argparse.ArgumentParser(description="The firmware, soaked.")
    asked.add_argument("presses", nargs="?", type=int, default=PRESSES)
    asked.add_argument("--heap", default=HEAP)
    asked.add_argument("--plain", action="store_true", help="without TLS")
    words = asked.parse_args()
    subprocess.run([sys.executable, FIRMWARE / "build.py"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        built = FIRMWARE.parent / "build" / "firmware"
        report = soak(Path(folder), built, words.presses, heap=words.heap, plain=words.plain)
    print(report)
    if (
        report.stored != report.pressed
        or report.lost
        or report.grown() > GROWTH
        or report.resets
        or report.worn()
    ):
        sys.exit("the soak failed")


if __name__ == "__main__":
    main()
