"""A year of 600 boxes in a real influxd: how fast the real feeds bring it there, and how long every query of every panel
takes on it, asked as Grafana asks, with the range the board opens on and with the whole year.

    MANYI_YEAR=13 python -m tests.bench year      13 a box and day: 2 million; the slowest feed takes 1,000 to 2,000 a second

The default is 1 (some 75,000 ratings, minutes): every day and every series is there all the same, and a query's time
hangs on those. bench_dashboards.py asks about 2 million that were not brought by the feeds.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from pathlib import Path

from manyi.core import projector, workdays
from manyi.core.workings import Workings

from tests.bench.year import fill
from tests.collector.test_influx_whole import Whole
from tests.dashboards.grafana import ALL, interpolate, targets
from tests.services.influx import Influx, influxd

RUNS = 5
NOTHING_S = 0.5  # a feed that was done sooner had nothing of the year to bring
SLOW_S = 3.0  # a query that takes so long is asked once
EACH_DAY = int(os.environ.get("MANYI_YEAR", "1"))
BEIJING = timezone(timedelta(hours=8))
YEAR_MS = 365 * 86_400_000
BUCKETS = {"manyi-wall": "manyi_wall", "manyi-rollup": "manyi_rollup", "manyi-day": "manyi_day"}

Row = tuple[object, ...]


def main() -> Iterator[Row]:
    if influxd() is None:
        yield ("dashboards over a year", "no influxd here", "", "", "make services builds one")
        return
    with tempfile.TemporaryDirectory(prefix="manyi-year-") as name:
        folder = Path(name)
        server = Influx(folder / "influxd")
        server.start()
        try:
            (folder / "data").mkdir()
            whole = Whole(folder / "data", server)
            whole.ledger.close()
            for path in (folder / "data").glob("ledger.db*"):
                path.unlink()  # the year brings its own
            yield from _fill(whole, folder / "data")
            yield from _ask(whole)
        finally:
            server.kill()


def _fill(whole: Whole, data: Path) -> Iterator[Row]:
    began = time.monotonic()
    total = fill(data, workdays.date_of(projector.unix_ms()), EACH_DAY)
    yield ("a year made up", total, "ratings", "", f"600 boxes, {time.monotonic() - began:.0f} s")
    with ExitStack() as opened:
        figures = projector.Figures(whole.config)
        figures.step()  # makes the stores that the feeds read beside ratings.db
        figures.close()
        for feed in projector._open_influx(whole.config, opened, Workings(), gap_ms=0):
            began = time.monotonic()
            while moved := feed.step():
                if not isinstance(moved, int):
                    raise RuntimeError(f"{feed.name}: {moved.why}")
            took = time.monotonic() - began
            print(f"{took:9.1f} s   feed {feed.name}", flush=True)
            if took > NOTHING_S:
                yield (f"feed {feed.name}", total / max(took, 0.001), "ratings/s", "", f"{took:.0f} s")


def _ask(whole: Whole) -> Iterator[Row]:
    now_ms = projector.unix_ms()
    today_ms = workdays.begin_ms(datetime.now(BEIJING).date())
    every: dict[str, list[float]] = {"as the board opens": [], "over the whole year": []}
    slowest: dict[str, tuple[float, str]] = dict.fromkeys(every, (0.0, ""))
    for panel, target in targets("zh"):
        ranges = {
            "as the board opens": (
                today_ms if panel.board not in ("county", "hall") else now_ms - 7 * 86_400_000
            ),
            "over the whole year": now_ms - YEAR_MS,
        }
        for what, since_ms in ranges.items():
            interval = "5m" if what == "as the board opens" else "1d"
            text = interpolate(target["query"], since_ms, now_ms, interval, county=[ALL], hall=[ALL])
            took = []
            for _ in range(RUNS):
                began = time.perf_counter()
                whole.ask(BUCKETS[target["datasource"]["uid"]], text)
                took.append(1000 * (time.perf_counter() - began))
                if took[0] > 1000 * SLOW_S:
                    break
            every[what] += took
            median, name = statistics.median(took), f"{panel.board}/{panel.body['title']} {target['refId']}"
            slowest[what] = max(slowest[what], (median, name))
            if what == "over the whole year":
                print(f"{median:9.1f} ms  {max(took):9.1f} ms  {name}", flush=True)
    for what, took in every.items():
        cuts = statistics.quantiles(took, n=100, method="inclusive")
        note = (
            f"{len(took) // RUNS} queries, {RUNS} runs; slowest {slowest[what][1]}: {slowest[what][0]:.0f} ms"
        )
        yield (f"query of a panel, {what}, p50", cuts[49], "ms", "", "")
        yield (f"query of a panel, {what}, p95", cuts[94], "ms", "", note)
