"""How long a citizen, the ledger, the wall and InfluxDB wait for a press; and what the box needs for it.

Everything real: boxes on MicroPython, Mosquitto, `manyi serve`, influxd if there is one. Latencies are of 12 boxes
pressed together, medians of RUNS runs. Erases are counted on the box's own journal code under CPython.
"""

from __future__ import annotations

import json
import random
import statistics
import tempfile
import threading
import time
import urllib.request
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.services.influx import Influx, influxd
from tests.services.mosquitto import Mosquitto
from tests.system import city as real
from tests.system.city import City, SimBox, until

BOXES = 12
RUNS = 5
PRESSES = 150  # of all boxes in one run
RATE = 10.0  # presses a second in all
FINGER_S = 0.4  # until the same box is pressed again: a faster finger is taken for a bouncing key
INFLUX_PRESSES = 8  # in one run, one after the other
HEAPS = range(16, 58, 2)  # words of 1024; 56 is what an ESP32 has
SOAK_ONLINE, SOAK_OFFLINE = 40, 60  # presses; the second come in full batches when the broker is back
WAIT_S = 60.0

Row = tuple[object, ...]


def main() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="manyi-bench-") as name, _city(Path(name)) as city:
        return [*_latencies(city), *_to_influx(city), _heap(city)]


@contextmanager
def _city(folder: Path) -> Iterator[City]:
    broker = Mosquitto(folder / "broker")
    influx = Influx(folder / "influx") if influxd() else None
    broker.start()
    city: City | None = None
    try:
        if influx:
            influx.start()
            influx.set_up()
        city = City(folder / "city", broker, BOXES, influx)
        city.start()
        for box in city.boxes:
            _acked(box)
        yield city
    finally:
        if city:
            city.close()
        if influx:
            influx.kill()
        broker.kill()


def _latencies(city: City) -> Iterator[Row]:
    lights, walls = [], []
    wall = Wall(city)
    for run in range(RUNS):
        before = {box.name: len(box.said) for box in city.boxes}
        wall.clear()
        chance = random.Random(run)
        free = dict.fromkeys(before, 0.0)
        for _ in range(PRESSES):
            time.sleep(max(0.0, min(free.values()) - time.perf_counter()))  # all fingers may be down
            box = chance.choice([b for b in city.boxes if free[b.name] <= time.perf_counter()])
            free[box.name] = time.perf_counter() + FINGER_S
            wall.pressed(box.name)
            box.say(f"tap {chance.choices((1, 2, 3), (85, 10, 5))[0]} 40")
            time.sleep(chance.expovariate(RATE))
        until("every press is on the wall", wall.complete)
        found = [f for box in city.boxes for word, f in box.said[before[box.name] :] if word == "light"]
        lights.append([float(f["ms"]) for f in found])
        walls.append([1000 * s for s in wall.seconds])
    wall.close()
    note = f"{RUNS} runs of {PRESSES} presses, {BOXES} boxes"
    yield ("press → journal and light, p50", _p(lights, 50), "ms", "", note)
    yield (
        "press → journal and light, p99",
        _p(lights, 99),
        "ms",
        "< 20",
        "the light comes on when the record was read back",
    )
    yield ("press → wall, p50", _p(walls, 50), "ms", "", "key down to the page's event")
    yield ("press → wall, p99", _p(walls, 99), "ms", "< 500", "")


def _to_influx(city: City) -> Iterator[Row]:
    if city.influx is None:
        yield ("press → InfluxDB, p50", "no influxd here", "ms", "", "make services builds one")
        return
    runs = []
    for _ in range(RUNS):
        took = []
        for i in range(INFLUX_PRESSES):
            had = city.in_influx()
            began = time.perf_counter()
            city.boxes[i % BOXES].say("tap 1 40")
            while city.in_influx() == had:
                if time.perf_counter() - began > WAIT_S:
                    raise TimeoutError("a press did not reach InfluxDB")
            took.append(1000 * (time.perf_counter() - began))
        runs.append(took)
    yield (
        "press → InfluxDB, p50",
        _p(runs, 50),
        "ms",
        "",
        f"{RUNS} runs of {INFLUX_PRESSES} presses, polled by query",
    )
    yield ("press → InfluxDB, p99", _p(runs, 99), "ms", "", "")


