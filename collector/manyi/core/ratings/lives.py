"""What the fold carries from row to row of one box and life: what it knows of time, and its newest visit.

Read from ratings.db when first needed, kept in memory, written when changed. A box's next life begins where the last one
had got to. It refuses to know what either means.
"""

import sqlite3
from dataclasses import dataclass, field

import msgspec

from manyi.core.ratings.dating import Dating
from manyi.core.ratings.settle import Visit


@dataclass(slots=True)
class Life:
    """`born` is the ledger row it was first seen in: a box's lives follow each other in that order."""

    born: int
    dating: Dating = field(default_factory=Dating)
    newest: Visit | None = None


class Lives:
    """Whoever changes a Life adds its key to `changed`."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn
        self._known: dict[tuple[str, str], Life] = {}
        self.changed: set[tuple[str, str]] = set()

    def get(self, box: str, life: str, row_id: int) -> Life:
        """The life; a new one, born at `row_id`, if it was never seen."""
        found = self._known.get((box, life))
        if found is None:
            found = self._known[box, life] = self._read(box, life) or self._begin(box, life, row_id)
        return found

    def write(self) -> None:
        rows = [(*key, self._known[key].born, _state(self._known[key])) for key in self.changed]
        self._conn.executemany("INSERT OR REPLACE INTO life VALUES (?, ?, ?, ?)", rows)
        self.changed.clear()

    def _read(self, box: str, life: str) -> Life | None:
        query = "SELECT born, state FROM life WHERE box = ? AND life = ?"
        found = self._conn.execute(query, (box, life)).fetchone()
        if found is None:
            return None
        dating, newest = msgspec.msgpack.decode(found[1], type=tuple[Dating, Visit | None])
        return Life(found[0], dating, newest)

    def _begin(self, box: str, life: str, row_id: int) -> Life:
        reached_ms = max((each.dating.reached_ms for each in self._elders(box)), default=0)
        new = Life(row_id, Dating(reached_ms=reached_ms))
        # Written at once: a later life of the box looks for its elders in the table.
        self._conn.execute("INSERT INTO life VALUES (?, ?, ?, ?)", (box, life, row_id, _state(new)))
        return new

    def _elders(self, box: str) -> list[Life]:
        names = self._conn.execute("SELECT life FROM life WHERE box = ?", (box,)).fetchall()
        return [self.get(box, name, 0) for (name,) in names]


def _state(life: Life) -> bytes:
    return msgspec.msgpack.encode((life.dating, life.newest))
