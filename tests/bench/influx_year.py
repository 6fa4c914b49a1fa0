"""A year of a city in InfluxDB, for the bench of its dashboards: 600 boxes, 250 working days, 15 ratings a box and day, as
line protocol of the collector's own making.

Days and their visits for the year, 5 minutes of city, counties and halls for the year, single ratings and reds for the 90
days that they are kept, today's comparisons (baseline, profile, a month of rankings), a day of every box's beats, of the
account and of the collector. It refuses to know a query.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice
from pathlib import Path

from manyi.core.days import date_of
from manyi.core.influx import compare, health, lines, red, rollup, setup, visited
from manyi.core.influx.compare import Named
from manyi.core.influx.compared import RANKED_DAYS
from manyi.core.influx.lines import NS_PER_MS
from manyi.core.ratings.rating import Rating
from manyi.core.ratings.settle import DISSATISFIED
from manyi.core.roster.model import Roster
from manyi.core.visits.store import Counts

from tests.collector.paper_ledger import LIFE
from tests.dashboards.seeded import DAY, HOUR, midnight, now_ms
from tests.services.influx import Influx

NAMES = setup.Names()
COUNTIES, HALLS, WINDOWS = 10, 10, 6  # of a city, of a county, of a hall: 600 boxes
DAYS, A_DAY = 365, 15
KEPT_DAYS = 89
BEAT_MS, LOOK_MS = 60_000, 10_000  # of a box; of the collector at what it says of itself
FEEDS = ("ratings", "wall", "influx", "influx\\ wall", "influx\\ rollup", "influx\\ day")
NO_NAMES = Roster.from_facts(())
BATCH = 20_000  # lines a request: 4 MB


def init(server: Influx, folder: Path) -> None:
    """The buckets as a city has them, with their retention and shards."""
    files = setup.Files(*(folder / name for name in ("operator", "password", "collector", "grafana")))
    files.operator.touch(0o600)
    files.operator.write_text(server.token)
    setup.init(server.url, NAMES, files, lambda _: None)


def fill(server: Influx) -> int:
    now, written = now_ms(), 0
    for bucket, made in ((NAMES.day, days(now)), (NAMES.day, compared(now)), (NAMES.rollup, shorts(now)),
                         (NAMES.wall, wall(now)), (NAMES.wall, looked(now, 24 * HOUR))):  # fmt: skip
        written += _write(server, bucket, made)
    return written + _write(server, NAMES.wall, looked(now_ms(), now_ms() - now))  # it took minutes


def _write(server: Influx, bucket: str, made: Iterator[str]) -> int:
    written = 0
    while batch := list(islice(made, BATCH)):
        server.write(bucket, batch)
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
    city = A_DAY * WINDOWS * HALLS * COUNTIES
    for day in working(now, DAYS):
        for county, hall, windows in units():
            for window in windows:
                *_, tags = rollup.tiers(county, "", hall, window)
                yield from _day(tags, day, A_DAY + len(window) % 3)
            city_tags, county_tags, hall_tags, _ = rollup.tiers(county, "", hall, "")
            yield from _day(hall_tags, day, A_DAY * WINDOWS)
            if hall.endswith("h0"):
                yield from _day(county_tags, day, A_DAY * WINDOWS * HALLS)
        yield from _day(city_tags, day, city)


def _day(tags: str, day: int, n: int) -> Iterator[str]:
    """A day's sums, rates and visits, of which a third go unrated."""
    yield from rollup.lines((rollup.DAY, tags, day), counts(n))
    yield visited.point(f"{rollup.SUMMARY},{tags}", day * NS_PER_MS, Counts(n * 3 // 2, n, 0)).line


def compared(now: int) -> Iterator[str]:
    """What the collector tells of today beside other days, and the month's rankings."""
    today = date_of(now)
    named: dict[str, list[Named]] = {"county": [], "hall": []}
    sums: dict[tuple[str, str], dict[date, tuple[int, ...]]] = {}
    worked = [date_of(day) for day in working(now, 62)]
    for county, hall, _ in units():
        of = [("hall", hall, Named(county, hall, hall, hall), 1)]
        of += [("county", "", Named(county, "", county, county), HALLS)] * hall.endswith("h0")
        for tier, unit, name, times in of:
            named[tier].append(name)
            sums[county, unit] = {d: counts(times * WINDOWS * (A_DAY + d.day % 5))[:3] for d in worked}
            tags = rollup.tiers(county, "", hall, "")[1 if tier == "county" else 2]
            yield from _beside(tags, today, times, worked)
    yield from _beside("tier=city", today, HALLS * COUNTIES, worked)
    for back in range(RANKED_DAYS):
        for tier, units_of in named.items():
            for point in compare.ranking(tier, today - timedelta(days=back), units_of, sums):
                yield point.line


def _beside(tags: str, today: date, times: int, worked: list[date]) -> Iterator[str]:
    halves = {half: counts(20 * times)[:4] for half in range(18, 34)}
    hours = [(day, hour, 10 * times, times) for day in worked if day < today for hour in range(9, 17)]
    for point in compare.baseline(tags, today, 4, halves, True):
        yield point.line
    for point in compare.profile(tags, today, worked[-1], hours):
        yield point.line


def shorts(now: int) -> Iterator[str]:
    """8 hours of 5 minutes a day: a hall has something in one of three."""
    for day in working(now, DAYS):
        for slot in range(96):
            at = day + 9 * HOUR + slot * rollup.SHORT_MS
            for county, hall, _ in units():
                city_tags, county_tags, hall_tags, _ = rollup.tiers(county, "", hall, "")
                if slot % 3 == len(hall) % 3:
                    yield from rollup.lines((rollup.SHORT, hall_tags, at), counts(3))
                if hall.endswith("h0"):
                    yield from rollup.lines((rollup.SHORT, county_tags, at), counts(10))
            yield from rollup.lines((rollup.SHORT, city_tags, at), counts(94))


def wall(now: int) -> Iterator[str]:
    """Single ratings and reds."""
    pick, seq = random.Random(5), 0
    for day in working(now, KEPT_DAYS):
        for county, hall, windows in units():
            for window in windows:
                for _ in range(A_DAY):
                    seq += 1
                    level = pick.choices((1, 2, 3), (88, 9, 3))[0]
                    time_ms = day + 9 * HOUR + pick.randrange(8 * HOUR)
                    r = Rating(
                        f"b-{window}", LIFE, seq, 1, seq, time_ms, 1, 0, time_ms, "clock", level, level, 1, 0, 0, 0, "", 0,
                        120, county, "", hall, window, "",
                    )  # fmt: skip
                    yield lines.line(r, lines.wall_point(r))
                    if level == DISSATISFIED:
                        yield f"{red.point(r)} {red.fields(r, NO_NAMES, None)} {lines.time_ns(r)}"


def looked(now: int, span_ms: int) -> Iterator[str]:
    """So long of what is looked at: a beat a minute of each box, the account, the collector; some alarms."""
    sums = "pressed=900i,stored=900i,waiting=0i,lost=0i,lost_box=0i,lost_centre=0i,unknown=0i,forked=0i"
    beat = "oldest_ms=0i,room=7900i,clock=1i,stuck=0i,erases=90i,faults=0i,unknown=0i,lost=0i"
    at_boxes = [
        (f"b-{window}", f"county={county},township=-,hall={hall},window={window}")
        for county, hall, windows in units()
        for window in windows
    ]
    for ago in reversed(range(0, span_ms, BEAT_MS)):
        for nth, (box, at) in enumerate(at_boxes):
            heard = now - ago - nth * BEAT_MS // len(at_boxes)
            yield (
                f'box,box={box},{at} online=1i,heard_ms={heard}i,reason=1i,fw="1.4.0",depth=0i,rssi=-{60 + nth % 9}i'
                f",heap={9_000 + nth}i,up_ms={ago + nth}i,{beat} {heard * NS_PER_MS}"
            )
        if ago % (5 * BEAT_MS) == 0:  # a box's account changes with its presses, in the hours of work
            for box, _ in at_boxes:
                yield f"account,scope=box,box={box} {sums},ok=1i {(now - ago) * NS_PER_MS}"
            for county, hall, windows in units():
                at = f"boxes,county={county},township=-,hall={hall}"
                yield f"{at} known={len(windows)}i,online={len(windows)}i,depth=0i,stuck=0i {(now - ago) * NS_PER_MS}"
        for nth in range(20):
            kind = "silent" if nth % 4 else "account"
            at = f"alarm,kind={kind},subject=b-{nth},county=c0,name=w{nth},name_en=w{nth}"
            since = f'text_zh="评价器无声",text_en="silent",since_ms={now - HOUR}i,rank=9i'
            yield f"{at} active=1i,{since} {(now - ago) * NS_PER_MS}"
    for ago in reversed(range(0, span_ms, LOOK_MS)):
        ns, up = (now - ago) * NS_PER_MS, now - ago
        for name in ("ca", "broker", "collector"):
            yield f"certificate,name={name} expires_ms={now + 90 * DAY}i,days_left=90i {ns}"
        yield f"{health.CITY} {sums},shown=900i,undated=0i,ok=1i,boxes=600i,online=600i {ns}"
        yield (
            f"collector records={up // 1000}i,batches=1i,aside=0i,queue=0i,live_lag_ms=0i,ledger_bytes=1i"
            f",disk_free_bytes=1i,disk_free_ratio=0.5,up_ms={up}i {ns}"
        )
        for feed in FEEDS:
            yield f"collector,feed={feed} lag=0i,failing=0i {ns}"
