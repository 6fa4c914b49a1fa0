"""The ledger as an intake needs it: to write, and the roster of now. Opened at the first message.

One thread an object. Refuses to make a ledger where there is none.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from manyi.core.ledger import schema
from manyi.core.roster.model import Roster
from manyi.core.roster.rows import fact_rows, newest_fact


class Desk:
    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / "ledger.db"
        self._conn: sqlite3.Connection | None = None
        self._facts_at, self._roster = -1, Roster.from_facts(())

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
        conn = self.open()
        newest = newest_fact(conn)
        if newest != self._facts_at:
            self._roster, self._facts_at = Roster.from_facts(fact_rows(conn, up_to_row=newest)), newest
        return self._roster
