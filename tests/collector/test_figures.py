"""Figures of a period: every way of adding up gives the ledger's own sum, and days are Beijing's."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from manyi.core import figures, stores
from manyi.core.figures import Part
from manyi.core.rates import FIELDS
from manyi.core.ratings.store import Ratings

from tests.collector.paper_ledger import MINUTE, NOON, TOWN, PaperLedger

HOUR = 3_600_000
MIDNIGHT = NOON + 12 * HOUR
FIRST = MIDNIGHT - 99 * 24 * HOUR
ALL = Part(FIRST, MIDNIGHT + 99 * 24 * HOUR)


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    ledger = PaperLedger(tmp_path)
    ledger.fact(*TOWN)
    for box in ("box-1", "box-2", "box-3", "box-9"):
        ledger.clock(box, 0, NOON, NOON)
    visits = [  # box, ms after noon, keys
        ("box-1", 0, [1]), ("box-1", HOUR, [3, 1]), ("box-1", 2 * HOUR, [3]), ("box-1", 12 * HOUR - 10_000, [2]),
        ("box-1", 12 * HOUR, [1]), ("box-2", HOUR, [3]), ("box-2", 20 * HOUR, [1]), ("box-3", HOUR, [2]),
        ("box-9", HOUR, [3]),
    ]  # fmt: skip
    for box, after, keys in visits:
        for at, key in enumerate(keys):
            ledger.press(box, after + at * 1_000, key, NOON + after + at * 1_000)
    store = Ratings(tmp_path / "ratings.db", ledger.conn)
    store.drain()
    with closing(store), closing(ledger), closing(stores.open_reader(tmp_path / "ratings.db")) as reader:
        yield reader


@pytest.mark.parametrize(
    "by", [("county",), ("hall",), ("window", "staff"), ("township",), ("day",), ("day", "hour")]
)
def test_every_division_adds_up_to_the_whole(conn: sqlite3.Connection, by: tuple[str, ...]) -> None:
    whole = figures.sums(conn, ALL)[()]
    parts = figures.sums(conn, ALL, by)
    assert tuple(map(sum, zip(*parts.values(), strict=True))) == whole
    told = dict(zip(FIELDS, whole, strict=True))
    assert told == {
        "n": 9, "s": 4, "b": 2, "d": 3, "first_s": 3, "first_b": 2, "first_d": 4, "corrected": 1, "presses": 10,
        "flagged": 1,
    }  # fmt: skip


@pytest.mark.parametrize("part", [Part(FIRST + HOUR, MIDNIGHT), Part(FIRST, NOON), Part(FIRST, MIDNIGHT, level=3),
                                  Part(FIRST, MIDNIGHT, corrected=True)])  # fmt: skip
def test_sums_of_less_than_days_are_refused_and_not_rounded(conn: sqlite3.Connection, part: Part) -> None:
    with pytest.raises(ValueError, match="whole days"):
        figures.sums(conn, part)
    with pytest.raises(ValueError, match="nobody"):
        figures.sums(conn, Part(FIRST, MIDNIGHT, personal=True), ("hour",))


def test_a_year_is_not_walked_rating_by_rating(conn: sqlite3.Connection) -> None:
    asked: list[str] = []
    conn.set_trace_callback(asked.append)
    for by in (("county", "hall", "window"), ("day", "hour"), ("staff",)):
        figures.sums(conn, ALL, by)
    figures.known_late(conn, ALL)
    figures.listed(conn, Part(ALL.begin_ms, ALL.end_ms, level=3), 9)
    conn.set_trace_callback(None)
    plans = [row[3] for sql in asked for row in conn.execute(f"EXPLAIN QUERY PLAN {sql}")]
    reads = sorted({plan for plan in plans if plan.startswith(("SEARCH", "SCAN"))})
    assert [plan.split(" (")[0] for plan in reads] == [
        "SEARCH day USING PRIMARY KEY", "SEARCH hour USING PRIMARY KEY", "SEARCH rating USING INDEX rating_red",
    ]  # fmt: skip


def test_what_nobody_could_attribute_is_there(conn: sqlite3.Connection) -> None:
    assert figures.sums(conn, ALL, ("county",))[("",)][0] == 1
    assert figures.sums(conn, ALL, ("staff",))[("",)][0] == 2
    assert figures.number(conn, Part(ALL.begin_ms, ALL.end_ms, county="")) == 1


def test_a_day_ends_at_midnight_in_beijing(conn: sqlite3.Connection) -> None:
    assert figures.sums(conn, Part(FIRST, MIDNIGHT, hall="h1"))[()][0] == 5
    assert figures.sums(conn, Part(MIDNIGHT, ALL.end_ms, hall="h1"))[()][0] == 2
    days = figures.sums(conn, Part(FIRST, ALL.end_ms, hall="h1"), ("day",))
    assert [counts[0] for _, counts in sorted(days.items())] == [5, 2]
    hours = figures.sums(conn, Part(FIRST, ALL.end_ms, hall="h1"), ("hour",))
    assert {hour[0]: counts[0] for hour, counts in hours.items()} == {12: 1, 13: 2, 14: 1, 23: 1, 0: 1, 8: 1}


def test_ratings_are_listed_newest_first_and_by_pages(conn: sqlite3.Connection) -> None:
    whole = figures.listed(conn, ALL, 99)
    assert [r.time_ms for r in whole] == sorted((r.time_ms for r in whole), reverse=True)
    pages = [r for page in range(3) for r in figures.listed(conn, ALL, 4, page * 4)]
    assert pages == whole
    assert Counter(r.level for r in whole) == {1: 4, 2: 2, 3: 3}
    reds = figures.listed(conn, Part(ALL.begin_ms, ALL.end_ms, level=3), 99)
    assert [r.box for r in reds] == ["box-1", "box-2", "box-9"]
    changed = figures.listed(conn, Part(ALL.begin_ms, ALL.end_ms, corrected=True), 99)
    assert [(r.first, r.level, r.time_ms) for r in changed] == [(3, 1, NOON + HOUR)]
    assert figures.known_late(conn, ALL) == (3, 3)


def test_procedure_is_left_out_of_persons_alone(tmp_path: Path) -> None:
    ledger = PaperLedger(tmp_path)
    ledger.fact(*TOWN)
    ledger.clock("box-1", 0, NOON, NOON)
    ledger.press("box-1", MINUTE, 3, NOON)
    ledger.press("box-1", MINUTE + 2_000, 3, NOON, reason=3)
    with closing(Ratings(tmp_path / "ratings.db", ledger.conn)) as store:
        store.drain()
        with closing(stores.open_reader(tmp_path / "ratings.db")) as reader:
            assert figures.number(reader, ALL) == 1
            assert figures.number(reader, Part(FIRST, ALL.end_ms, personal=True)) == 0
    ledger.close()
