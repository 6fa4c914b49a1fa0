"""How long dashboards' queries take over a year of a city: 600 boxes, 250 working days, 15 ratings a box and day.

    python -m tests.bench.bench_dashboards

A real influxd, filled with line protocol of the collector's own making: days of all tiers for the year, 5 minutes of
city, counties and halls for the year and of windows for 20 days (no panel asks for those), single ratings and reds for
the 90 days that they are kept. Every panel's query as committed, all counties and halls chosen, on the range on
which its dashboard opens and, where its pages let one choose, on the whole year. It refuses to judge: a loaded machine is one.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from manyi.core.influx import rollup

from tests.dashboards.grafana import ALL, interpolate, targets
from tests.dashboards.seeded import DAY, HOUR, midnight, now_ms
from tests.services.influx import Influx

COUNTIES, HALLS, WINDOWS = 10, 10, 6  # of a city, of a county, of a hall: 600 boxes
DAYS, A_DAY = 365, 15
KEPT_DAYS, SHORT_WINDOW_DAYS = 90, 20
BATCH = 20_000  # lines a request: 4 MB
RUNS = 3
SLOW_MS = 3_000.0  # a query that takes so long is asked once
TARGET_MS = "300"
BUCKETS = {"manyi-wall": "wall", "manyi-rollup": "rollup", "manyi-day": "day"}
PAST = ("county", "hall", "windows")  # whose pages are opened on long periods


def main() -> list[tuple[object, ...]]:
    with tempfile.TemporaryDirectory() as folder:
        server = Influx(Path(folder) / "influxd")
        server.start()
        try:
            server.set_up()
            names = {kind: server.bucket() for kind in BUCKETS.values()}
            now = now_ms()
            began = time.monotonic()
            lines = fill(server, names, now)
            took = time.monotonic() - began
            print(f"    {lines:,} points written in {took:.0f} s")
            return [("points of a year, 600 boxes", lines, "points"), *ask(server, names, now)]
        finally:
            server.kill()


def ask(server: Influx, names: dict[str, str], now: int) -> list[tuple[object, ...]]:
    today = midnight(now)
    opening: list[float] = []
    year: list[float] = []
    slowest = {id(opening): ("", 0.0), id(year): ("", 0.0)}
    for panel, target in targets("zh"):
        week = panel.board in ("county", "hall")
        since = now - 7 * DAY if week else today
        ranges = [(since, now, opening)] + ([(now - DAYS * DAY, now, year)] if panel.board in PAST else [])
        for begin, end, times in ranges:
            query = interpolate(target["query"], begin, end, county=[ALL], hall=[ALL])
            for _ in range(RUNS if times is opening else 1):
                times.append(_took_ms(server, names[BUCKETS[target["datasource"]["uid"]]], query))
                if times[-1] > SLOW_MS:
                    print(f"    {times[-1]:9,.0f} ms  {panel.board}/{panel.body['title']}", flush=True)
                    break
            if times[-1] > slowest[id(times)][1]:
                slowest[id(times)] = (f"{panel.board}/{panel.body['title']}", times[-1])
    return [
        ("dashboard query on opening, median", statistics.median(opening), "ms"),
        (
            "dashboard query on opening, p95",
            percentile(opening, 95),
            "ms",
            TARGET_MS,
            _slow(*slowest[id(opening)]),
        ),
        ("dashboard query over a year, median", statistics.median(year), "ms"),
        ("dashboard query over a year, p95", percentile(year, 95), "ms", "", _slow(*slowest[id(year)])),
        ("the same p95, a year against opening", percentile(year, 95) / percentile(opening, 95), "times"),
    ]


def _took_ms(server: Influx, bucket: str, query: str) -> float:
    """One that the client gives up (after 30 s) counts as so long."""
    started = time.monotonic()
    with suppress(TimeoutError):
        server.query(bucket, query)
    return (time.monotonic() - started) * 1000


def _slow(name: str, took_ms: float) -> str:
    return f"slowest: {name}, {took_ms:,.0f} ms"


def percentile(times: list[float], percent: int) -> float:
    return statistics.quantiles(times, n=100, method="inclusive")[percent - 1]


def fill(server: Influx, names: dict[str, str], now: int) -> int:
    written = 0
    for kind, made in (("day", days(now)), ("rollup", shorts(now)), ("wall", wall(now))):
        batch: list[str] = []
        for line in made:
            batch.append(line)
            if len(batch) == BATCH:
                server.write(names[kind], batch)
                written += len(batch)
                batch = []
        if batch:
            server.write(names[kind], batch)
            written += len(batch)
    return written


def units() -> Iterator[tuple[str, str, list[str]]]:
    """(county, hall, windows)."""
    for county in range(COUNTIES):
        for hall in range(HALLS):
            yield f"c{county}", f"c{county}-h{hall}", [f"c{county}-h{hall}-w{w}" for w in range(WINDOWS)]


def working(now: int, span: int) -> list[int]:
    """Midnights of five days in seven, today among them."""
    return [midnight(now, -d) for d in range(span) if d % 7 < 5]


def counts(n: int) -> tuple[int, ...]:
    red = n // 33
    yellow = n // 11
    s = n - red - yellow
    return (n, s, yellow, red, s, yellow, red, 0, n, 0)


def days(now: int) -> Iterator[str]:
    for day in working(now, DAYS):
        for county, hall, windows in units():
            for window in windows:
                city_tags, county_tags, hall_tags, tags = rollup.tiers(county, "", hall, window)
                yield from rollup.lines((rollup.DAY, tags, day), counts(A_DAY + len(window) % 3))
            yield from rollup.lines((rollup.DAY, hall_tags, day), counts(A_DAY * WINDOWS))
            if hall.endswith("h0"):
                yield from rollup.lines((rollup.DAY, county_tags, day), counts(A_DAY * WINDOWS * HALLS))
        yield from rollup.lines((rollup.DAY, city_tags, day), counts(A_DAY * WINDOWS * HALLS * COUNTIES))


def shorts(now: int) -> Iterator[str]:
    """8 hours of 5 minutes a day: a hall has something in one of three."""
    recent = midnight(now, -SHORT_WINDOW_DAYS)
    for day in working(now, DAYS):
        for slot in range(96):
            at = day + 9 * HOUR + slot * rollup.SHORT_MS
            for county, hall, windows in units():
                city_tags, county_tags, hall_tags, tags = rollup.tiers(
                    county, "", hall, windows[slot % WINDOWS]
                )
                if slot % 3 == len(hall) % 3:
                    yield from rollup.lines((rollup.SHORT, hall_tags, at), counts(3))
                    if day >= recent:
                        yield from rollup.lines((rollup.SHORT, tags, at), counts(3))
                if hall.endswith("h0"):
                    yield from rollup.lines((rollup.SHORT, county_tags, at), counts(10))
            yield from rollup.lines((rollup.SHORT, city_tags, at), counts(94))


def wall(now: int) -> Iterator[str]:
    """Single ratings, reds and boxes."""
    pick = random.Random(5)
    for day in working(now, KEPT_DAYS):
        for county, hall, windows in units():
            for window in windows:
                at = f"county={county},township=-,hall={hall},window={window},box=b-{window}"
                for _ in range(A_DAY):
                    ns = (day + 9 * HOUR + pick.randrange(8 * HOUR)) * 1_000_000 + pick.randrange(1_000_000)
                    level = pick.choices("sbd", (88, 9, 3))[0]
                    marks = ",".join(f"{x}={int(x == level)}i" for x in "sbd")
                    yield f"rating,{at} n=1i,{marks},presses=1i,prompted=0i,flagged=0i,latency_ms=120i {ns}"
                    if level == "d":
                        yield f'red,{at} live=1i,hall_name="{hall}",window_name="{window}",phone="1",leader="",known=0i {ns}'
    for county, hall, windows in units():
        for window in windows:
            at = f"county={county},township=-,hall={hall},window={window}"
            for ago in range(0, 24 * HOUR, 300_000):
                ns = (now - ago) * 1_000_000
                yield f'box,box=b-{window},{at} online=1i,heard_ms=1i,fw="1.4.0",depth=0i,rssi=-60i,stuck=0i {ns}'
            yield f"account,scope=box,box=b-{window} pressed=900i,stored=900i,waiting=0i,lost=0i,ok=1i {now * 1_000_000}"


if __name__ == "__main__":
    for row in main():
        print(*row)
