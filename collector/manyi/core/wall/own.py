"""What a member of staff may see of the ratings at their own window: batches, so that nobody can tell who pressed red.

A clerk knows which visitor sat there at which minute. So a rating reaches the clerk only as part of a batch:
- of finished days only, and released once a day: looking again every minute teaches nothing about the last visitor;
- of at least BATCH_MIN ratings, as sums, without time, order, window or visit;
- of which at most half are red, so that of each visitor it is at least as likely that it was another; otherwise it waits
  for more. An all-red batch would name everybody in it. From LARGE ratings on it is released whatever it holds: then it
  is the work that has to change, and one visitor among twenty is nobody.
A batch is never changed and a rating is released once; what is corrected or attributed anew after the release stays with
the centre's tables. Ratings whose reason is 流程 are nobody's. A rebuild keeps what was released.

It follows the same changes as the wall, in the same transaction, and refuses to read names.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from manyi.core import stores
from manyi.core.days import day_of
from manyi.core.rates import tally
from manyi.core.ratings.rating import Rating
from manyi.core.ratings.sums import REASON_PROCEDURE

BATCH_MIN = 5  # ratings; as for hall screens
LARGE = 20  # ratings: here an all-red batch no longer points at one visitor
CLOSED_AFTER_MS = 30_000  # the longest visit (15 s), and as long again for its second press to arrive

SCHEMA = """
CREATE TABLE own (box TEXT, life TEXT, seq INTEGER, staff TEXT, level INTEGER, day INTEGER, close_ms INTEGER,
  batch INTEGER, PRIMARY KEY (box, life, seq)) WITHOUT ROWID;
CREATE INDEX own_waits ON own(staff) WHERE batch IS NULL;
CREATE TABLE own_told (day INTEGER);
CREATE TABLE own_batch (id INTEGER PRIMARY KEY, staff TEXT, day INTEGER, n INTEGER, s INTEGER, b INTEGER, d INTEGER);
CREATE INDEX own_batch_of ON own_batch(staff)"""
_KEPT = "own_kept"  # how many were released before a rebuild: only then can a first version have been seen
_SEEN = "SELECT batch FROM own WHERE box = ? AND life = ? AND seq = ?"


def take(conn: sqlite3.Connection, changed: Sequence[Rating]) -> None:
    """Inside the wall's transaction: what changed waits for its batch. What was released stays as it is."""
    kept = int(stores.get(conn, _KEPT, "0")) > 0
    waits: list[tuple[Any, ...]] = []
    gone: list[tuple[str, str, int]] = []
    for r in changed:
        found = None
        if kept or r.version > 1:
            found = conn.execute(_SEEN, (r.box, r.life, r.seq)).fetchone()
        if found is not None and found[0] is not None:
            continue
        if r.staff and r.reason != REASON_PROCEDURE:
            close_ms = max(r.time_ms, r.at_ms) + CLOSED_AFTER_MS
            waits.append((r.box, r.life, r.seq, r.staff, r.level, day_of(r.time_ms), close_ms))
        elif found is not None:
            gone.append((r.box, r.life, r.seq))
    conn.executemany("INSERT OR REPLACE INTO own VALUES (?, ?, ?, ?, ?, ?, ?, NULL)", waits)
    conn.executemany("DELETE FROM own WHERE box = ? AND life = ? AND seq = ?", gone)


def release(conn: sqlite3.Connection, now_ms: int, fewest: int = BATCH_MIN) -> int:
    """Once a Beijing day, the batches of the days before; gives how many. Transactions are its own."""
    today = day_of(now_ms)
    # The first half minute of a day belongs to yesterday's last visit.
    last = conn.execute("SELECT max(day) FROM own_told").fetchone()[0]
    if (last is not None and last >= today) or day_of(now_ms - CLOSED_AFTER_MS) < today:
        return 0
    made = 0
    with stores.transaction(conn):
        people = conn.execute("SELECT DISTINCT staff FROM own WHERE batch IS NULL").fetchall()
        for (staff,) in people:
            made += _release(conn, staff, today, now_ms, max(fewest, BATCH_MIN))
        conn.execute("DELETE FROM own_told")
        conn.execute("INSERT INTO own_told VALUES (?)", (today,))
    return made


def forget(conn: sqlite3.Connection) -> None:
    """Inside a rebuild, after the cursor is gone: everything but what was released, and when that was."""
    conn.execute("DELETE FROM own WHERE batch IS NULL")
    stores.put(conn, _KEPT, conn.execute("SELECT count(*) FROM own").fetchone()[0])


def may_be_released(n: int, red: int, fewest: int = BATCH_MIN) -> bool:
    """Whether a batch of `n` ratings of which `red` are dissatisfied tells nobody's."""
    return n >= fewest and (2 * red <= n or n >= LARGE)


def snapshot(conn: sqlite3.Connection, staff: str) -> dict[str, Any]:
    """What was released to somebody: in all, and by month of release. `conn` reads wall.db."""
    rows = conn.execute(
        "SELECT strftime('%Y-%m', day * 86400, 'unixepoch') AS month, count(*), sum(n), sum(s), sum(b), sum(d)"
        " FROM own_batch WHERE staff = ? AND staff <> '' GROUP BY month ORDER BY month DESC",
        (staff,),
    ).fetchall()
    months = [{"month": row[0], "batches": row[1], **_told(row[2:])} for row in rows]
    total = [sum(row[at] for row in rows) for at in range(2, 6)]
    return {"batches": sum(row[1] for row in rows), **_told(total), "months": months}


def _release(conn: sqlite3.Connection, staff: str, today: int, now_ms: int, fewest: int) -> int:
    ready = conn.execute(
        "SELECT box, life, seq, level FROM own WHERE batch IS NULL AND staff = ? AND day < ? AND close_ms <= ?",
        (staff, today, now_ms),
    ).fetchall()
    level = [sum(row[3] == at for row in ready) for at in (1, 2, 3)]
    if not may_be_released(len(ready), level[2], fewest):
        return 0
    values = (staff, today, len(ready), *level)
    made = conn.execute("INSERT INTO own_batch VALUES (NULL, ?, ?, ?, ?, ?, ?)", values).lastrowid
    conn.executemany(
        "UPDATE own SET batch = ? WHERE box = ? AND life = ? AND seq = ?",
        [(made, box, life, seq) for box, life, seq, _ in ready],
    )
    return 1


def _told(counts: Sequence[int]) -> dict[str, Any]:
    n, s, b, d = counts
    told = tally((n, s, b, d, 0, 0, 0, 0, 0, 0))
    return {key: told[key] for key in ("n", "level", "rate")}
