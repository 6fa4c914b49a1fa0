"""Rows that no box wrote: roster and policy, and what people and other systems say. Nothing is changed or removed.

Bodies that name persons get a random `salt`, so that nobody can guess them from the digest that an export
leaves in their place.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, Final

from manyi.core import stores
from manyi.core.ledger import chain, reader

KINDS: Final = frozenset(
    {"office", "box", "placement", "staff", "duty", "cover", "leader", "business", "policy"}
)
# The last three: known.py, visits/ and duty/.
PERSONAL: Final = frozenset({"staff", "duty", "cover", "leader", "known", "visit", "signin"})
_HEAD: Final = "SELECT box, life, branch FROM head WHERE id = ?"


def append_facts(
    conn: sqlite3.Connection, at_ms: int, facts: Iterable[tuple[str, Mapping[str, Any]]]
) -> list[int]:
    """Appends all facts in one BEGIN IMMEDIATE transaction, or none; gives their row ids.

    `facts` are (kind, JSON-able mapping); kinds are KINDS. Raises ValueError for another kind, sqlite3.Error
    if the transaction fails (nothing is appended then).
    """
    bodies = [(kind, _body(kind, fact)) for kind, fact in facts]
    with stores.transaction(conn):
        return [append_row(conn, at_ms, kind, body) for kind, body in bodies]


def append_row(
    conn: sqlite3.Connection,
    at_ms: int,
    kind: str,
    body: bytes,
    head: int | None = None,
    seq: int | None = None,
) -> int:
    """One more row of the chain, inside the caller's transaction; gives its id. `head` and `seq`: of what record it speaks."""
    row_id, before = reader.tail(conn)
    row_id += 1
    box, life, branch = ("", "", 0) if head is None else conn.execute(_HEAD, (head,)).fetchone()
    link = chain.row_hash(before, (row_id, at_ms, kind, box, life, branch, seq or 0), body)
    conn.execute("INSERT INTO row VALUES (?, ?, ?, ?, ?, ?, ?)", (row_id, at_ms, kind, head, seq, body, link))
    return row_id


def salted(fact: Mapping[str, Any]) -> bytes:
    """A body that names persons."""
    return _text({**fact, "salt": secrets.token_hex(8)})


def _body(kind: str, fact: Mapping[str, Any]) -> bytes:
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is not a kind of fact")
    return salted(fact) if kind in PERSONAL else _text(fact)


def _text(fact: Mapping[str, Any]) -> bytes:
    return json.dumps(fact, ensure_ascii=False, separators=(",", ":")).encode()
