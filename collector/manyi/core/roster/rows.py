"""The ledger's rows of facts, without walking over its records. Refuses to write."""

import sqlite3
from collections.abc import Iterable

from manyi.core.ledger.reader import Row
from manyi.core.roster.current import Current
from manyi.core.roster.facts import KEYS
from manyi.core.roster.model import Roster

_FACTS = """
SELECT id, at_ms, kind, '', '', 0, 0, body, hash FROM row
WHERE kind <> 'record' AND kind IN ({}) AND id <= ? ORDER BY id"""
# The first term lets SQLite use the index that has no records in it.
_NEWEST = "SELECT coalesce(max(id), 0) FROM row WHERE kind <> 'record' AND kind IN ({})"
FOR_EVER = 2**62


def fact_rows(
    conn: sqlite3.Connection, kinds: Iterable[str] = tuple(KEYS), up_to_row: int = FOR_EVER
) -> list[Row]:
    """Fact rows of these kinds, in the ledger's order."""
    names = tuple(kinds)
    query = _FACTS.format(",".join("?" * len(names)))
    return [Row._make(r) for r in conn.execute(query, (*names, up_to_row))]


def newest_fact(conn: sqlite3.Connection) -> int:
    """The id of the newest fact row of any kind; 0: there is none. Cheap: a roster of this number needs no second reading."""
    names = tuple(KEYS)
    found = conn.execute(_NEWEST.format(",".join("?" * len(names))), names).fetchone()
    return int(found[0])


def roster(conn: sqlite3.Connection, up_to_row: int = FOR_EVER) -> Roster:
    """The roster as the facts up to that row make it."""
    return Roster.from_facts(fact_rows(conn, up_to_row=up_to_row))


def current_roster() -> Current:
    return Current(newest_fact, roster)
