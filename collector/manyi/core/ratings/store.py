"""ratings.db: the ledger's presses settled, dated and attributed, and a log of changes for those who follow.

One step takes the next rows of the ledger in their order and commits ratings, change log and cursor
together. All that is decided hangs on the order of rows alone, never on how they were cut into steps or on
the time of day, so a rebuild from nothing gives the same ratings, versions included. The deciding is in
fold.py; this file stores.

It refuses to change a version: a rating that changes moves its old version to `version` and becomes the
next one. If the ledger is no longer the one the cursor was taken from (a backup came back), it begins again
from nothing.
"""

import sqlite3
from pathlib import Path

from manyi.core import stores
from manyi.core.ledger import reader
from manyi.core.ledger.reader import Row
from manyi.core.ratings import signed, sums
from manyi.core.ratings.fold import Fold
from manyi.core.ratings.rating import COLUMNS, Rating
from manyi.core.ratings.settle import DISSATISFIED
from manyi.core.roster.current import Current
from manyi.core.roster.facts import KEYS
from manyi.core.roster.model import Roster

VERSION = 6
STEP_ROWS = 2_000  # about 20 ms of work, so that a live press behind a backlog still shows in time

_RATING = """
  box TEXT, life TEXT, seq INTEGER, version INTEGER, row_id INTEGER, at_ms INTEGER, boot INTEGER, up_ms INTEGER,
  time_ms INTEGER, dated TEXT, level INTEGER, first INTEGER, presses INTEGER, prompted INTEGER, flags INTEGER,
  reason INTEGER, visit TEXT, biz INTEGER, latency_ms INTEGER, county TEXT, township TEXT, hall TEXT,
  window TEXT, staff TEXT, known_ms INTEGER, known_by TEXT, known_role TEXT"""
SCHEMA = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE fact (id INTEGER PRIMARY KEY, at_ms INTEGER, kind TEXT, body BLOB);
CREATE TABLE life (box TEXT, life TEXT, born INTEGER, state BLOB, PRIMARY KEY (box, life)) WITHOUT ROWID;
CREATE TABLE undated (box TEXT, life TEXT, seq INTEGER, boot INTEGER, presses INTEGER, body BLOB,
  PRIMARY KEY (box, life, seq)) WITHOUT ROWID;
CREATE TABLE badge (box TEXT, time_ms INTEGER, life TEXT, seq INTEGER, badge TEXT,
  PRIMARY KEY (box, time_ms, life, seq)) WITHOUT ROWID;
