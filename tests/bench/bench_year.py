"""A year of 600 boxes brought to a real influxd by the real feeds: CPU of each for a rating, ours and influxd's.

    MANYI_YEAR=13 python -m tests.bench year      13 a box and day: 2 million

The default is 1 (some 75,000 ratings): every day and every series is there all the same, and their cells are more for
each rating than in a busy year, so these figures are the low end. It asks nothing: bench_dashboards.py times the queries.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from manyi.core import projector
from manyi.core.days import date_of
from manyi.core.workings import Workings

from tests.bench.year import fill
from tests.collector.test_influx_whole import Whole
from tests.services.influx import Influx, influxd

NOTHING_S = 0.5  # a feed that was done sooner had nothing of the year to bring
EACH_DAY = int(os.environ.get("MANYI_YEAR", "1"))

Row = tuple[object, ...]


def main() -> Iterator[Row]:
    if influxd() is None:
        yield ("feeds over a year", "no influxd here", "", "", "make services builds one")
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
            yield from _fill(whole, folder / "data", server)
        finally:
            server.kill()


def _fill(whole: Whole, data: Path, server: Influx) -> Iterator[Row]:
    began = time.monotonic()
    total = fill(data, date_of(projector.unix_ms()), EACH_DAY)
    yield ("a year made up", total, "ratings", "", f"600 boxes, {time.monotonic() - began:.0f} s")
    with ExitStack() as opened:
        figures = projector.Figures(whole.config)
        figures.step()  # makes the stores that the feeds read beside ratings.db
        figures.close()
        for feed in projector._open_influx(whole.config, opened, Workings(), gap_ms=0):
            began, ours, theirs = time.monotonic(), time.process_time(), server.cpu_s()
            while moved := feed.step():
                if not isinstance(moved, int):
                    raise RuntimeError(f"{feed.name}: {moved.why}")
            took = time.monotonic() - began
            print(f"{took:9.1f} s   feed {feed.name}", flush=True)
            if took > NOTHING_S:
                ours, theirs = (
                    1e6 * x / total for x in (time.process_time() - ours, server.cpu_s() - theirs)
                )
                yield (
                    f"feed {feed.name}, CPU",
                    ours,
                    "us per rating",
                    "",
                    f"influxd's {theirs:.0f}; {took:.0f} s by the clock, {total / took:,.0f} ratings/s",
                )
