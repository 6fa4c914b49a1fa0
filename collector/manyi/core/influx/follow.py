"""influx.db: how far InfluxDB has followed ratings.db, what it was told, and what is on its way there.

A step plans, then sends. Planning is one transaction here: the next changes become lines (zeros over a rating's old
point, its new line), the memory of every rating's point moves to the new one, the lines go to the outbox, the cursor
moves. Sending empties the outbox when InfluxDB has answered. So whatever dies in between, the lines that may have
arrived are known and come again; the same line twice is the same point.

It refuses to skip: the outbox is in order, and while InfluxDB keeps it waiting nothing else is planned. A line that
InfluxDB calls bad is set aside by name with the reason, and the rest goes on. If ratings.db begins again (epoch), or the
configuration names another bucket, or this file is new, the measurement is cleared first and all is sent again.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, assert_never

from manyi.core import stores
from manyi.core.influx import lines
from manyi.core.influx.writer import Accepted, Answer, Keep, Rejected
from manyi.core.ratings import store as ratings
from manyi.core.ratings.rating import Rating

VERSION = 1
BATCH_CHANGES = 1_000  # 300 KB of lines; a bad line among them is found in 20 further writes

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE point (box TEXT, life TEXT, seq INTEGER, at TEXT, ns INTEGER, PRIMARY KEY (box, life, seq)) WITHOUT ROWID;
CREATE TABLE outbox (id INTEGER PRIMARY KEY, lines TEXT);
CREATE TABLE aside (id INTEGER PRIMARY KEY, at_ms INTEGER, line TEXT, why TEXT)
"""


class Server(Protocol):
    """What follow needs of writer.Writer."""

    @property
    def target(self) -> str: ...
    def write(self, lines: list[str]) -> Answer: ...
    def clear(self) -> Accepted | Keep: ...


class Follow:
    """The store and its step. One thread; another process may step or rebuild the same file at the same time."""

    def __init__(
        self,
        path: Path,
        source: sqlite3.Connection,
        server: Server,
        now_ms: Callable[[], int],
        point: Callable[[Rating], str] = lines.point,
        schema: str = SCHEMA,
        version: int = VERSION,
    ) -> None:
        """`point` gives measurement and tags: lines.point, or lines.wall_point for the bucket without persons."""
        self._conn = stores.open_store(path, schema, version)
        self._source = source
        self._server = server
        self._now_ms = now_ms
        self._point = point

    def close(self) -> None:
        self._conn.close()

    def step(self) -> int | Keep:
        """Sends the next batch; gives how many changes it held (0: nothing new), or Keep if InfluxDB is not well."""
        self._same_source()
        if stores.get(self._conn, "cleared") != "1":
            answer = self._server.clear()
            if isinstance(answer, Keep):
                return answer
            with stores.transaction(self._conn):
                stores.put(self._conn, "cleared", "1")
        moved = 0
        if not self._outbox():
            moved = self._plan()
        for row_id, text in self._outbox():
            kept = self._send(row_id, text.split("\n"))
            if kept is not None:
                return kept
            moved = moved or 1
        return moved

    def reset(self) -> None:
        """Forgets everything; the next steps clear the measurement and send all again."""
        with stores.transaction(self._conn):
            self._reset()

    @property
    def aside(self) -> int:
        """How many lines InfluxDB refused."""
        return int(self._conn.execute("SELECT count(*) FROM aside").fetchone()[0])

    @property
    def lag(self) -> int:
        """Changes that are not planned yet."""
        return ratings.changes_left(self._source, stores.get(self._conn, "cursor"))

    def _same_source(self) -> None:
        now = {"epoch": stores.get(self._source, "epoch"), "target": self._server.target}
        if any(stores.get(self._conn, key) != value for key, value in now.items()):
            with stores.transaction(self._conn):
                self._reset()
                for key, value in now.items():
                    stores.put(self._conn, key, value)

    def _reset(self) -> None:
        for table in ("meta", "point", "outbox", "aside"):
            self._conn.execute(f"DELETE FROM {table}")

    def _outbox(self) -> list[tuple[int, str]]:
        return self._conn.execute("SELECT id, lines FROM outbox ORDER BY id").fetchall()

    def _plan(self) -> int:
        with stores.transaction(self._conn):
            cursor = int(stores.get(self._conn, "cursor", "0"))
            last, changed = ratings.changes_after(self._source, cursor, BATCH_CHANGES)
            if not changed:
                return 0
            out: list[str] = []
            moved: list[tuple[str, str, int, str, int]] = []
            for r in changed:
                at, ns = self._point(r), lines.time_ns(r)
                if r.version > 1:
                    out += self._take_back(r.box, r.life, r.seq, at)
                out.append(lines.line(r, at))
                moved.append((r.box, r.life, r.seq, at, ns))
            self._conn.executemany("INSERT OR REPLACE INTO point VALUES (?, ?, ?, ?, ?)", moved)
            self._conn.execute("INSERT INTO outbox VALUES (NULL, ?)", ("\n".join(out),))
            stores.put(self._conn, "cursor", last)
        return len(changed)

    def _take_back(self, box: str, life: str, seq: int, at: str) -> list[str]:
        query = "SELECT at, ns FROM point WHERE box = ? AND life = ? AND seq = ?"
        found = self._conn.execute(query, (box, life, seq)).fetchone()
        return [] if found is None or found[0] == at else [lines.zeros(*found)]

    def _send(self, row_id: int, batch: list[str]) -> Keep | None:
        answer = self._server.write(batch)
        match answer:
            case Keep():
                return answer
            case Accepted():
                bad: tuple[tuple[str, str], ...] = ()
            case Rejected():
                bad = answer.bad
            case _:
                assert_never(answer)
        with stores.transaction(self._conn):
            rows = [(self._now_ms(), line, why) for line, why in bad]
            self._conn.executemany("INSERT INTO aside VALUES (NULL, ?, ?, ?)", rows)
            self._conn.execute("DELETE FROM outbox WHERE id = ?", (row_id,))
        return None
