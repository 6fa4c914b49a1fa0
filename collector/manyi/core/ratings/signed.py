"""Sign-ins that systems told, as ratings.db has them: who sat at a window by their word, and what was told before.

    row of kind signin ─▶ the newest word on each (source, id) ─▶ who

At a window, of a Beijing day: the stay that began last and has not ended counts; one without a sign-out ends where the next
begins, and at midnight. Before the day's first stay nobody has said anything (None); between stays nobody sits there ("").
Refuses to count a stay whose window lies outside of what its source may speak of.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, Final

from manyi.core import stores
from manyi.core.days import DAY_MS, day_begin
from manyi.core.duty.stay import KIND, Stay, said
from manyi.core.duty.stay import stay as stay_of
from manyi.core.roster.model import Roster

SCHEMA: Final = """
CREATE TABLE signin (source TEXT, id TEXT, row_id INTEGER, rev INTEGER, window TEXT, staff TEXT, from_ms INTEGER,
  to_ms INTEGER, withdrawn INTEGER, within TEXT, PRIMARY KEY (source, id)) WITHOUT ROWID;
CREATE INDEX signin_window ON signin(window, from_ms);
CREATE INDEX signin_time ON signin(from_ms);
CREATE INDEX signin_staff ON signin(staff)"""
_OF_WINDOW = """
SELECT staff, from_ms, to_ms, within FROM signin WHERE window = ? AND from_ms BETWEEN ? AND ? AND withdrawn = 0
ORDER BY from_ms DESC, row_id DESC"""
_STAY = "id, rev, window, staff, from_ms, to_ms, withdrawn, within"
_AFTER = "SELECT body FROM row WHERE kind <> 'record' AND kind = ? AND head IS NULL AND id > ? ORDER BY id"

Span = tuple[str, int, int]
"""A window, and from when to when (within one day) its person may have changed."""


def put(conn: sqlite3.Connection, row_id: int, source: str, stay: Stay) -> list[Span]:
    """The newest word on a stay; gives where and when it, or what it replaces, counts."""
    found = conn.execute(
        f"SELECT {_STAY} FROM signin WHERE source = ? AND id = ?", (source, stay.id)
    ).fetchone()
    conn.execute(
        "INSERT OR REPLACE INTO signin VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (source, stay.id, row_id, *stay[1:7], json.dumps(stay.within)),
    )
    return [
        (one.window, one.from_ms, day_begin(one.from_ms) + DAY_MS)
        for one in (stay, *([_stay(found)] if found else ()))
        if not one.withdrawn
    ]


def who(conn: sqlite3.Connection, roster: Roster, window: str, time_ms: int) -> str | None:
    """The staff id by what systems told; "": nobody, or one that the roster does not know; None: nothing was told."""
    spoken = False
    for staff, _, to_ms, within in conn.execute(_OF_WINDOW, (window, day_begin(time_ms), time_ms)):
        if not _may(roster, window, within):
            continue
        if (to_ms is None and not spoken) or (to_ms is not None and time_ms < to_ms):
            return str(staff) if staff in roster.staff else ""
        spoken = True
    return "" if spoken else None


def windows(conn: sqlite3.Connection) -> set[str]:
    """Every window of which anything was told."""
    return {window for (window,) in conn.execute("SELECT DISTINCT window FROM signin")}


def of_staff(conn: sqlite3.Connection, staff: str) -> list[Span]:
    """Where and when a person was signed in."""
    query = "SELECT window, from_ms FROM signin WHERE staff = ? AND withdrawn = 0"
    return [(w, from_ms, day_begin(from_ms) + DAY_MS) for w, from_ms in conn.execute(query, (staff,))]


def of_day(conn: sqlite3.Connection, source: str, day_ms: int) -> list[Stay]:
    """What counts of a source's words of a day, in order."""
    query = f"SELECT {_STAY} FROM signin INDEXED BY signin_time WHERE source = ? AND from_ms BETWEEN ? AND ? AND withdrawn = 0"
    rows = conn.execute(f"{query} ORDER BY window, from_ms, id", (source, day_ms, day_ms + DAY_MS - 1))
    return [_stay(row) for row in rows]


def between(conn: sqlite3.Connection, begin_ms: int, end_ms: int) -> list[tuple[str, Stay]]:
    """(source, stay) of all sources in a time; `end_ms` is outside."""
    query = f"SELECT source, {_STAY} FROM signin INDEXED BY signin_time WHERE from_ms >= ? AND from_ms < ? AND withdrawn = 0"
    return [(source, _stay(row)) for source, *row in conn.execute(query, (begin_ms, end_ms))]


def unknown(conn: sqlite3.Connection, roster: Roster, since_ms: int) -> dict[str, tuple[int, str]]:
    """By source: how many stays since then name a window or a person that the roster does not know, and the first of these."""
    query = (
        "SELECT source, window, staff, count(*) FROM signin INDEXED BY signin_time WHERE from_ms > ? AND withdrawn = 0"
        " GROUP BY source, window, staff ORDER BY source, window, staff"
    )
    found: dict[str, tuple[int, str]] = {}
    for source, window, staff, n in conn.execute(query, (since_ms,)):
        if roster.place(window).window != window or staff not in roster.staff:
            which = window if roster.place(window).window != window else staff
            before, first = found.get(source, (0, which))
            found[source] = before + n, first
    return found


def known(
    conn: sqlite3.Connection | None, ledger: sqlite3.Connection, source: str, ids: Iterable[str]
) -> dict[str, Stay]:
    """The newest word of a source on each id: what ratings.db has, and what has come into the ledger since. Without a
    ratings.db, or with another ledger's, all of the ledger is read.
    """
    wanted, found, cursor = set(ids), dict[str, Stay](), 0
    if conn is not None:
        conn.execute("BEGIN")  # cursor and rows of one moment
        try:
            cursor = _cursor(conn, ledger)
            for one in wanted if cursor else ():
                query = f"SELECT {_STAY} FROM signin WHERE source = ? AND id = ?"
                row = conn.execute(query, (source, one)).fetchone()
                if row is not None:
                    found[one] = _stay(row)
        finally:
            conn.execute("COMMIT")
    for (raw,) in ledger.execute(_AFTER, (KIND, cursor)):
        name, stays = said(raw)
        if name == source:
            found |= {one.id: one for one in stays if one.id in wanted}
    return found


def _cursor(conn: sqlite3.Connection, ledger: sqlite3.Connection) -> int:
    cursor = int(stores.get(conn, "cursor", "0"))
    row = ledger.execute("SELECT hash FROM row WHERE id = ?", (cursor,)).fetchone()
    return cursor if row is not None and row[0].hex() == stores.get(conn, "cursor_hash") else 0


def _may(roster: Roster, window: str, within: str) -> bool:
    limits = json.loads(within) if within != "[]" else ()
    return not limits or not set(limits).isdisjoint(roster.place(window)[:3])


def _stay(row: Sequence[Any]) -> Stay:
    values = [*row[:7], json.loads(row[7])]
    return stay_of(*values)
