"""Sign-ins that systems told, as ratings.db has them: who sat at a window or led a hall by their word, and what was told before.

    row of kind signin ─▶ the newest word on each (source, id) ─▶ who, leader

At a place, of a Beijing day: the stay that began last and has not ended counts; one without a sign-out ends where the next
begins, and at midnight. Before the day's first stay nobody has said anything, and the plan holds; between stays nobody is there.
Refuses to count a stay whose place lies outside of what its source may speak of.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, Final

from manyi.core import stores
from manyi.core.days import DAY_MS, day_begin
from manyi.core.duty.stay import KIND, Stay, said
from manyi.core.duty.stay import stay as stay_of
from manyi.core.roster.model import Leader, Roster

SCHEMA: Final = """
CREATE TABLE signin (source TEXT, id TEXT, row_id INTEGER, rev INTEGER, place TEXT, who TEXT, from_ms INTEGER,
  to_ms INTEGER, withdrawn INTEGER, within TEXT, tel TEXT, PRIMARY KEY (source, id)) WITHOUT ROWID;
CREATE INDEX signin_place ON signin(place, from_ms);
CREATE INDEX signin_time ON signin(from_ms);
CREATE INDEX signin_who ON signin(who);
CREATE TABLE led (id INTEGER PRIMARY KEY, hall TEXT, begin_ms INTEGER, end_ms INTEGER)"""
TABLES: Final = ("signin", "led")
_OF_PLACE = """
SELECT who, to_ms, within, tel FROM signin WHERE place = ? AND from_ms BETWEEN ? AND ? AND withdrawn = 0
AND (tel IS NOT NULL) = ? ORDER BY from_ms DESC, row_id DESC"""
_STAY = "id, rev, place, who, from_ms, to_ms, withdrawn, within, tel"
_AFTER = "SELECT body FROM row WHERE kind <> 'record' AND kind = ? AND head IS NULL AND id > ? ORDER BY id"

Span = tuple[str, int, int]
"""A window or hall, and from when to when (within one day) its person may have changed."""


def put(conn: sqlite3.Connection, row_id: int, source: str, stay: Stay) -> list[Span]:
    """The newest word on a stay; gives at which window and when it, or what it replaces, counts. Of a hall the change is noted
    for those who follow (led_after).
    """
    found = conn.execute(
        f"SELECT {_STAY} FROM signin WHERE source = ? AND id = ?", (source, stay.id)
    ).fetchone()
    conn.execute(
        "INSERT OR REPLACE INTO signin VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (source, stay.id, row_id, *stay[1:7], json.dumps(stay.within), stay.tel),
    )
    spans: list[Span] = []
    for one in (stay, *([_stay(found)] if found else ())):
        span = (one.place, one.from_ms, day_begin(one.from_ms) + DAY_MS)
        if one.tel is not None:
            conn.execute("INSERT INTO led VALUES (NULL, ?, ?, ?)", span)
        elif not one.withdrawn:
            spans.append(span)
    return spans


def who(conn: sqlite3.Connection, roster: Roster, window: str, time_ms: int) -> str | None:
    """The staff id by what systems told; "": nobody, or one that the roster does not know; None: nothing was told."""
    spoken, found = _held(conn, roster, window, time_ms, leads=False)
    if found is None:
        return "" if spoken else None
    return found[0] if found[0] in roster.staff else ""


def leader(conn: sqlite3.Connection, roster: Roster, hall: str, time_ms: int) -> Leader | None:
    """Who leads a hall: by what systems told of that day, else by the roster; None if nobody is known. For the centre only."""
    spoken, found = _held(conn, roster, hall, time_ms, leads=True)
    if found is None:
        return None if spoken else roster.leader(hall, time_ms)
    return Leader(*found)


def _held(
    conn: sqlite3.Connection, roster: Roster, place: str, time_ms: int, *, leads: bool
) -> tuple[bool, tuple[str, str] | None]:
    """Whether anything was told of the day so far, and who it makes be there: (who, telephone)."""
    spoken = False
    for found, to_ms, within, tel in conn.execute(_OF_PLACE, (place, day_begin(time_ms), time_ms, leads)):
        if not _may(roster, place, within):
            continue
        if (to_ms is None and not spoken) or (to_ms is not None and time_ms < to_ms):
            return True, (found, tel)
        spoken = True
    return spoken, None


def led_after(conn: sqlite3.Connection, cursor: int) -> tuple[int, list[Span]]:
    """Of which halls, from when to when, systems told another leader since: (the new cursor, these)."""
    rows = conn.execute(
        "SELECT id, hall, begin_ms, end_ms FROM led WHERE id > ? ORDER BY id", (cursor,)
    ).fetchall()
    return (rows[-1][0] if rows else cursor), [(hall, begin_ms, end_ms) for _, hall, begin_ms, end_ms in rows]


def windows(conn: sqlite3.Connection) -> set[str]:
    """Every window of which anything was told."""
    return {place for (place,) in conn.execute("SELECT DISTINCT place FROM signin WHERE tel IS NULL")}


def of_staff(conn: sqlite3.Connection, staff: str) -> list[Span]:
    """Where and when a person was signed in."""
    query = "SELECT place, from_ms FROM signin WHERE who = ? AND withdrawn = 0 AND tel IS NULL"
    return [(at, from_ms, day_begin(from_ms) + DAY_MS) for at, from_ms in conn.execute(query, (staff,))]


def of_day(conn: sqlite3.Connection, source: str, day_ms: int) -> list[Stay]:
    """What counts of a source's words of a day, in order."""
    query = f"SELECT {_STAY} FROM signin INDEXED BY signin_time WHERE source = ? AND from_ms BETWEEN ? AND ? AND withdrawn = 0"
    rows = conn.execute(f"{query} ORDER BY place, from_ms, id", (source, day_ms, day_ms + DAY_MS - 1))
    return [_stay(row) for row in rows]


def between(conn: sqlite3.Connection, begin_ms: int, end_ms: int) -> list[tuple[str, Stay]]:
    """(source, stay) of all sources in a time; `end_ms` is outside."""
    query = f"SELECT source, {_STAY} FROM signin INDEXED BY signin_time WHERE from_ms >= ? AND from_ms < ? AND withdrawn = 0"
    return [(source, _stay(row)) for source, *row in conn.execute(query, (begin_ms, end_ms))]


def unknown(conn: sqlite3.Connection, roster: Roster, since_ms: int) -> dict[str, tuple[int, str]]:
    """By source: how many stays since then name a place or a person that the roster does not know, and the first of these."""
    query = (
        "SELECT source, place, who, tel IS NOT NULL, count(*) FROM signin INDEXED BY signin_time"
        " WHERE from_ms > ? AND withdrawn = 0 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3"
    )
    found: dict[str, tuple[int, str]] = {}
    for source, place, person, leads, n in conn.execute(query, (since_ms,)):
        if not roster.has(place, "hall" if leads else "window"):
            which = place
        elif not leads and person not in roster.staff:
            which = person
        else:
            continue
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


def _may(roster: Roster, place: str, within: str) -> bool:
    limits = json.loads(within) if within != "[]" else ()
    return not limits or not set(limits).isdisjoint(roster.place(place)[:3])


def _stay(row: Sequence[Any]) -> Stay:
    values = [*row[:7], json.loads(row[7]), row[8]]
    return stay_of(*values)
