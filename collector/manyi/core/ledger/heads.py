"""The `head` table to and from ingest.Head. Refuses to decide anything."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from manyi.core.ledger.ingest import Head

_COLUMNS: Final = (
    "branch, start, seq, tag, n_s, n_b, n_d, n0_s, n0_b, n0_d, stored_s, stored_b, stored_d, "
    "lost_s, lost_b, lost_d, forgot_s, forgot_b, forgot_d"
)
OF_LIFE: Final = f"SELECT id, {_COLUMNS} FROM head WHERE box = ? AND life = ? ORDER BY branch"
ALL: Final = f"SELECT box, life, id, {_COLUMNS} FROM head ORDER BY box, id"
_INSERT: Final = f"INSERT INTO head (box, life, {_COLUMNS}) VALUES ({', '.join('?' * 21)})"
_UPDATE: Final = f"UPDATE head SET ({_COLUMNS}) = ({', '.join('?' * 19)}) WHERE id = ?"


def of_life(conn: sqlite3.Connection, box: str, life: str) -> list[Head]:
    """The branches of one life, main first."""
    return [head(r) for r in conn.execute(OF_LIFE, (box, life))]


def lives(conn: sqlite3.Connection, box: str) -> int:
    """How many lives of the box have rows."""
    found = conn.execute("SELECT count(DISTINCT life) FROM head WHERE box = ?", (box,)).fetchone()
    return int(found[0])


def all_heads(conn: sqlite3.Connection) -> list[tuple[str, str, Head]]:
    """(box, life, head) of everything; the lives of a box in the order in which they were first seen."""
    return [(r[0], r[1], head(r[2:])) for r in conn.execute(ALL)]


def save(conn: sqlite3.Connection, box: str, life: str, head: Head) -> int:
    """Writes a head; gives its id (new if it was 0)."""
    values = (
        head.branch, head.start, head.seq, head.tag, *head.n, *head.n0, *head.stored, *head.lost,
        *head.forgot,
    )  # fmt: skip
    if head.id:
        conn.execute(_UPDATE, (*values, head.id))
        return head.id
    made = conn.execute(_INSERT, (box, life, *values)).lastrowid
    assert made is not None
    return made


def head(r: tuple[Any, ...]) -> Head:
    """What OF_LIFE gives, or ALL after box and life."""
    return Head(r[0], r[1], r[2], r[3], r[4], r[5:8], r[8:11], r[11:14], r[14:17], r[17:20])
