"""visits.db: visits counted per window, day and 5 minutes, and which of them were rated. A projection of the ledger.

    ledger rows of kind visit ─▶ visit: of all words on (source, id) the highest `rev`, of those alike the first
    changes of ratings.db     ─▶ rated: window, day and visit key of each rating, once there are visits at all
                              ─▶ day: visits, rated, surplus of each window and day that either of them touched

Of a window on a day: a visit is rated if a rating carries its key; a rating that carries no known key is some visit's,
so rated = min(visits, visits matched by key + ratings without one). What is left over is `surplus`: more ratings than
visits (a queue number forgotten, a press in passing). 未评 = visits - rated is never negative and never imputed: a
window whose visits nobody tells has no row here. Everything hangs on the rows alone, so a rebuild gives the same.
"""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from manyi.core import stores
from manyi.core.days import day_begin
from manyi.core.ratings import store as ratings
from manyi.core.visits import report as visits

VERSION = 3
STEP_ROWS = 200  # rows of visits, up to 1,000 in each
STEP_CHANGES = 2_000  # ratings
SHORT_MS = 300_000

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE visit (source TEXT, id TEXT, key TEXT, window TEXT, finished_ms INTEGER, day_ms INTEGER, biz INTEGER,
  rev INTEGER, withdrawn INTEGER, PRIMARY KEY (source, id)) WITHOUT ROWID;
CREATE INDEX visit_key ON visit(key);
CREATE INDEX visit_day ON visit(window, day_ms);
CREATE TABLE rated (box TEXT, life TEXT, seq INTEGER, window TEXT, day_ms INTEGER, key TEXT,
  PRIMARY KEY (box, life, seq)) WITHOUT ROWID;
CREATE INDEX rated_key ON rated(key) WHERE key <> '';
CREATE INDEX rated_day ON rated(window, day_ms);
CREATE TABLE day (day_ms INTEGER, window TEXT, visits INTEGER, rated INTEGER, surplus INTEGER,
  PRIMARY KEY (day_ms, window)) WITHOUT ROWID;
CREATE TABLE short (begin_ms INTEGER, window TEXT, visits INTEGER, PRIMARY KEY (begin_ms, window)) WITHOUT ROWID;
CREATE TABLE business (day_ms INTEGER, window TEXT, biz INTEGER, visits INTEGER,
  PRIMARY KEY (day_ms, window, biz)) WITHOUT ROWID;
