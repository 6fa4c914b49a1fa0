"""How long dashboards' queries take over a year of a city: 600 boxes, 250 working days, 15 ratings a box and day.

    python -m tests.bench.bench_dashboards

A real influxd with the buckets that `manyi influx init` makes, filled as influx_year.py says. Every panel's query as
committed, all counties and halls chosen, on the range on which its dashboard opens and, where its pages let one choose,
on the whole year. Times are of a client that asks one after the other; CPU is influxd's own. It refuses to judge: a
loaded machine is one.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tests.bench import influx_year
from tests.dashboards.grafana import ALL, boards, interpolate, interval_of, targets
from tests.dashboards.seeded import BUCKETS, DAY, HOUR, midnight, now_ms
from tests.services.influx import Influx

RUNS = 3
SLOW_MS = 3_000.0  # a query that takes so long is asked once
TARGET_MS = "300"
EMPTY_ON_OPENING = frozenset(  # of a dead collector, of reds without a leader on duty, days of a short period
    ("city/报警 A", "city/最新不满意评价 B", *(f"windows/所选时段的过程 {ref}" for ref in "BDF"))
)
EMPTY_OF_A_YEAR = frozenset(f"windows/所选时段的过程 {ref}" for ref in "ACE")  # half-hours: of a short one
PAST = ("county", "hall", "windows")  # whose pages are opened on long periods


def main() -> list[tuple[object, ...]]:
    with tempfile.TemporaryDirectory() as folder:
        server = Influx(Path(folder) / "influxd")
        server.start()
        try:
            server.set_up()
            influx_year.init(server, Path(folder))
            began = time.monotonic()
            lines = influx_year.fill(server)
            took = time.monotonic() - began
            print(f"    {lines:,} points written in {took:.0f} s")
            return [("points of a year, 600 boxes", lines, "points"), *ask(server, now_ms())]
        finally:
            server.kill()


def ask(server: Influx, now: int) -> list[tuple[object, ...]]:
    opening, year = Asked(), Asked()
    all_boards = boards()
    for panel, target in targets("zh"):
        ranges = [(begins(all_boards[f"zh/{panel.board}"]["time"]["from"], now), now, opening)]
        ranges += [(now - influx_year.DAYS * DAY, now, year)] if panel.board in PAST else []
        for begin, end, asked in ranges:
            step = interval_of(panel.body, begin, end)
            query = interpolate(target["query"], begin, end, step, county=[ALL], hall=[ALL])
            bucket = BUCKETS[target["datasource"]["uid"]]
            name = f"{panel.board}/{panel.body['title']} {target['refId']}"
            asked.ask(server, name, bucket, query, RUNS if asked is opening else 1)
    opening.refuse_silence(EMPTY_ON_OPENING)
    year.refuse_silence(EMPTY_OF_A_YEAR)
    return [
        *opening.rows("dashboard query on opening", TARGET_MS),
        *year.rows("dashboard query over a year"),
    ]


def begins(said: str, now: int) -> int:
    """Where a dashboard's range begins, as its JSON has it (ms). Raises KeyError for a form that no dashboard has."""
    if said == "now+8h/d-8h":
        return midnight(now)
    ago = said.removeprefix("now-")
    return now - int(ago[:-1]) * {"h": HOUR, "d": DAY}[ago[-1]]


class Asked:
    """The queries of one range: what each took, by the clock and of influxd's CPU (ms), and which had no answer."""

    def __init__(self) -> None:
        self.silent: set[str] = set()
        self.took: list[float] = []
        self.cpu: list[float] = []
        self.slowest = ("", 0.0)

    def ask(self, server: Influx, name: str, bucket: str, query: str, runs: int) -> None:
        for _ in range(runs):
            spent, (took, rows) = server.cpu_s(), _took_ms(server, bucket, query)
            if not rows:
                self.silent.add(name)
            self.cpu.append((server.cpu_s() - spent) * 1000)
            self.took.append(took)
            if took > self.slowest[1]:
                self.slowest = (name, took)
            if took > SLOW_MS:
                print(f"    {took:9,.0f} ms  {name}", flush=True)
                break

    def refuse_silence(self, known: frozenset[str]) -> None:
        """Raises ValueError: a query that answered nothing, or was given up, is not a fast one."""
        if self.silent != known:
            raise ValueError(
                f"no answer: {sorted(self.silent - known)}; answered: {sorted(known - self.silent)}"
            )

    def rows(self, what: str, target_ms: str = "") -> list[tuple[object, ...]]:
        return [
            (f"{what}, median", statistics.median(self.took), "ms", "", f"{len(self.took)} times asked"),
            (f"{what}, p95", percentile(self.took, 95), "ms", target_ms, _slow(*self.slowest)),
            (f"{what}, CPU, mean", statistics.mean(self.cpu), "ms", "", "influxd's, in ticks of 10 ms"),
            (f"{what}, CPU, p95", percentile(self.cpu, 95), "ms"),
        ]


def _took_ms(server: Influx, bucket: str, query: str) -> tuple[float, int]:
    """And how many rows came: none of one that the client gave up after 30 s."""
    started, rows = time.monotonic(), 0
    with suppress(TimeoutError):
        rows = len(server.query(bucket, query))
    return (time.monotonic() - started) * 1000, rows


def _slow(name: str, took_ms: float) -> str:
    return f"slowest: {name}, {took_ms:,.0f} ms"


def percentile(times: list[float], percent: int) -> float:
    return statistics.quantiles(times, n=100, method="inclusive")[percent - 1]


if __name__ == "__main__":
    for row in main():
        print(*row)
