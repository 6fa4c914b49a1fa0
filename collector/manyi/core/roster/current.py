"""The roster of now, for whoever asks often: made again only after another fact has come, because a year's plan of duty is
tens of thousands of facts. rows.py has it of the ledger, ratings/store.py of ratings.db.

One thread an object. Refuses to notice that another database lies there: whoever opens that makes another object.
"""

import sqlite3
from collections.abc import Callable

from manyi.core.roster.model import Roster


class Current:
    def __init__(
        self, newest: Callable[[sqlite3.Connection], int], made: Callable[[sqlite3.Connection, int], Roster]
    ) -> None:
        """`newest` gives the id of the newest fact, `made` the roster as the facts up to that one make it."""
        self._newest, self._made = newest, made
        self._roster = Roster.from_facts(())
        self.fact = -1
        """The id of the newest fact in it; 0: there is none yet; -1: nobody has asked."""

    def of(self, conn: sqlite3.Connection) -> Roster:
        newest = self._newest(conn)
        if newest != self.fact:
            self._roster, self.fact = self._made(conn, newest), newest
        return self._roster