CREATE TABLE changed (day_ms INTEGER PRIMARY KEY, at INTEGER)
"""
_TABLES = ("meta", "visit", "rated", "day", "short", "business", "changed")
_ROWS = "SELECT id, body, hash FROM row WHERE kind <> 'record' AND kind = 'visit' AND head IS NULL AND id > ? ORDER BY id LIMIT ?"
_HAD = "SELECT window, finished_ms, day_ms, biz, rev, withdrawn FROM visit WHERE source = ? AND id = ?"
_VISIT = "INSERT OR REPLACE INTO visit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
WITHDRAWN = "-"  # no rating carries this key
_SHORT = "INSERT INTO short VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET visits = visits + 1"
_BUSINESS = "INSERT INTO business VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET visits = visits + 1"
_DAY = """
SELECT (SELECT count(*) FROM visit WHERE window = ?1 AND day_ms = ?2),
  (SELECT count(DISTINCT v.key) FROM visit v WHERE v.window = ?1 AND v.day_ms = ?2
    AND EXISTS (SELECT 1 FROM rated r WHERE r.key = v.key AND r.key <> '')),
  (SELECT count(*) FROM rated r WHERE r.window = ?1 AND r.day_ms = ?2
    AND NOT EXISTS (SELECT 1 FROM visit v WHERE v.key = r.key))"""
_GONE = "DELETE FROM day WHERE window = ? AND day_ms = ?"
_PUT = "INSERT OR REPLACE INTO day VALUES (?, ?, ?, ?, ?)"
_CHANGED = "INSERT OR REPLACE INTO changed VALUES (?, ?)"

WindowDay = tuple[str, int]


class Counts(NamedTuple):
    visits: int
    rated: int
    surplus: int
    """Ratings beyond the visits."""

    @property
    def unrated(self) -> int:
        return self.visits - self.rated

    @property
    def rate(self) -> float:
        return self.rated / self.visits if self.visits else 0.0


class VisitStore:
    """One thread a connection; other processes may follow the same file at the same time."""

    def __init__(self, path: Path) -> None:
        self._conn = stores.open_store(path, SCHEMA, VERSION)

    def close(self) -> None:
        self._conn.close()

    def step(self, ledger: sqlite3.Connection, source: sqlite3.Connection) -> int:
        """The next rows of the ledger, then the next changes of ratings.db; gives how many. 0: nothing new."""
        return self.follow(ledger) or self._rate(source)

    def follow(self, ledger: sqlite3.Connection) -> int:
        """The next rows of visits alone; gives how many."""
        cursor = int(stores.get(self._conn, "cursor", "0"))
        if cursor and not self._ours(ledger, cursor):
            self.reset()
            cursor = 0
        rows = ledger.execute(_ROWS, (cursor, STEP_ROWS)).fetchall()
        if not rows:
            return 0
        with stores.transaction(self._conn):
            if int(stores.get(self._conn, "cursor", "0")) != cursor:
                return len(rows)  # another process was faster
            touched: set[WindowDay] = set()
            for _, raw, _ in rows:
                found = visits.said(raw)
                if found is not None:
                    self._take(*found, touched)
            stores.put(self._conn, "cursor", rows[-1][0])
            stores.put(self._conn, "cursor_hash", rows[-1][2].hex())
            self._count(touched)
        return len(rows)

    def known(self, source: str, ids: Iterable[str]) -> dict[str, visits.Visit]:
        """What counts of the visits that were told before; who served and the invitation are not kept."""
        found = {}
        for one in ids:
            row = self._conn.execute(_HAD, (source, one)).fetchone()
            if row is not None:
                window, finished_ms, _day_ms, biz, rev, withdrawn = row
                found[one] = visits.Visit(one, window, finished_ms, biz, "", 0, rev, withdrawn)
        return found

    def reset(self) -> None:
        """Forgets everything; the next steps count it again."""
        with stores.transaction(self._conn):
            for table in _TABLES:
                self._conn.execute(f"DELETE FROM {table}")
            stores.put(self._conn, "generation", stores.new_epoch())

    def _ours(self, ledger: sqlite3.Connection, cursor: int) -> bool:
        found = ledger.execute("SELECT hash FROM row WHERE id = ? AND kind = 'visit'", (cursor,)).fetchone()
        return found is not None and found[0].hex() == stores.get(self._conn, "cursor_hash")

    # -- inside a transaction

    def _take(self, source: str, told: Iterable[visits.Visit], touched: set[WindowDay]) -> None:
        for v in told:
            had = self._conn.execute(_HAD, (source, v.id)).fetchone()
            if had is not None and v.rev <= had[4]:
                continue
            if had is not None and not had[5]:
                self._take_back(had[0], had[1], had[2], had[3], touched)
            day_ms, key = day_begin(v.finished_ms), visits.key(source, v.id)
            kept = WITHDRAWN if v.withdrawn else key
            values = (source, v.id, kept, v.window, v.finished_ms, day_ms, v.biz, v.rev, v.withdrawn)
            self._conn.execute(_VISIT, values)
            if not v.withdrawn:
                self._conn.execute(_SHORT, (v.finished_ms - v.finished_ms % SHORT_MS, v.window))
                self._conn.execute(_BUSINESS, (day_ms, v.window, v.biz))
                touched.add((v.window, day_ms))
            query = "SELECT window, day_ms FROM rated WHERE key = ? AND key <> ''"
            touched.update(self._conn.execute(query, (key,)).fetchall())

    def _take_back(
        self, window: str, finished_ms: int, day_ms: int, biz: int, touched: set[WindowDay]
    ) -> None:
        """What a word that counts no more had added."""
        short = (finished_ms - finished_ms % SHORT_MS, window)
        business = (day_ms, window, biz)
        for table, where, at in (
            ("short", "begin_ms = ? AND window = ?", short),
            ("business", "day_ms = ? AND window = ? AND biz = ?", business),
        ):
            self._conn.execute(f"UPDATE {table} SET visits = visits - 1 WHERE {where}", at)
            self._conn.execute(f"DELETE FROM {table} WHERE visits = 0 AND {where}", at)
        touched.add((window, day_ms))

    def _rate(self, source: sqlite3.Connection) -> int:
        if not stores.get(self._conn, "cursor"):
            return 0  # no visits, nothing to remember
        epoch = stores.get(source, "epoch")
        with stores.transaction(self._conn):
            touched: set[WindowDay] = set()
            if stores.get(self._conn, "epoch") != epoch:
                touched.update(self._conn.execute("SELECT DISTINCT window, day_ms FROM visit").fetchall())
                self._conn.execute("DELETE FROM rated")
                stores.put(self._conn, "epoch", epoch)
                stores.put(self._conn, "changes", 0)
            cursor = int(stores.get(self._conn, "changes", "0"))
            last, found = ratings.changes_after(source, cursor, STEP_CHANGES)
            for r in found:
                was = self._conn.execute(
                    "SELECT window, day_ms, key FROM rated WHERE box = ? AND life = ? AND seq = ?",
                    (r.box, r.life, r.seq),
                ).fetchone()
                key = r.visit if r.visit.strip("0") else ""
                now = (r.window, day_begin(r.time_ms), key)
                if was == now:
                    continue
                for window, day_ms, which in (now, *([was] if was else [])):
                    touched.add((window, day_ms))
                    if which:
                        query = "SELECT window, day_ms FROM visit WHERE key = ?"
                        touched.update(self._conn.execute(query, (which,)).fetchall())
                self._conn.execute(
                    "INSERT OR REPLACE INTO rated VALUES (?,?,?,?,?,?)", (r.box, r.life, r.seq, *now)
                )
            stores.put(self._conn, "changes", last)
            self._count(touched)
        return len(found)

    def _count(self, touched: set[WindowDay]) -> None:
        days = set()
        for window, day_ms in touched:
            if not window:  # where withdrawn visits lie, and ratings of boxes in store
                continue
            told, matched, loose = self._conn.execute(_DAY, (window, day_ms)).fetchone()
            if told:
                rated = min(told, matched + loose)
                self._conn.execute(_PUT, (day_ms, window, told, rated, matched + loose - rated))
                days.add(day_ms)
            elif self._conn.execute(_GONE, (window, day_ms)).rowcount:
                days.add(day_ms)
        if days:
            at = int(stores.get(self._conn, "at", "0")) + 1
            stores.put(self._conn, "at", at)
            self._conn.executemany(_CHANGED, [(day_ms, at) for day_ms in days])


def of_day(conn: sqlite3.Connection, day_ms: int) -> dict[str, Counts]:
    """Every window of the day whose visits are known. `conn` reads visits.db."""
    query = "SELECT window, visits, rated, surplus FROM day WHERE day_ms = ?"
    return {window: Counts(*counts) for window, *counts in conn.execute(query, (day_ms,))}


def of_business(conn: sqlite3.Connection, begin_ms: int, end_ms: int) -> dict[tuple[str, int], int]:
    """Visits of a period (`end_ms` is outside) by window and business type (0: not told). `conn` reads visits.db."""
    query = (
        "SELECT window, biz, sum(visits) FROM business WHERE day_ms >= ? AND day_ms < ? GROUP BY window, biz"
    )
    return {(window, biz): n for window, biz, n in conn.execute(query, (begin_ms, end_ms))}


def added(counts: Iterable[Counts]) -> Counts:
    """The sum: of windows whose visits are known, and of no others."""
    return Counts(*(sum(x) for x in zip(Counts(0, 0, 0), *counts, strict=True)))
