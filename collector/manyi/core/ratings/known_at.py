"""ratings.db as it was known at an earlier row of the ledger, for the tables of one period; and what was put right since.

A version is known from its ledger row on. `stand_at` puts tables of the same names before today's, on one connection:
whoever reads `rating`, `day` or `hour` on it then reads that day's figures with the code of today's. They are sums by the
projector's own rule: today's, without what came later, with what it superseded. Refuses to write to the file.
"""

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from manyi.core.days import BEIJING_MS, DAY_MS, HOUR_MS
from manyi.core.ratings import sums
from manyi.core.ratings.rating import COLUMNS, Rating

_NAMES = ", ".join(COLUMNS)
# What somebody else than the visitor changes.
_ANEW = ("county", "township", "hall", "window", "staff", "time_ms")
_SUPERSEDED = f"""
SELECT {_NAMES} FROM main.version v WHERE time_ms >= :begin AND time_ms < :end AND row_id <= :row
AND version = (SELECT max(version) FROM main.version o
  WHERE o.box = v.box AND o.life = v.life AND o.seq = v.seq AND o.row_id <= :row)
AND NOT EXISTS (SELECT 1 FROM main.rating r
  WHERE r.box = v.box AND r.life = v.life AND r.seq = v.seq AND r.row_id <= :row)"""
_STILL = f"SELECT {_NAMES} FROM main.rating WHERE row_id <= :row"
_LATER = f"SELECT {_NAMES} FROM main.rating WHERE time_ms >= :begin AND time_ms < :end AND row_id > :row"
EVER = 2**62


def as_of(conn: sqlite3.Connection, row_id: int) -> list[Rating]:
    """Every rating as it was known at this row of the ledger, oldest first."""
    told = {"row": row_id, "begin": -EVER, "end": EVER}
    query = f"{_STILL} UNION ALL {_SUPERSEDED} ORDER BY time_ms, box, life, seq"
    return [Rating(*row) for row in conn.execute(query, told)]


def stand_at(conn: sqlite3.Connection, row_id: int, begin_ms: int, end_ms: int) -> None:
    """`conn`, a reader of ratings.db, knows from now on what was known at that row, of the period alone: whole Beijing
    days. It stays in one transaction, so that everything it reads is of one moment.
    """
    conn.execute("BEGIN")
    told = {"row": row_id, "begin": begin_ms, "end": end_ms}
    conn.execute(f"CREATE TEMP TABLE superseded AS {_SUPERSEDED}", told)
    delta = sums.Sums()
    for times, query in ((-1, _LATER), (1, f"SELECT {_NAMES} FROM temp.superseded")):
        for row in conn.execute(query, told):
            delta.add(Rating(*row), times)
    for name, unit_ms in (("day", DAY_MS), ("hour", HOUR_MS)):
        conn.execute(sums.table(name, "TEMP"))
        conn.execute(
            f"INSERT INTO temp.{name} SELECT * FROM main.{name} WHERE {name} >= ? AND {name} < ?",
            ((begin_ms + BEIJING_MS) // unit_ms, (end_ms + BEIJING_MS) // unit_ms),
        )
    delta.write(conn)
    conn.execute(
        f"CREATE TEMP VIEW rating AS {_STILL.replace(':row', str(int(row_id)))}"  # a view takes no parameters
        f" UNION ALL SELECT {_NAMES} FROM temp.superseded"
    )


class Anew(NamedTuple):
    """A rating that was attributed or dated anew: as it was, and as it then became."""

    was: Rating
    now: Rating


def anew(
    conn: sqlite3.Connection, condition: str, values: list[str | int], limit: int, offset: int = 0
) -> Iterator[Anew]:
    """What was put right of the ratings that meet the condition (of figures.Part) as they became; newest first."""
    terms = " OR ".join(f"o.{name} IS NOT n.{name}" for name in _ANEW)
    both = ", ".join(f"{side}.{name}" for side in "on" for name in COLUMNS)
    found = " UNION ALL ".join(
        f"SELECT {both}, n.row_id AS made, n.time_ms AS given FROM version o JOIN"
        f" (SELECT {_NAMES} FROM {table} WHERE version > 1 AND {condition}) n"
        f" USING (box, life, seq) WHERE n.version = o.version + 1 AND ({terms})"
        for table in ("rating", "version")
    )
    order = "ORDER BY made DESC, given DESC, n.box, n.life, n.seq LIMIT ? OFFSET ?"
    width = len(COLUMNS)
    for row in conn.execute(f"{found} {order}", (*values, *values, limit, offset)):
        yield Anew(Rating(*row[:width]), Rating(*row[width : 2 * width]))
