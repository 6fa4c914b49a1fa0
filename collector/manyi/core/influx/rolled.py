"""influx_rollup.db: ratings added up per 5 minutes and day, and which of these cells InfluxDB has yet to hear.

    ratings.db ─▶ fold: cells, memory and cursor in one transaction ─▶ dirty cells ─▶ send, one sender a bucket

The dirty mark is the outbox: a cell that changes ten times while the server is away is sent once, as it is then. A
rating that changes, moves or comes late changes the cells it was in and the ones it is in; both are dirty. A cell is
sent whole, so sending it again is harmless. It refuses to let a server that is away hold the adding up, or one
bucket the other. `day` says at which change a day's cells last changed, for compared.py, which reads this file.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import assert_never

from manyi.core import stores
from manyi.core.influx import rollup
from manyi.core.influx.follow import Server
from manyi.core.influx.rollup import Cell, Kind
from manyi.core.influx.writer import Accepted, Keep, Rejected
from manyi.core.rates import FIELDS
from manyi.core.ratings import store as ratings

VERSION = 3
STEP_CHANGES = 2_000  # about 50 ms of work
BATCH_CELLS = 2_000  # 500 KB of lines at most
GAP_MS = 1_000  # between two sendings while ratings trickle in: a busy window's cell is sent once, not for each press

_KIND = ",".join(f"{name} {'TEXT' if t is str else 'INTEGER'}" for name, t in Kind.__annotations__.items())
_COUNTS = ",".join(f"{name} INTEGER" for name in FIELDS)
SCHEMA = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE seen (box TEXT, life TEXT, seq INTEGER, {_KIND}, PRIMARY KEY (box, life, seq)) WITHOUT ROWID;
CREATE TABLE cell (name TEXT, tags TEXT, begin_ms INTEGER, {_COUNTS}, revision INTEGER, dirty INTEGER,
  PRIMARY KEY (name, tags, begin_ms)) WITHOUT ROWID;
CREATE INDEX cell_dirty ON cell(name) WHERE dirty = 1;
CREATE TABLE day (day_ms INTEGER PRIMARY KEY, changed INTEGER);
CREATE TABLE aside (id INTEGER PRIMARY KEY, at_ms INTEGER, line TEXT, why TEXT)
"""
_ADD = (
    f"INSERT INTO cell VALUES (?, ?, ?, {','.join('?' * len(FIELDS))}, 1, 1) ON CONFLICT DO UPDATE SET "
    + ", ".join(f"{name} = {name} + excluded.{name}" for name in FIELDS)
    + ", revision = revision + 1, dirty = 1"
)
# By its index, said aloud: SQLite would take the key, and walk past a year of cells that were sent long ago.
_OUT = "FROM cell INDEXED BY cell_dirty WHERE name = ? AND dirty = 1"
_DIRTY = f"SELECT name, tags, begin_ms, revision, {','.join(FIELDS)} {_OUT} LIMIT ?"
_WAITING = f"SELECT count(*) {_OUT}"
_CHANGED = "INSERT INTO day VALUES (?, ?) ON CONFLICT DO UPDATE SET changed = excluded.changed"
# If somebody else has changed the cell meanwhile, even sent it, what was sent here may have overtaken that: once more.
_SENT = "UPDATE cell SET dirty = (revision <> ?) WHERE name = ? AND tags = ? AND begin_ms = ?"
_SEEN = f"INSERT OR REPLACE INTO seen VALUES (?, ?, ?, {','.join('?' * len(Kind._fields))})"
_WAS = f"SELECT {','.join(Kind._fields)} FROM seen WHERE box = ? AND life = ? AND seq = ?"


