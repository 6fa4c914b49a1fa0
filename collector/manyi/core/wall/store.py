"""wall.db: today and every other day as tallies, the latest ratings, and the batches that hall screens may show.

It follows the change log of ratings.db and remembers what each rating last contributed (`shown`), so a
rating that changes, moves or is seen again is counted once. Tallies, memory and cursor move in one
transaction. wall/view.py reads it.

Hall batches: ratings of one hall and day, closed (their visit is over and a second press has had time to
arrive), released together once there are at least five, as sums without order, time or window. A batch is
never changed and a rating is released once: what comes late joins a later batch, and a correction after the
release stays with the centre. A rebuild keeps the batches, because other groupings of the same ratings
would tell them apart; so does released.db (wall/released.py) where this file is lost.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from manyi.core import stores
from manyi.core.days import day_of
from manyi.core.rates import FIELDS, NOTHING
from manyi.core.ratings import signed
from manyi.core.ratings import store as ratings
from manyi.core.ratings.dating import AHEAD_MS
from manyi.core.ratings.rating import Rating
from manyi.core.ratings.sums import counted
from manyi.core.roster.model import Leader, Roster
from manyi.core.wall import latest as wall_latest
from manyi.core.wall import own as wall_own
from manyi.core.wall import released as wall_released
from manyi.core.wall import watch as wall_watch
from manyi.core.wall.latest import rating_id
from manyi.core.wall.view import hall_snapshot, shown, snapshot

__all__ = ["Wall", "hall_snapshot", "rating_id", "shown", "snapshot"]

VERSION = 5
STEP_CHANGES = 2_000  # about 30 ms of work: a live press is on the wall in time
BATCH_MIN = 5  # fewer would let somebody match a red to a face
ROUND_MS = 300_000  # a batch's time is kept to 5 minutes, so that nobody can tell who completed it

_TALLY = ",".join(f"{name} INTEGER" for name in FIELDS)
SCHEMA = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE tally (day INTEGER, county TEXT, hall TEXT, {_TALLY}, PRIMARY KEY (day, county, hall)) WITHOUT ROWID;
CREATE TABLE shown (
  box TEXT, life TEXT, seq INTEGER, day INTEGER, county TEXT, hall TEXT, level INTEGER, first INTEGER, presses INTEGER,
  flags INTEGER, close_ms INTEGER, batch INTEGER, window TEXT, PRIMARY KEY (box, life, seq)) WITHOUT ROWID;
CREATE INDEX shown_waiting ON shown(hall, day, close_ms) WHERE batch IS NULL AND hall <> '';
CREATE TABLE pool (hall TEXT, day INTEGER, waiting INTEGER, PRIMARY KEY (hall, day)) WITHOUT ROWID;
CREATE INDEX pool_full ON pool(waiting) WHERE waiting >= {BATCH_MIN};
CREATE TABLE batch (
  id INTEGER PRIMARY KEY, hall TEXT, day INTEGER, n INTEGER, s INTEGER, b INTEGER, d INTEGER, at_ms INTEGER);
CREATE INDEX batch_of ON batch(hall, day);
{wall_latest.SCHEMA};
CREATE TABLE unit (id TEXT PRIMARY KEY, tier TEXT, parent TEXT, zh TEXT, en TEXT, tel TEXT) WITHOUT ROWID;
CREATE TABLE staff (id TEXT PRIMARY KEY, zh TEXT, en TEXT) WITHOUT ROWID;
{wall_watch.SCHEMA};
{wall_own.SCHEMA}"""
_ADD = (
    f"INSERT INTO tally VALUES (?, ?, ?, {','.join('?' * len(FIELDS))}) ON CONFLICT DO UPDATE SET "
    + ", ".join(f"{name} = {name} + excluded.{name}" for name in FIELDS)
)
_POOL = "INSERT INTO pool VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET waiting = waiting + excluded.waiting"

_NEWEST = """
SELECT (SELECT coalesce(max(id), 0) FROM change), (SELECT coalesce(max(id), 0) FROM fact),
  (SELECT coalesce(max(id), 0) FROM led)"""
_CLOSED = "FROM shown WHERE batch IS NULL AND hall = ? AND hall <> '' AND day = ? AND close_ms <= ?"

Kind = tuple[int, str, str, int, int, int, int]
"""What of a rating is counted: day, county, hall, level, first, presses, flags."""


