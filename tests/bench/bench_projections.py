"""What projections cost: CPU per rating from the ledger to ratings.db, wall.db and InfluxDB's lines; a snapshot's time.

    python -m tests.bench.bench_projections

Every figure is the median of RUNS runs. CPU is this process's own (time.process_time), so that other work on the
machine does not count; the snapshot is also wall time. Boxes, halls and ratings are those of one city's day.
"""

import gc
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from manyi.core import stores
from manyi.core.influx.follow import Follow
from manyi.core.influx.writer import Accepted, Keep
from manyi.core.ratings.store import Ratings, presses
from manyi.core.wall.store import Wall, shown, snapshot

from tests.collector.paper_ledger import MINUTE, NOON, PaperLedger, begin, office, on_duty, person, placed

RUNS = 5
COUNTIES, HALLS, WINDOWS = 10, 10, 6  # 100 halls, 600 boxes
RATINGS = 30_000  # a busy day
LIVE = 300  # presses one by one
SNAPSHOT = f"snapshot of {COUNTIES * HALLS * WINDOWS} boxes, {COUNTIES * HALLS} halls, ms"
TARGETS = {SNAPSHOT: "5"}


class NoServer:
    """Takes every line; what is measured is our side."""

    target = "bench"

    def __init__(self) -> None:
        self.lines = 0

    def write(self, lines: list[str]) -> Accepted:
        self.lines += len(lines)
        return Accepted(len(lines))

    def clear(self) -> Accepted | Keep:
        return Accepted(0)


def city(ledger: PaperLedger) -> list[str]:
    """The roster of a city; gives its boxes."""
    facts = [office("county", f"c{c}") for c in range(COUNTIES)]
    boxes = []
    for c in range(COUNTIES):
        for h in range(HALLS):
            facts.append(office("hall", f"c{c}h{h}", f"c{c}"))
            for w in range(WINDOWS):
                window, box = f"c{c}h{h}w{w}", f"box-{c}-{h}-{w}"
                facts += [office("window", window, f"c{c}h{h}"), placed(box, window)]
                facts += [person(f"s-{window}"), on_duty(window, f"s-{window}", 0)]
                boxes.append(box)
    ledger.fact(*facts, at_ms=NOON - MINUTE)
    return boxes


def backlog(ledger: PaperLedger, boxes: list[str], ratings: int) -> None:
    """One press per rating, one in twenty corrected, in batches of twenty records per box as they come after an outage."""
    begin(ledger.conn)
    for box in boxes:
        ledger.clock(box, 0, NOON)
    each = ratings // len(boxes)
    for start in range(0, each, 20):
        for box in boxes:
            for i in range(start, min(start + 20, each)):
                ledger.press(box, (1 + i) * 8_000, 1 + (i % 11 == 0) + (i % 37 == 0), NOON + 600_000)
                if i % 20 == 0:
                    ledger.press(box, (1 + i) * 8_000 + 900, 1, NOON + 600_000)
    ledger.conn.execute("COMMIT")


def cpu_us(run: Callable[[], object], units: int) -> float:
    gc.collect()
    began = time.process_time()
    run()
    return (time.process_time() - began) * 1e6 / units


class Bench:
    def __init__(self) -> None:
        self.figures: dict[str, list[float]] = {}

    def note(self, name: str, value: float) -> None:
        self.figures.setdefault(name, []).append(value)

    def run(self, folder: Path) -> None:
        ledger = PaperLedger(folder)
        boxes = city(ledger)
        ratings = Ratings(folder / "ratings.db", ledger.conn)
        ratings.drain()
        source = stores.open_reader(folder / "ratings.db")
        wall = Wall(folder / "wall.db", source, ("", ""))
        server = NoServer()
        follow = Follow(folder / "influx.db", source, server, lambda: NOON)
        screen = stores.open_reader(folder / "wall.db")

        def drain(step: Callable[[], object]) -> Callable[[], None]:
            def all_of_it() -> None:
                while step():
                    pass

            return all_of_it

        backlog(ledger, boxes, RATINGS)
        first = cpu_us(drain(ratings.step), RATINGS)
        second = cpu_us(drain(wall.step), RATINGS)
        self.note("backlog: ledger → ratings, CPU us per rating", first)
        self.note("backlog: ratings → wall, CPU us per rating", second)
        self.note("backlog: ledger → wall, CPU us per rating", first + second)
        self.note("backlog: ratings → line protocol, CPU us per rating", cpu_us(drain(follow.step), RATINGS))
        self.note(
            "hall batches of it all, CPU us per rating", cpu_us(lambda: wall.release(NOON * 2), RATINGS)
        )

        took = []
        for _ in range(20):
            began = time.perf_counter()
            seen = snapshot(screen, NOON)
            took.append((time.perf_counter() - began) * 1000)
        self.note(SNAPSHOT, statistics.median(took))
        assert seen["total"]["presses"] == shown(screen) == presses(source) == ledger.presses

        total_ratings, total_wall, waits = 0.0, 0.0, []
        for i in range(LIVE):
            ledger.press(boxes[i % len(boxes)], 1_000_000 + i * 8_000, 1, NOON + 1_000_000 + i * 8_000)
            began = time.perf_counter()
            total_ratings += cpu_live(ratings.step)
            total_wall += cpu_live(wall.step)
            waits.append((time.perf_counter() - began) * 1000)
        self.note("one press: ledger → ratings, CPU us", total_ratings / LIVE)
        self.note("one press: ratings → wall, CPU us", total_wall / LIVE)
        self.note("one press: commit of the ledger → wall, ms", statistics.median(waits))

        ledger.fact(
            *[placed(box, f"c0h0w{i % WINDOWS}", NOON) for i, box in enumerate(boxes)], at_ms=NOON + 1
        )
        self.note("roster correction, CPU us per rating moved", cpu_us(drain(ratings.step), RATINGS))
        self.note("roster correction → wall, CPU us per rating moved", cpu_us(drain(wall.step), RATINGS))
        assert shown(screen) == presses(source) == ledger.presses
        for one in (screen, source, follow, wall, ratings, ledger):
            one.close()


def cpu_live(step: Callable[[], object]) -> float:
    began = time.process_time()
    step()
    return (time.process_time() - began) * 1e6


def main() -> list[tuple[str, float, str, str, str]]:
    """Prints nothing; gives a row (name, median, unit, target, least and most) per figure."""
    bench = Bench()
    for _ in range(RUNS):
        folder = Path(tempfile.mkdtemp(prefix="manyi-bench-"))
        try:
            bench.run(folder)
        finally:
            shutil.rmtree(folder)
    rows = []
    for name, values in bench.figures.items():
        what, _, unit = name.rpartition(", ")
        spread = f"{min(values):.1f} to {max(values):.1f} in {RUNS} runs"
        rows.append((what, round(statistics.median(values), 1), unit, TARGETS.get(name, ""), spread))
    return rows


if __name__ == "__main__":
    for row in main():
        print("{:<50} {:>7} {:<28} {:<8} {}".format(*row))
