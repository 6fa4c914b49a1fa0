"""What projections and checks read from the ledger. Refuses to write.

A cursor is the id of the last row seen. With one writer at a time (SQLite) ids become visible in order, so a
cursor never passes a row that is still to come.
"""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from manyi.core.ledger import chain

_ROWS = """
SELECT row.id, row.at_ms, row.kind, coalesce(head.box, ''), coalesce(head.life, ''), coalesce(head.branch, 0),
       coalesce(row.seq, 0), row.body, row.hash
FROM row LEFT JOIN head ON head.id = row.head WHERE row.id > ? ORDER BY row.id LIMIT ?"""


class Row(NamedTuple):
    """One row of the ledger. A row of the roster has box and life "", branch and seq 0.

    kind `record`: body = packed 53 | tag before 8 | tag 8 (record.split); seq its own.
    kind `loss`: body JSON {"from", "to", "lost":[s,b,d]}; seq = from.
    kind `break`: body JSON {"have", "prev"} (tags, hex); seq of the record after it.
    kind `fork`: body JSON {"of" branch, "have" tag or "", "got" tag}; seq and branch of the new branch's
    first record.
    kind `setback`: body JSON {"had", "hash", "at_ms", "stands"}: the ledger was found set back (root.py).
    kind `known`: body JSON {"box", "life", "seq", "by", "account", "role", "at_ms", "salt"} (known.py); seq of the rating.
    kind `visit`: body JSON {"source", "visits", "salt"} (visits/report.py), of no box.
    kind `signin`: body JSON {"source", "stays", "salt"} (duty/stay.py), of no box.
    Other kinds: body JSON, a fact of the roster.
    """

    id: int
    at_ms: int
    kind: str
    box: str
    life: str
    branch: int
    seq: int
    body: bytes
    hash: bytes = b""

    def follows(self, before: bytes) -> bool:
        """Whether this is what was written after the row with that hash."""
        return self.hash == chain.row_hash(before, self[:7], self.body)


def rows_after(conn: sqlite3.Connection, row_id: int, limit: int) -> list[Row]:
    """The next `limit` rows after `row_id` (0 for the beginning), in order."""
    return [Row._make(r) for r in conn.execute(_ROWS, (row_id, limit))]


def tail(conn: sqlite3.Connection) -> tuple[int, bytes]:
    """(id, hash) of the newest row; (0, 32 zero bytes) of an empty ledger."""
    found = conn.execute("SELECT id, hash FROM row ORDER BY id DESC LIMIT 1").fetchone()
    return (found[0], found[1]) if found else (0, bytes(32))
