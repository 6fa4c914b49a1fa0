"""Takes visits in (told/intake.py): which word on one counts. Two files: the ledger, and visits.db, which knows what was told
before. Refuses to put right what ended too long ago.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from manyi.core.told.desk import Desk
from manyi.core.told.intake import Kind, take_in
from manyi.core.told.items import OTHER, Answer, NotTaken
from manyi.core.told.sources import VISITS, Source
from manyi.core.visits import report as visits
from manyi.core.visits.report import Visit
from manyi.core.visits.store import VisitStore

FILE: Final = "visits.db"  # beside the ledger
_TOO_OLD: Final = (
    "id",
    "该办件已超过 31 天，不再更正",
    "this visit ended more than 31 days ago and is not put right any more",
)


class Intake:
    """One thread an object. Opens what it needs at the first message; the ledger must be there by then."""

    def __init__(self, data_dir: Path) -> None:
        self._desk, self._file = Desk(data_dir), data_dir / FILE
        self._store: VisitStore | None = None

    def close(self) -> None:
        self._desk.close()
        if self._store is not None:
            self._store.close()
        self._store = None

    def take(self, source: Source, payload: bytes, now_ms: int) -> Answer:
        """Raises as take_in does."""
        return take_in(_VISITS, self._desk, self._known, source, payload, now_ms)

    def _known(self, conn: sqlite3.Connection, source: str, ids: set[str]) -> dict[str, Visit]:
        if self._store is None:
            self._store = VisitStore(self._file)
        while self._store.follow(conn):
            pass
        return self._store.known(source, ids)


def _newer(told: Visit, known: Visit | None, now_ms: int) -> bool:
    """Who served and the invitation are of the first word alone: nobody counts them."""
    if known is None:
        return True
    if told.rev == known.rev:
        if told._replace(staff="", prompt=0) != known._replace(staff="", prompt=0):
            raise NotTaken(OTHER)
        return False
    if told.rev > known.rev and not known.withdrawn and known.finished_ms < now_ms - visits.LATE_MS:
        raise NotTaken(_TOO_OLD)
    return told.rev > known.rev


_VISITS: Final = Kind(VISITS, "办件", "visit", visits.KIND, visits.judge, _newer, visits.body)
