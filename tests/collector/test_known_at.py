"""What was known at an earlier row of the ledger is what a store that had seen no more than that would say."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from manyi.core import figures, stores
from manyi.core.figures import Part
from manyi.core.ratings.known_at import anew, stand_at
from manyi.core.ratings.store import Ratings

from tests.collector.paper_ledger import MINUTE, NOON, TOWN, PaperLedger, on_duty, placed

HOUR = 3_600_000
MIDNIGHT = NOON + 12 * HOUR
WEEK = Part(MIDNIGHT - 7 * 24 * HOUR, MIDNIGHT)
TODAY = Part(MIDNIGHT - 24 * HOUR, MIDNIGHT)
BY = ((), ("county", "hall", "window"), ("staff",), ("day",), ("day", "hour"))


@pytest.fixture(params=[1, 2, 3])
def ledger(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[PaperLedger]:
    """Presses, slips put right, boxes that learn the time late, and a roster that is corrected again and again."""
    chance = random.Random(request.param)
    made = PaperLedger(tmp_path)
    made.fact(*TOWN)
    for at in range(60):
        box = f"box-{chance.randrange(1, 5)}"
        when = at * 2 * MINUTE + chance.randrange(-30, 1) * HOUR
        boot = 1 + at // 20
        match chance.randrange(7):
            case 0:
                made.clock(box, at * 2 * MINUTE, NOON + when, NOON + when, boot=boot)
            case 1:
                made.fact(on_duty("w1", chance.choice(["ann", "bob", "cat", ""]), NOON + when))
            case 2:
                made.fact(placed(box, chance.choice(["w1", "w2", "w3"]), NOON + when))
            case _:
                level = chance.randrange(1, 4)
                made.press(
                    box, at * 2 * MINUTE, level, NOON + when, boot=boot, reason=chance.choice([0, 0, 3])
                )
                if chance.random() < 0.3:
                    made.press(box, at * 2 * MINUTE + 2_000, 4 - level, NOON + when, boot=boot)
    yield made
    made.close()


def told(conn: sqlite3.Connection, part: Part) -> tuple[object, ...]:
    """All that tables are made from. A version's number is left out only where it stays the same by rule."""
    return (
        *(figures.sums(conn, part, by) for by in BY),
        figures.sums(conn, Part(part.begin_ms, part.end_ms, personal=True), ("staff",)),
        figures.listed(conn, part, 999),
        figures.listed(conn, Part(part.begin_ms, part.end_ms, level=3), 999),
        figures.known_late(conn, part),
    )


def test_every_earlier_row_gives_what_a_store_of_that_moment_would(
    ledger: PaperLedger, tmp_path: Path
) -> None:
    then, now = tmp_path / "then.db", tmp_path / "now.db"
    with closing(Ratings(now, ledger.conn)) as store:
        store.drain()
    versions = 0
    with closing(Ratings(then, ledger.conn)) as store:
        row = 0
        while taken := store.step(1):  # a row, or the rows of one import
            row += taken
            for part in (WEEK, TODAY):
                with closing(stores.open_reader(then)) as as_then, closing(stores.open_reader(now)) as conn:
                    stand_at(conn, row, part.begin_ms, part.end_ms)
                    assert told(conn, part) == told(as_then, part)
                    versions += len(conn.execute("SELECT 1 FROM temp.superseded").fetchall())
    assert row == ledger.rows()
    assert versions, "a history without corrections would show nothing"


def test_reading_an_earlier_day_changes_nothing(ledger: PaperLedger, tmp_path: Path) -> None:
    path = tmp_path / "now.db"
    with closing(Ratings(path, ledger.conn)) as store:
        store.drain()
    with closing(stores.open_reader(path)) as conn:
        before = told(conn, WEEK)
        stand_at(conn, ledger.rows() // 2, WEEK.begin_ms, WEEK.end_ms)
        assert told(conn, WEEK) != before
    with closing(stores.open_reader(path)) as conn:
        assert told(conn, WEEK) == before


def test_the_trail_tells_who_was_attributed_anew_and_not_what_the_visitor_did(tmp_path: Path) -> None:
    ledger = PaperLedger(tmp_path)
    ledger.fact(*TOWN)
    ledger.clock("box-1", 0, NOON, NOON)
    seq = ledger.press("box-1", MINUTE, 3, NOON)
    ledger.press("box-1", MINUTE + 2_000, 1, NOON)
    ledger.press("box-1", 9 * MINUTE, 1, NOON)
    back = on_duty("w1", "ann", NOON + 5 * MINUTE)
    path = tmp_path / "ratings.db"
    with closing(ledger), closing(Ratings(path, ledger.conn)) as store:
        store.drain()
        ledger.fact(on_duty("w1", "cat", NOON, NOON + 5 * MINUTE), back, at_ms=NOON + 1)
        first = ledger.rows()
        ledger.fact(on_duty("w1", "bob", NOON, NOON + 5 * MINUTE), back, at_ms=NOON + 2)
        store.drain()
        with closing(stores.open_reader(path)) as conn:
            condition, values = WEEK.where()
            found = list(anew(conn, condition, values, 9))
            assert [(a.was.staff, a.now.staff, a.now.row_id) for a in found] == [
                ("cat", "bob", ledger.rows()),
                ("ann", "cat", first),
            ]
            assert {a.now.seq for a in found} == {seq}
            assert list(anew(conn, condition, values, 9, 1)) == found[1:]
            assert not list(anew(conn, *Part(MIDNIGHT, MIDNIGHT + HOUR).where(), 9))
