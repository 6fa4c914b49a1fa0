"""A town whose duty is planned, its ratings, and the intake of what systems tell of who is there: for tests of sign-ins and of
leaders."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from manyi.core import stores
from manyi.core.duty.intake import Intake
from manyi.core.ratings import signed
from manyi.core.ratings.store import Ratings
from manyi.core.roster.model import Roster
from manyi.core.roster.rows import fact_rows
from manyi.core.told.sources import Source

from tests.collector.paper_ledger import MINUTE, NOON, TOWN, PaperLedger

HOUR, DAY = 60 * MINUTE, 24 * 60 * MINUTE
EIGHT, MIDNIGHT = NOON - 4 * HOUR, NOON + 12 * HOUR
ANY = Source("hr_city", "0" * 64, tells=frozenset({"duty", "leaders"}))


class Town:
    """A ledger with TOWN (ann planned at w1, bob at w2), its ratings, and the intake."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ledger = PaperLedger(folder)
        self.ledger.fact(*TOWN, at_ms=1)
        self.ratings = Ratings(folder / "ratings.db", self.ledger.conn)
        self.intake = Intake(folder)
        self._clocked: set[str] = set()
        self.reader = stores.open_reader(folder / "ratings.db")

    def close(self) -> None:
        self.intake.close()
        self.ratings.close()
        self.reader.close()
        self.ledger.close()

    def take(self, *items: Any, source: Source = ANY, now_ms: int = NOON + 11 * HOUR) -> dict[str, Any]:
        return self.intake.take(source, json.dumps(list(items)).encode(), now_ms).as_dict()

    def press(self, *times_ms: int, box: str = "box-1") -> None:
        """The box booted at four in the morning and knows the time."""
        if box not in self._clocked:
            self._clocked.add(box)
            self.ledger.clock(box, 1, EIGHT - 4 * HOUR + 1, at_ms=EIGHT)
        for time_ms in times_ms:
            self.ledger.press(box, time_ms - EIGHT + 4 * HOUR, 1, at_ms=time_ms)

    def whose(self, window: str = "w1") -> list[str]:
        self.ratings.drain()
        query = "SELECT staff FROM rating WHERE window = ? ORDER BY time_ms"
        return [staff for (staff,) in self.reader.execute(query, (window,))]

    def at(self, *times_ms: int, window: str = "w1") -> list[str | None]:
        self.ratings.drain()
        return [signed.who(self.reader, self.roster(), window, t) for t in times_ms]

    def rows(self) -> int:
        return int(self.ledger.conn.execute("SELECT count(*) FROM row WHERE kind = 'signin'").fetchone()[0])

    def roster(self) -> Roster:
        return Roster.from_facts(fact_rows(self.ledger.conn))


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path)
    yield made
    made.close()