class Rolled:
    """The store. One thread; another process may fold, send or rebuild the same file at the same time."""

    def __init__(self, path: Path, source: sqlite3.Connection, now_ms: Callable[[], int]) -> None:
        self._conn = stores.open_store(path, SCHEMA, VERSION)
        self._source = source
        self.now_ms = now_ms

    def close(self) -> None:
        self._conn.close()

    def fold(self) -> int:
        """Takes in the next changes; gives how many ratings they concern. 0: nothing new."""
        epoch = stores.get(self._source, "epoch")
        cursor = int(stores.get(self._conn, "cursor", "0"))
        newest = self._source.execute("SELECT coalesce(max(id), 0) FROM change").fetchone()[0]
        if epoch == stores.get(self._conn, "epoch") and newest == cursor:
            return 0
        with stores.transaction(self._conn):
            if epoch != stores.get(self._conn, "epoch"):
                self._reset(epoch)
            last, changed = ratings.changes_after(
                self._source, int(stores.get(self._conn, "cursor", "0")), STEP_CHANGES
            )
            kinds: Counter[Kind] = Counter()
            rows = []
            for r in changed:
                key, now = (r.box, r.life, r.seq), rollup.kind(r)
                if r.version > 1 and (was := self._conn.execute(_WAS, key).fetchone()) is not None:
                    kinds[Kind(*was)] -= 1
                kinds[now] += 1
                rows.append((*key, *now))
            added = rollup.cells(kinds)
            self._conn.executemany(_ADD, [(*cell, *counts) for cell, counts in added.items()])
            self._conn.executemany(
                _CHANGED, {(begin_ms, last) for name, _, begin_ms in added if name == rollup.DAY}
            )
            self._conn.executemany(_SEEN, rows)
            stores.put(self._conn, "cursor", last)
        return len(changed)

    def reset(self) -> None:
        """Forgets everything; it is added up again, and sent again to buckets that are cleared first."""
        with stores.transaction(self._conn):
            self._reset("")

    @property
    def generation(self) -> str:
        """Another one after each reset."""
        return stores.get(self._conn, "generation")

    @property
    def aside(self) -> int:
        """How many lines InfluxDB refused."""
        return int(self._conn.execute("SELECT count(*) FROM aside").fetchone()[0])

    @property
    def lag(self) -> int:
        """Changes that are not added up yet."""
        return ratings.changes_left(self._source, stores.get(self._conn, "cursor"))

    def waiting(self, name: str) -> int:
        """Cells that the bucket has yet to hear."""
        return int(self._conn.execute(_WAITING, (name,)).fetchone()[0])

    def is_cleared(self, name: str, target: str) -> bool:
        """Whether the bucket was cleared for this generation."""
        return stores.get(self._conn, f"cleared {name}") == target

    def cleared(self, name: str, target: str) -> None:
        with stores.transaction(self._conn):
            self._conn.execute("UPDATE cell SET dirty = 1 WHERE name = ?", (name,))
            stores.put(self._conn, f"cleared {name}", target)

    def dirty(self, name: str) -> list[tuple[Cell, int, tuple[int, ...]]]:
        """The next cells to send: (cell, revision, counts)."""
        found = self._conn.execute(_DIRTY, (name, BATCH_CELLS)).fetchall()
        return [(row[:3], row[3], row[4:]) for row in found]

    def sent(self, cells: list[tuple[Cell, int, tuple[int, ...]]], bad: tuple[tuple[str, str], ...]) -> None:
        with stores.transaction(self._conn):
            rows = [(self.now_ms(), line, why) for line, why in bad]
            self._conn.executemany("INSERT INTO aside VALUES (NULL, ?, ?, ?)", rows)
            self._conn.executemany(_SENT, [(revision, *cell) for cell, revision, _ in cells])

    def _reset(self, epoch: str) -> None:
        for table in ("meta", "seen", "cell", "day", "aside"):
            self._conn.execute(f"DELETE FROM {table}")
        stores.put(self._conn, "epoch", epoch)
        stores.put(self._conn, "generation", stores.new_epoch())


class Sender:
    """Brings the cells of one measurement into one bucket."""

    def __init__(self, rolled: Rolled, name: str, server: Server, gap_ms: int = GAP_MS) -> None:
        self._rolled, self._name, self._server, self._gap_ms = rolled, name, server, gap_ms
        self._sent_ms = 0

    def step(self) -> int | Keep:
        """Folds what is new; once nothing is, sends. Gives how much moved (0: nothing to do now), or Keep."""
        if moved := self._rolled.fold():
            return moved
        if not self._rolled.is_cleared(self._name, self._server.target):
            answer = self._server.clear()
            if isinstance(answer, Keep):
                return answer
            self._rolled.cleared(self._name, self._server.target)
        now_ms = self._rolled.now_ms()
        if 0 <= now_ms - self._sent_ms < self._gap_ms:
            return 0
        generation, cells = self._rolled.generation, self._rolled.dirty(self._name)
        if not cells:
            return 0
        kept = self._send(cells)
        if kept is not None:
            return kept
        if self._rolled.generation != generation:
            self._rolled.reset()  # somebody began again meanwhile: what was sent here must not stay
        if len(cells) < BATCH_CELLS:
            self._sent_ms = now_ms
        return len(cells)

    def reset(self) -> None:
        self._rolled.reset()
        self._sent_ms = 0

    def _send(self, cells: list[tuple[Cell, int, tuple[int, ...]]]) -> Keep | None:
        batch = [line for cell, _, counts in cells for line in rollup.lines(cell, counts)]
        answer = self._server.write(batch)
        match answer:
            case Keep():
                return answer
            case Accepted():
                self._rolled.sent(cells, ())
            case Rejected():
                self._rolled.sent(cells, answer.bad)
            case _:
                assert_never(answer)
        return None