class Wall:
    """The store and its step. One thread; another process may step or rebuild the same file at the same
    time.
    """

    def __init__(
        self, path: Path, source: sqlite3.Connection, city: tuple[str, str], batch_min: int = BATCH_MIN
    ) -> None:
        self._conn = stores.open_store(path, SCHEMA, VERSION, synchronous="NORMAL")
        wall_released.attach(self._conn, path)
        self._source = source
        self._city = json.dumps({"zh": city[0], "en": city[1]}, ensure_ascii=False)
        self._batch_min = max(batch_min, BATCH_MIN)
        self.roster = Roster.from_facts(())
        self._facts_at = -1

    def close(self) -> None:
        self._conn.close()

    def step(self, limit: int = STEP_CHANGES) -> int:
        """Takes in the next changes; gives how many ratings they concern. 0: nothing new."""
        if self._has_all():
            return 0
        with stores.transaction(self._conn):
            epoch = stores.get(self._source, "epoch")
            if stores.get(self._conn, "epoch") != epoch:
                self._reset()
                stores.put(self._conn, "epoch", epoch)
            self._names()
            cursor = int(stores.get(self._conn, "cursor", "0"))
            last, changed = ratings.changes_after(self._source, cursor, limit)
            if changed:
                self._count(changed)
                wall_latest.take(self._conn, changed, self._leader)
                stores.put(self._conn, "cursor", last)
            return len(changed)

    def release(self, now_ms: int) -> int:
        """Releases every pool with enough closed ratings; gives how many batches that made."""
        self._forget_the_future(now_ms)
        query = f"SELECT hall, day FROM pool WHERE waiting >= {BATCH_MIN} AND waiting >= ?"  # the first for its index
        full = self._conn.execute(query, (self._batch_min,)).fetchall()
        made = 0
        for hall, day in full:
            closed = self._conn.execute(f"SELECT count(*) {_CLOSED}", (hall, day, now_ms)).fetchone()[0]
            if closed < self._batch_min:
                continue  # most of the time: asked after every press, so without a transaction
            with stores.transaction(self._conn):
                wall_released.adopt(self._conn)  # another process may have died between the two files
                made += self._release(hall, day, now_ms)
        if wall_own.release(self._conn, now_ms, self._batch_min):
            with stores.transaction(self._conn):
                wall_released.keep(self._conn, wall_released.CLERKS)
        return made

    def tell(self, **what: str | int) -> None:
        """Puts what does not come from ratings (health, heartbeat) beside the figures, in one transaction."""
        with stores.transaction(self._conn):
            for key, value in what.items():
                stores.put(self._conn, key, value)

    def reset(self) -> None:
        """Empties everything but what hall screens have already shown; the next steps fill it again."""
        with stores.transaction(self._conn):
            self._reset()

    def _forget_the_future(self, now_ms: int) -> None:
        """A clock that once stood in 2099 would fill the list of the latest for seventy years."""
        newest = wall_latest.newest_ms(self._conn)
        if newest is not None and newest > now_ms + AHEAD_MS:
            with stores.transaction(self._conn):
                wall_latest.forget_after(self._conn, now_ms + AHEAD_MS)

    def _has_all(self) -> bool:
        """Whether nothing has changed since the last step: asked after every press, so without a transaction."""
        newest, fact, led = self._source.execute(_NEWEST).fetchone()
        kept = dict(
            self._conn.execute(
                "SELECT key, value FROM meta WHERE key IN ('epoch', 'cursor', 'facts_at', 'led')"
            )
        )
        return (
            kept.get("epoch") == stores.get(self._source, "epoch")
            and int(kept.get("cursor", 0)) == newest
            and kept.get("facts_at") == fact == self._facts_at
            and kept.get("led") == led
        )

    # -- inside a transaction

    def _reset(self) -> None:
        conn = self._conn
        for table in ("meta", "tally", "latest", "unit", "staff", "pool", *wall_watch.TABLES):
            conn.execute(f"DELETE FROM {table}")
        conn.execute("DELETE FROM shown WHERE batch IS NULL")
        conn.execute("UPDATE shown SET level = 0")  # released, and not counted yet
        wall_own.forget(conn)
        stores.put(conn, "released", conn.execute("SELECT count(*) FROM shown").fetchone()[0])
        self._facts_at = -1

    def _names(self) -> None:
        _, newest, led = self._source.execute(_NEWEST).fetchone()
        told = stores.get(self._conn, "facts_at", "-1") == str(newest)
        if newest != self._facts_at or not told:
            self._name(newest)
        elif stores.get(self._conn, "led") == str(led):
            return
        wall_latest.lead(self._conn, self._leader)
        stores.put(self._conn, "led", led)

    def _leader(self, hall: str, time_ms: int) -> Leader | None:
        return signed.leader(self._source, self.roster, hall, time_ms)

    def _name(self, newest: int) -> None:
        self.roster, self._facts_at = ratings.roster_at(self._source, newest), newest
        units, staff = self.roster.units.values(), self.roster.staff.values()
        conn = self._conn
        conn.executemany(
            "INSERT OR REPLACE INTO unit VALUES (?, ?, ?, ?, ?, ?)",
            [(u.id, u.tier, u.parent, u.zh, u.en, u.tel) for u in units],
        )
        conn.executemany("INSERT OR REPLACE INTO staff VALUES (?, ?, ?)", [(s.id, s.zh, s.en) for s in staff])
        stores.put(conn, "facts_at", newest)
        stores.put(conn, "city", self._city)
        stores.put(conn, "hall_batch", self._batch_min)

    def _count(self, changed: Sequence[Rating]) -> None:
        # A first version was never seen before, unless a rebuild has kept it as released.
        kept = int(stores.get(self._conn, "released", "0")) > 0
        query = "SELECT * FROM shown WHERE box = ? AND life = ? AND seq = ?"
        kinds: Counter[Kind] = Counter()
        parts: Counter[wall_watch.Part] = Counter()
        pools: dict[tuple[str, int], int] = {}
        rows = []
        presses = 0
        for r in changed:
            day, close_ms, batch = day_of(r.time_ms), max(r.time_ms, r.at_ms) + wall_own.CLOSED_AFTER_MS, None
            if kept or r.version > 1:
                old = self._conn.execute(query, (r.box, r.life, r.seq)).fetchone()
                if old is not None:
                    was_day, _, was_hall, was_level, was_first, was_presses, _ = was = old[3:10]
                    batch = old[11]
                    if was_level:
                        kinds[was] -= 1
                        parts[r.box, was_day, old[12], was_level, was_first] -= 1
                        presses -= was_presses
                    if batch is None and was_hall:
                        pools[was_hall, was_day] = pools.get((was_hall, was_day), 0) - 1
            kind = (day, r.county, r.hall, r.level, r.first, r.presses, r.flags)
            kinds[kind] += 1
            parts[r.box, day, r.window, r.level, r.first] += 1
            presses += r.presses
            if batch is None and r.hall:
                pools[r.hall, day] = pools.get((r.hall, day), 0) + 1
            rows.append((r.box, r.life, r.seq, *kind, close_ms, batch, r.window))
        self._conn.executemany("INSERT OR REPLACE INTO shown VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)", rows)
        self._conn.executemany(_ADD, _tallies(kinds))
        self._conn.executemany(_POOL, [(*where, more) for where, more in pools.items() if more])
        wall_watch.write(self._conn, parts, changed)
        wall_own.take(self._conn, changed)
        stores.add(self._conn, "shown", presses)

    def _release(self, hall: str, day: int, now_ms: int) -> int:
        conn = self._conn
        closed = conn.execute(f"SELECT box, life, seq, level {_CLOSED}", (hall, day, now_ms)).fetchall()
        if len(closed) < self._batch_min:
            return 0
        level = [sum(row[3] == at for row in closed) for at in (1, 2, 3)]
        values = (hall, day, len(closed), *level, now_ms - now_ms % ROUND_MS)
        made = conn.execute("INSERT INTO batch VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)", values).lastrowid
        conn.executemany(
            "UPDATE shown SET batch = ? WHERE box = ? AND life = ? AND seq = ?",
            [(made, box, life, seq) for box, life, seq, _ in closed],
        )
        members = [(box, life, seq, made or 0) for box, life, seq, _ in closed]
        wall_released.keep(conn, wall_released.HALLS, members)
        conn.execute(_POOL, (hall, day, -len(closed)))
        return 1


def _tallies(kinds: Counter[Kind]) -> list[tuple[int | str, ...]]:
    """Rows to add to `tally`: what so many ratings of each kind contribute, in the order of FIELDS."""
    sums: dict[tuple[int, str, str], list[int]] = {}
    for (day, county, hall, level, first, presses, flags), times in kinds.items():
        one = counted(level, first, presses, flags)
        total = sums.setdefault((day, county, hall), list(NOTHING))
        for i, value in enumerate(one):
            total[i] += times * value
    return [(*where, *counts) for where, counts in sums.items()]