CREATE INDEX badge_time ON badge(time_ms);
CREATE TABLE tested (box TEXT PRIMARY KEY, time_ms INTEGER) WITHOUT ROWID;
CREATE TABLE rating ({_RATING}, PRIMARY KEY (box, life, seq)) WITHOUT ROWID;
CREATE INDEX rating_time ON rating(time_ms);
CREATE INDEX rating_red ON rating(time_ms) WHERE level = {DISSATISFIED};
CREATE TABLE version ({_RATING}, PRIMARY KEY (box, life, seq, version)) WITHOUT ROWID;
CREATE TABLE change (id INTEGER PRIMARY KEY, box TEXT, life TEXT, seq INTEGER);
CREATE TABLE alarm (id INTEGER PRIMARY KEY, row_id INTEGER, at_ms INTEGER, kind TEXT, box TEXT, life TEXT,
  seq INTEGER, detail TEXT);
{signed.SCHEMA};
{sums.SCHEMA}
"""
_NAMES = ",".join(COLUMNS)
_CHANGES = f"""
SELECT c.id, {",".join(f"r.{name}" for name in COLUMNS)} FROM change c JOIN rating r USING (box, life, seq)
WHERE c.id > ? ORDER BY c.id LIMIT ?"""


class Ratings:
    """The store and its step. One thread; another process may step or rebuild the same file at the same
    time.
    """

    def __init__(self, path: Path, ledger: sqlite3.Connection) -> None:
        self._conn = stores.open_store(path, SCHEMA, VERSION)
        self._ledger = ledger
        self._fold: Fold | None = None
        self._fold_at = ("", 0)

    def close(self) -> None:
        self._conn.close()

    def step(self, limit: int = STEP_ROWS) -> int:
        """Takes in up to `limit` rows of the ledger; gives how many. 0: nothing new."""
        if self._has_all():
            return 0
        try:
            with stores.transaction(self._conn):
                return self._step(limit)
        except BaseException:
            self._fold = None  # what was decided in memory was not stored
            raise

    def drain(self) -> int:
        """Steps until nothing is new; gives how many rows that were."""
        total = 0
        while moved := self.step():
            total += moved
        return total

    def reset(self) -> None:
        """Empties the store under a new epoch; the next steps fill it again."""
        with stores.transaction(self._conn):
            self._reset()

    def _has_all(self) -> bool:
        """Whether the ledger ends where the cursor stands: asked after every press, so without a transaction."""
        newest, link = reader.tail(self._ledger)
        return (
            bool(stores.get(self._conn, "epoch"))
            and newest == int(stores.get(self._conn, "cursor", "0"))
            and link.hex() == stores.get(self._conn, "cursor_hash")
        )

    def _step(self, limit: int) -> int:
        cursor = int(stores.get(self._conn, "cursor", "0"))
        if not stores.get(self._conn, "epoch") or not self._ours(cursor):
            self._reset()
            cursor = 0
        rows = _whole_imports(self._ledger, cursor, limit)
        if not rows:
            return 0
        fold = self._resume(cursor)
        for row in rows:
            fold.take(row)
        fold.flush()
        stores.put(self._conn, "cursor", rows[-1].id)
        stores.put(self._conn, "cursor_hash", rows[-1].hash.hex())
        self._fold_at = (stores.get(self._conn, "epoch"), rows[-1].id)
        return len(rows)

    def _ours(self, cursor: int) -> bool:
        """Whether the ledger still has the row the cursor stands on."""
        if cursor == 0:
            return True
        rows = reader.rows_after(self._ledger, cursor - 1, 1)
        return bool(rows) and rows[0].hash.hex() == stores.get(self._conn, "cursor_hash")

    def _resume(self, cursor: int) -> Fold:
        if self._fold is None or self._fold_at != (stores.get(self._conn, "epoch"), cursor):
            self._fold = Fold(self._conn)
        return self._fold

    def _reset(self) -> None:
        for table in (
            "meta", "fact", "life", "undated", "badge", "tested", "rating", "version", "change", "alarm", *signed.TABLES,
            *sums.KEYS,
        ):  # fmt: skip
            self._conn.execute(f"DELETE FROM {table}")
        stores.put(self._conn, "epoch", stores.new_epoch())
        self._fold = None


def _whole_imports(ledger: sqlite3.Connection, cursor: int, limit: int) -> list[Row]:
    """The next rows, never ending in the middle of an import: its rows share a time and are judged
    together.
    """
    while True:
        rows = reader.rows_after(ledger, cursor, limit)
        if len(rows) < limit or rows[-1].kind not in KEYS:
            return rows
        keep = len(rows)
        while keep and rows[keep - 1].kind in KEYS and rows[keep - 1].at_ms == rows[-1].at_ms:
            keep -= 1
        if keep:
            return rows[:keep]
        limit *= 2


def presses(conn: sqlite3.Connection) -> int:
    """The sum of presses of all ratings."""
    return int(conn.execute("SELECT coalesce(sum(presses), 0) FROM rating").fetchone()[0])


def undated_presses(conn: sqlite3.Connection) -> int:
    """Presses that wait for a clock record to date them."""
    return int(conn.execute("SELECT coalesce(sum(presses), 0) FROM undated").fetchone()[0])


def changes_after(conn: sqlite3.Connection, change_id: int, limit: int) -> tuple[int, list[Rating]]:
    """The next `limit` entries of the change log: (id of the last, the ratings concerned as they are)."""
    found = conn.execute(_CHANGES, (change_id, limit)).fetchall()
    if not found:
        return change_id, []
    latest = {row[1:4]: row for row in found}
    return found[-1][0], [Rating(*row[1:]) for row in latest.values()]


def changes_left(conn: sqlite3.Connection, cursor: str) -> int:
    """How many entries of the change log a follower has before it, whose cursor stands there ("": at the beginning)."""
    newest = conn.execute("SELECT coalesce(max(id), 0) FROM change").fetchone()[0]
    return int(newest) - int(cursor or 0)


def newest_fact(conn: sqlite3.Connection) -> int:
    """The ledger id of the newest roster fact; 0 if there is none."""
    return int(conn.execute("SELECT coalesce(max(id), 0) FROM fact").fetchone()[0])


def roster_at(conn: sqlite3.Connection, fact_id: int) -> Roster:
    """The roster as the facts up to that one make it."""
    rows = conn.execute("SELECT id, at_ms, kind, body FROM fact WHERE id <= ? ORDER BY id", (fact_id,))
    return Roster.from_facts(Row(i, at, kind, "", "", 0, 0, body) for i, at, kind, body in rows)


def current_roster() -> Current:
    return Current(newest_fact, roster_at)


def reds_of(conn: sqlite3.Connection, hall: str, begin_ms: int, end_ms: int) -> list[Rating]:
    """The dissatisfied ratings of a hall in a time (`end_ms` is outside), as they are now."""
    query = (
        f"SELECT {_NAMES} FROM rating INDEXED BY rating_red WHERE level = {DISSATISFIED} AND time_ms >= ? AND time_ms < ?"
        " AND hall = ?"
    )
    return [Rating(*row) for row in conn.execute(query, (begin_ms, end_ms, hall))]


def one(conn: sqlite3.Connection, box: str, life: str, seq: int) -> Rating | None:
    """A rating as it is now."""
    query = f"SELECT {_NAMES} FROM rating WHERE box = ? AND life = ? AND seq = ?"
    found = conn.execute(query, (box, life, seq)).fetchone()
    return None if found is None else Rating(*found)
