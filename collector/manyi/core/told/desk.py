"""The ledger as an intake needs it: to write, and the roster of now. Opened at the first message.

One thread an object. Refuses to make a ledger where there is none.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from manyi.core.ledger import schema
from manyi.core.roster.model import Roster
from manyi.core.roster.rows import current_roster


class Desk:
    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / "ledger.db"
        self._conn: sqlite3.Connection | None = None
        self._current = current_roster()

    def close(self) -> None:
        if self._conn is not None:
            self._conn.close()
        self._conn = None

    def open(self) -> sqlite3.Connection:
        """A writing connection. Raises LedgerError or sqlite3.Error."""
        if self._conn is None:
            with closing(schema.open_for_reading(self._file)):
                pass  # a ledger is never made here
            self._conn = schema.open_for_writing(self._file)
        return self._conn

    def roster(self) -> Roster:
        return self._current.of(self.open())
