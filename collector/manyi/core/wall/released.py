"""released.db: which ratings have been released together, to hall screens and to clerks. It outlives wall.db.

wall.db is a projection and may be deleted, or emptied by a new release of this program; but the same ratings in other
batches would tell them apart, so what was released once is kept here and taken over by a wall.db that has forgotten it.
Both files are written in one transaction of one connection (ATTACH); SQLite does not promise both or neither if
the power fails in between, so each takes over from the other what it lacks when they are opened.

Of hall screens a week is kept, because they show today alone; of clerks everything. Deleting this file too, or restoring an
old copy of it, groups anew what was released since. Refuses to hold a person's name or a level of a single rating.
"""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from manyi.core import stores

VERSION: Final = 1
KEPT_DAYS: Final = 7  # of hall screens, which show today alone; late ratings join batches of their own day
NAME: Final = "released.db"

SCHEMA: Final = """
CREATE TABLE batch (
  id INTEGER PRIMARY KEY, hall TEXT, day INTEGER, n INTEGER, s INTEGER, b INTEGER, d INTEGER, at_ms INTEGER);
CREATE TABLE member (box TEXT, life TEXT, seq INTEGER, batch INTEGER, PRIMARY KEY (box, life, seq)) WITHOUT ROWID;
CREATE TABLE own_batch (id INTEGER PRIMARY KEY, staff TEXT, day INTEGER, n INTEGER, s INTEGER, b INTEGER, d INTEGER);
CREATE TABLE own_member (
  box TEXT, life TEXT, seq INTEGER, batch INTEGER, PRIMARY KEY (box, life, seq)) WITHOUT ROWID;
CREATE TABLE own_told (day INTEGER)
"""


class Pair(NamedTuple):
    """A kind of batch: its table (of one name in both files), its members there and here, and what says that some
    were released before."""

    batch: str
    member: str
    here: str
    flag: str


HALLS: Final = Pair("batch", "member", "shown", "released")
CLERKS: Final = Pair("own_batch", "own_member", "own", "own_kept")


def attach(conn: sqlite3.Connection, wall: Path) -> None:
    """Opens the file beside wall.db on the wall's connection, and lets each take over what it lacks."""
    path = wall.with_name(NAME)
    stores.open_store(path, SCHEMA, VERSION).close()
    conn.execute("ATTACH ? AS released", (str(path),))
    conn.execute("PRAGMA released.synchronous = FULL")
    with stores.transaction(conn):
        for pair in (HALLS, CLERKS):
            keep(conn, pair)
        _prune(conn)
        adopt(conn)


def adopt(conn: sqlite3.Connection) -> None:
    """Inside a transaction: what was released and wall.db does not know."""
    for pair in (HALLS, CLERKS):
        have, there = _newest(conn, "main", pair), _newest(conn, "released", pair)
        if there <= have:
            continue
        if pair is HALLS:
            _out_of_the_pools(conn, have)
        conn.execute(
            f"INSERT OR REPLACE INTO main.{pair.batch} SELECT * FROM released.{pair.batch} WHERE id > ?",
            (have,),
        )
        conn.execute(
            f"INSERT INTO main.{pair.here} (box, life, seq, level, batch)"
            f" SELECT box, life, seq, 0, batch FROM released.{pair.member} WHERE batch > ?"
            " ON CONFLICT (box, life, seq) DO UPDATE SET batch = excluded.batch",
            (have,),
        )
        stores.put(conn, pair.flag, 1)
    if not conn.execute("SELECT 1 FROM main.own_told").fetchone():
        conn.execute(
            "INSERT INTO main.own_told SELECT max(day) FROM released.own_told HAVING max(day) IS NOT NULL"
        )


def keep(
    conn: sqlite3.Connection, pair: Pair, members: Iterable[tuple[str, str, int, int]] | None = None
) -> None:
    """Inside a transaction: what wall.db has released and this file does not know. `members` (box, life, seq, batch)
    saves looking for them."""
    have = _newest(conn, "released", pair)
    if _newest(conn, "main", pair) <= have:
        return
    if members is None:
        found = f"SELECT box, life, seq, batch FROM main.{pair.here} WHERE batch > ?"
        members = conn.execute(found, (have,)).fetchall()
    conn.execute(f"INSERT INTO released.{pair.batch} SELECT * FROM main.{pair.batch} WHERE id > ?", (have,))
    conn.executemany(f"INSERT OR REPLACE INTO released.{pair.member} VALUES (?, ?, ?, ?)", members)
    if pair is CLERKS:
        conn.execute("DELETE FROM released.own_told")
        conn.execute("INSERT INTO released.own_told SELECT day FROM main.own_told")


def _newest(conn: sqlite3.Connection, file: str, pair: Pair) -> int:
    return int(conn.execute(f"SELECT coalesce(max(id), 0) FROM {file}.{pair.batch}").fetchone()[0])


def _out_of_the_pools(conn: sqlite3.Connection, have: int) -> None:
    """What waits here was released all the same."""
    waiting = conn.execute(
        "SELECT -count(*), s.hall, s.day FROM main.shown s JOIN released.member m USING (box, life, seq)"
        " WHERE m.batch > ? AND s.batch IS NULL AND s.hall <> '' GROUP BY s.hall, s.day",
        (have,),
    ).fetchall()
    conn.executemany("UPDATE pool SET waiting = waiting + ? WHERE hall = ? AND day = ?", waiting)


def _prune(conn: sqlite3.Connection) -> None:
    newest = conn.execute("SELECT max(day) FROM released.batch").fetchone()[0]
    if newest is not None:
        old = "SELECT id FROM released.batch WHERE day < ?"
        conn.execute(f"DELETE FROM released.member WHERE batch IN ({old})", (newest - KEPT_DAYS,))
        last = "AND id < (SELECT max(id) FROM released.batch)"  # its number says how far this file has come
        conn.execute(f"DELETE FROM released.batch WHERE day < ? {last}", (newest - KEPT_DAYS,))
