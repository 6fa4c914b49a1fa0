"""Rows that no box wrote: the roster and the policy. Each append is a transaction of its own; nothing is
changed or removed.

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
PERSONAL: Final = frozenset(
    {
        "staff",
        "duty",
        "cover",
        "leader",
        "known",
        "visit",
        "signin",
    }  # the last three are known.py's, visits' and duty's
)


def append_facts(
    conn: sqlite3.Connection, at_ms: int, facts: Iterable[tuple[str, Mapping[str, Any]]]
) -> list[int]:
    """Appends all facts in one BEGIN IMMEDIATE transaction, or none; gives their row ids.

    `facts` are (kind, JSON-able mapping); kinds are KINDS. Raises ValueError for another kind, sqlite3.Error
    if the transaction fails (nothing is appended then).
    """
    bodies = [(kind, _body(kind, fact)) for kind, fact in facts]
    with stores.transaction(conn):
        row_id, before = reader.tail(conn)
        first = row_id + 1
        for kind, body in bodies:
            row_id += 1
            before = chain.row_hash(before, (row_id, at_ms, kind, "", "", 0, 0), body)
            conn.execute(
                "INSERT INTO row VALUES (?, ?, ?, NULL, NULL, ?, ?)", (row_id, at_ms, kind, body, before)
            )
    return list(range(first, row_id + 1))


def _body(kind: str, fact: Mapping[str, Any]) -> bytes:
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is not a kind of fact")
    salted = {**fact, "salt": secrets.token_hex(8)} if kind in PERSONAL else fact
    return json.dumps(salted, ensure_ascii=False, separators=(",", ":")).encode()