def _heap(city: City) -> Row:
    """The smallest heap that a box gets through a working day with, found by halving."""
    low, high = 0, len(HEAPS)  # HEAPS[high:] are known to be enough
    box = city.boxes[-1]
    while low < high:
        middle = (low + high) // 2
        if _soaks(city, box, f"{HEAPS[middle]}wK"):
            high = middle
        else:
            low = middle + 1
    smallest = f"{HEAPS[high]}wK" if high < len(HEAPS) else f"over {HEAPS[-1]}wK"
    what = f"{SOAK_ONLINE} presses online, {SOAK_OFFLINE} while the broker is away"
    return ("smallest heap the firmware soaks in", smallest, "", "<= 56wK", what)


def _soaks(city: City, box: SimBox, heap: str) -> bool:
    usual, real.HEAP = real.HEAP, heap
    since = len(box.said)
    try:
        box.restart()
        _acked(box)
        for i in range(SOAK_ONLINE):
            box.tap(i % 3 + 1)
        city.broker.kill()
        for i in range(SOAK_OFFLINE):
            box.tap(i % 3 + 1)
        city.broker.start()
        _acked(box)
        alive = box.process is not None and box.process.poll() is None
        return alive and not any(word in ("fault", "reset") for word, _ in box.said[since:])
    except (AssertionError, OSError):  # no light, no start, or its pipe is closed: it did not get through
        return False
    finally:
        real.HEAP = usual
        if not city.broker.running:
            city.broker.start()


def _acked(box: SimBox) -> None:
    """Waits until the newest light's record is acknowledged."""
    newest = max((seq for _, seq, _ in box.lights), default=0)
    until(
        f"{box.name} is acknowledged",
        lambda: any(word == "ack" and int(f["seq"]) >= newest for word, f in box.said),
        WAIT_S,
    )


class Wall:
    """A page of the wall: its events as they come, and how long each press took to show in one."""

    def __init__(self, city: City) -> None:
        self._answer = urllib.request.urlopen(f"http://127.0.0.1:{city.web}/events", timeout=WAIT_S)
        self._waiting: dict[str, deque[float]] = defaultdict(deque)
        self._seen: dict[str, int] = {}  # rating id -> presses
        self.seconds: list[float] = []
        self._lock = threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    def pressed(self, box: str) -> None:
        with self._lock:
            self._waiting[box].append(time.perf_counter())

    def complete(self) -> bool:
        with self._lock:
            return not any(self._waiting.values())

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()
            self.seconds = []

    def close(self) -> None:
        self._answer.close()

    def _listen(self) -> None:
        event = ""
        try:
            for raw in self._answer:
                line = raw.decode().rstrip("\n")
                if line.startswith("event: "):
                    event = line.removeprefix("event: ")
                elif line.startswith("data: ") and event == "wall":
                    self._shown(json.loads(line.removeprefix("data: ")), time.perf_counter())
        except (OSError, ValueError, AttributeError):
            return  # closed under it; http.client has no word of its own for that

    def _shown(self, snapshot: dict[str, object], now: float) -> None:
        latest = snapshot["latest"]
        assert isinstance(latest, list)
        with self._lock:
            for rating in latest:
                new = rating["presses"] - self._seen.get(rating["id"], 0)
                self._seen[rating["id"]] = rating["presses"]
                queue = self._waiting[rating["box"]]
                for _ in range(min(new, len(queue))):
                    self.seconds.append(now - queue.popleft())


def _p(runs: Sequence[Sequence[float]], percent: int) -> float:
    """The median over the runs of each run's percentile."""
    return statistics.median(
        statistics.quantiles(run, n=100, method="inclusive")[percent - 1] for run in runs
    )
