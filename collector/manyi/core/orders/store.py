"""orders.db: what is wanted of each box. The command line writes, the service reads and sends.

Not a ledger: it says what somebody wanted, never what happened. What happened is the box's beat, reply and state.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from manyi.core import stores
from manyi.core.orders.settings import Settings

VERSION: Final = 1
SCHEMA: Final = """
CREATE TABLE wanted (box TEXT PRIMARY KEY, id TEXT NOT NULL, at_ms INTEGER NOT NULL, settings TEXT NOT NULL);
CREATE TABLE command (n INTEGER PRIMARY KEY AUTOINCREMENT, box TEXT NOT NULL, boot INTEGER NOT NULL,
  what TEXT NOT NULL, arg TEXT NOT NULL, at_ms INTEGER NOT NULL);
CREATE TABLE stream (id TEXT PRIMARY KEY, box TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE counter (n INTEGER PRIMARY KEY AUTOINCREMENT);
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID
"""
KEEP: Final = 1000  # commands remembered; the newest streams, one a box


@dataclass(frozen=True, slots=True)
class Wanted:
    box: str
    id: str
    at_ms: int
    settings: Settings


@dataclass(frozen=True, slots=True)
class Command:
    n: int
    box: str
    boot: int
    do: str
    arg: str
    at_ms: int

    @property
    def id(self) -> str:
        return f"k{self.n}"


class Orders:
    """One connection; one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._conn = stores.open_store(path, SCHEMA, VERSION)

    def close(self) -> None:
        self._conn.close()

    def want(self, box: str, settings: Settings, now_ms: int) -> Wanted:
        with stores.transaction(self._conn):
            n = self._conn.execute("INSERT INTO counter DEFAULT VALUES").lastrowid
            new = Wanted(box, f"c{n}", now_ms, settings)
            body = json.dumps(settings)
            self._conn.execute(
                "INSERT OR REPLACE INTO wanted VALUES (?, ?, ?, ?)", (box, new.id, now_ms, body)
            )
        return new

    def wanted(self) -> dict[str, Wanted]:
        rows = self._conn.execute("SELECT box, id, at_ms, settings FROM wanted ORDER BY box")
        return {box: Wanted(box, id_, at_ms, json.loads(body)) for box, id_, at_ms, body in rows}

    def command(
        self, box: str, boot: int, do: str, now_ms: int, stream: bytes = b"", version: str = ""
    ) -> Command:
        """`stream`: the firmware that an update brings."""
        arg = f"{version} {len(stream)}" if stream else ""
        with stores.transaction(self._conn):
            values = (box, boot, do, arg, now_ms)
            n = self._conn.execute("INSERT INTO command VALUES (NULL, ?, ?, ?, ?, ?)", values).lastrowid
            assert n is not None
            made = Command(n, *values)
            if stream:
                self._conn.execute("DELETE FROM stream WHERE box = ?", (box,))
                self._conn.execute("INSERT INTO stream VALUES (?, ?, ?)", (made.id, box, stream))
            self._conn.execute("DELETE FROM command WHERE n <= ?", (n - KEEP,))
        return made

    def commands(self, since_ms: int) -> list[Command]:
        query = "SELECT n, box, boot, what, arg, at_ms FROM command WHERE at_ms >= ? ORDER BY n"
        return [Command(*row) for row in self._conn.execute(query, (since_ms,))]

    def piece(self, box: str, id_: str, at: int, size: int) -> bytes:
        """Bytes of a stream; b"" past its end or if there is none."""
        query = "SELECT substr(body, ?, ?) FROM stream WHERE id = ? AND box = ?"
        found = self._conn.execute(query, (at + 1, size, id_, box)).fetchone()
        return b"" if found is None else bytes(found[0])
