"""Baseline, profile and ranking on a real influxd: written by the service and by `manyi rebuild influx`, read by InfluxQL
with Grafana's token, the same as a bucket in memory is told; and again after the bucket was lost."""

import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from manyi.core import projector, stores
from manyi.core.influx import compare
from manyi.core.influx.compared import Compared

from tests.collector.paper_ledger import MINUTE, TOWN
from tests.collector.test_influx_compare import parsed
from tests.collector.test_influx_rollup import Memory
from tests.collector.test_influx_whole import LONG_S, NOON, Whole, whole  # noqa: F401 (the fixture)

DAY_MS = 86_400_000
TAGS = ("tier", "county", "township", "hall", "weekday", "hour", "period")
DAYS, PRESSES = 70, 25  # and of each day so many
NAMES = (compare.BASELINE, compare.PROFILE, compare.RANKING)


@pytest.fixture
def months(whole: Whole, monkeypatch: pytest.MonkeyPatch) -> Whole:  # noqa: F811
    """Looked at from three in the afternoon on: what is compared is another list on every day."""
    began = time.monotonic()
    clock = lambda: NOON + 27 * 60 * MINUTE + int((time.monotonic() - began) * 1000)  # noqa: E731
    monkeypatch.setattr(whole, "clock", clock)
    whole.ledger.fact(*TOWN)
    whole.ledger.conn.execute("BEGIN IMMEDIATE")
    for back in range(DAYS):
        whole.press("box-1", 20, 1 + (back % 3), NOON - back * DAY_MS, back + 1)
        whole.press("box-3", 5, 1, NOON - back * DAY_MS + 2 * 60 * MINUTE, back + 1)
    whole.ledger.conn.execute("COMMIT")
    return whole


def told(whole: Whole, folder: Path) -> dict[tuple[str, int], dict[str, Any]]:  # noqa: F811
    """What a bucket in memory is told, with ms instead of ns."""
    server = Memory()
    sums = stores.open_reader(whole.config.data.dir / "influx_rollup.db")
    source = stores.open_reader(whole.config.data.ratings)
    compared = Compared(folder / "other.db", sums, source, server, whole.clock, 0)
    while compared.step():
        pass
    for one in (compared, sums, source):
        one.close()
    return {(at, int(ns) // 10**6): parsed(fields) for (at, ns), fields in server.points.items()}


def shown(whole: Whole) -> dict[tuple[str, int], dict[str, Any]]:  # noqa: F811
    found = {}
    for name in NAMES:
        for row in whole.ask("manyi_day", f"SELECT * FROM {name}"):
            at = ",".join([name, *(f"{tag}={row[tag]}" for tag in TAGS if row.get(tag))])
            fields = {k: v for k, v in row.items() if k not in (*TAGS, "time") and v is not None}
            found[at, row["time"]] = fields
    return found


def same(whole: Whole, folder: Path) -> bool:  # noqa: F811
    return shown(whole) == told(whole, folder)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.3)


def test_rebuilt_to_the_same_figures_and_again_after_the_bucket_was_lost(
    months: Whole, tmp_path: Path
) -> None:
    months.rebuild()
    first = shown(months)
    assert {at.split(",")[0] for at, _ in first} == set(NAMES)
    assert same(months, tmp_path)
    months.drop("manyi_day")
    months.init()
    months.rebuild()
    assert shown(months) == first
    query = (
        "SELECT place, rate_s, lo, hi, n FROM ranking WHERE tier = 'hall' AND period = 'month30'"
        " AND time >= now() - 3d GROUP BY hall ORDER BY time DESC LIMIT 1"
    )
    assert {row["hall"]: row["place"] for row in months.ask("manyi_day", query)}.keys() == {"h1", "h2"}


def test_service_writes_the_same_as_a_bucket_in_memory_is_told(months: Whole, tmp_path: Path) -> None:
    stop, wake = Event(), Event()
    thread = Thread(target=projector.run, args=(stop, wake, months.config, None, months.clock))
    thread.start()
    days = "SELECT sum(presses) AS p FROM rollup_day WHERE tier = 'city'"
    try:
        until(lambda: [row["p"] for row in months.ask("manyi_day", days)] == [DAYS * PRESSES])
        # Once: it takes seconds, and the projector's thread waits meanwhile.
        expected = told(months, tmp_path)
        until(lambda: shown(months) == expected)
    finally:
        stop.set()
        wake.set()
        thread.join(LONG_S)
