"""Figures of a period, added up from ratings.db: by place, person, day, hour; and the ratings themselves. Reads only.

What is counted is what the wall counts (rates.FIELDS), over the ratings as they are known now. A rating belongs to the
Beijing day of its first press and to the place and person it was attributed to, not to where its box stands today. It
refuses to drop what nobody could attribute: that is the id "".
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from manyi.core.rates import FIELDS
from manyi.core.ratings.rating import COLUMNS, Rating
from manyi.core.ratings.settle import DISSATISFIED, FLAG_CORRECTED
from manyi.core.roster.attribution import BEIJING_MS, DAY_MS

HOUR_MS = 3_600_000
REASON_PROCEDURE = 3  # docs/WIRE.md: 流程 counts for the hall and its rules, never for a person

# What figures can be told apart by. Beijing's days and hours: the zone has had no summer time since 1991.
BY = {
    "county": "county",
    "township": "township",
    "hall": "hall",
    "window": "window",
    "staff": "staff",
    "day": f"(time_ms + {BEIJING_MS}) / {DAY_MS}",
    "hour": f"(time_ms + {BEIJING_MS}) / {HOUR_MS} % 24",
    "box": "box",
}
_COUNTED = {
    "n": "count(*)",
    "s": "sum(level = 1)",
    "b": "sum(level = 2)",
    "d": "sum(level = 3)",
    "first_s": "sum(first = 1)",
    "first_b": "sum(first = 2)",
    "first_d": "sum(first = 3)",
    "corrected": f"sum(flags & {FLAG_CORRECTED} <> 0)",
    "presses": "sum(presses)",
    "flagged": "sum(flags <> 0)",
}
_SUMS = ", ".join(_COUNTED[name] for name in FIELDS)
_NAMES = ", ".join(COLUMNS)

Counts = tuple[int, ...]
Key = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """Which ratings: of a period (`end_ms` is outside), and of places. None: all; "" is 未分配, and 未签到 for staff."""

    begin_ms: int
    end_ms: int
    county: str | None = None
    hall: str | None = None
    staff: str | None = None
    level: int | None = None
    corrected: bool = False
    """Only those that were changed from dissatisfied to better (改评)."""
    personal: bool = False
    """Without those whose reason is 流程: they are nobody's."""

    def where(self) -> tuple[str, list[str | int]]:
        """As SQL: a condition and its values."""
        terms, values = ["time_ms >= ?", "time_ms < ?"], list[str | int]([self.begin_ms, self.end_ms])
        for column, value in (
            ("county", self.county),
            ("hall", self.hall),
            ("staff", self.staff),
            ("level", self.level),
        ):
            if value is not None:
                terms.append(f"{column} = ?")
                values.append(value)
        if self.corrected:
            terms.append(f"flags & {FLAG_CORRECTED} <> 0")
        if self.personal:
            terms.append(f"reason <> {REASON_PROCEDURE}")
        return " AND ".join(terms), values


def sums(conn: sqlite3.Connection, part: Part, by: Sequence[str] = ()) -> dict[Key, Counts]:
    """Counts in the order of rates.FIELDS for each combination of `by` that has ratings. `conn` reads ratings.db."""
    condition, values = part.where()
    keys = ", ".join(BY[name] for name in by)
    query = f"SELECT {keys + ', ' if by else ''}{_SUMS} FROM rating WHERE {condition}"
    if by:
        query += f" GROUP BY {keys}"
    rows = conn.execute(query, values).fetchall()
    split = len(by)
    return {row[:split]: row[split:] for row in rows if row[split]}


def number(conn: sqlite3.Connection, part: Part) -> int:
    """How many ratings the part has."""
    condition, values = part.where()
    return int(conn.execute(f"SELECT count(*) FROM rating WHERE {condition}", values).fetchone()[0])


def listed(conn: sqlite3.Connection, part: Part, limit: int, offset: int = 0) -> list[Rating]:
    """The ratings themselves, newest first."""
    condition, values = part.where()
    query = (
        f"SELECT {_NAMES} FROM rating WHERE {condition}"
        " ORDER BY time_ms DESC, box, life, seq LIMIT ? OFFSET ?"
    )
    return [Rating(*row) for row in conn.execute(query, (*values, limit, offset))]


def one(conn: sqlite3.Connection, box: str, life: str, seq: int) -> Rating | None:
    """A rating as it is now."""
    query = f"SELECT {_NAMES} FROM rating WHERE box = ? AND life = ? AND seq = ?"
    found = conn.execute(query, (box, life, seq)).fetchone()
    return None if found is None else Rating(*found)


def known_late(conn: sqlite3.Connection, part: Part) -> tuple[int, int]:
    """Of the dissatisfied ratings of a part: (how many, how many nobody has marked as known)."""
    condition, values = part.where()
    query = f"SELECT count(*), coalesce(sum(known_ms = 0), 0) FROM rating WHERE {condition} AND level = {DISSATISFIED}"
    found = conn.execute(query, values).fetchone()
    return int(found[0]), int(found[1])


def visited(conn: sqlite3.Connection, begin_ms: int, end_ms: int) -> dict[str, tuple[int, int, int, int]]:
    """(visits, rated, surplus, days) of each window whose visits are known in the period. `conn` reads visits.db."""
    query = (
        "SELECT window, sum(visits), sum(rated), sum(surplus), count(*) FROM day"
        " WHERE day_ms >= ? AND day_ms < ? GROUP BY window"
    )
    return {row[0]: row[1:] for row in conn.execute(query, (begin_ms, end_ms))}
