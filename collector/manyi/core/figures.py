"""Figures of a period, from ratings.db: by place, person, day, hour; and the ratings themselves. Reads only.

What is counted is what the wall counts (rates.FIELDS), over the ratings as they are known now: sums of the tables that
ratings.sums keeps, so that a year of a city is a matter of tenths of a second. A rating belongs to the Beijing day of its
first press and to the place and person it was attributed to, not to where its box stands today. It refuses to drop what
nobody could attribute: that is the id "". And sums of anything but whole days.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from manyi.core.days import BEIJING_MS, DAY_MS, HOUR_MS
from manyi.core.rates import FIELDS
from manyi.core.ratings.rating import COLUMNS, Rating
from manyi.core.ratings.settle import DISSATISFIED, FLAG_CORRECTED
from manyi.core.ratings.sums import Counts

# What figures can be told apart by, in each table of sums.
_BY = {
    "day": {name: name for name in ("county", "township", "hall", "window", "staff", "day")},
    "hour": {"county": "county", "hall": "hall", "day": "hour / 24", "hour": "hour % 24"},
}
_SUMS = ", ".join(f"sum({name})" for name in FIELDS)
_NAMES = ", ".join(COLUMNS)

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
    """Without those whose reason is 流程: they are nobody's. Of sums alone."""

    def where(self) -> tuple[str, list[str | int]]:
        """As SQL over ratings: a condition and its values."""
        terms, values = self._places()
        if self.level is not None:
            terms.append(
                f"level = {self.level:d}"
            )  # in full, so that SQLite sees that the index of the reds will do
        if self.corrected:
            terms.append(f"flags & {FLAG_CORRECTED} <> 0")
        return " AND ".join(["time_ms >= ?", "time_ms < ?", *terms]), [self.begin_ms, self.end_ms, *values]

    def of_sums(self, table: str) -> tuple[str, list[str | int]]:
        """The same over `day` or `hour`. Raises ValueError for what they do not know: half a day, a level."""
        span = [time_ms + BEIJING_MS for time_ms in (self.begin_ms, self.end_ms)]
        if any(ms % DAY_MS for ms in span) or self.level is not None or self.corrected:
            raise ValueError("sums are of whole days and all levels")
        if table == "hour" and (self.personal or self.staff is not None):
            raise ValueError("nobody's hours are told")
        terms, values = self._places()
        if self.personal:
            terms.append("personal = 1")
        unit = DAY_MS if table == "day" else HOUR_MS
        return " AND ".join([f"{table} >= ?", f"{table} < ?", *terms]), [
            *(ms // unit for ms in span),
            *values,
        ]

    def _places(self) -> tuple[list[str], list[str | int]]:
        chosen = {"county": self.county, "hall": self.hall, "staff": self.staff}
        told = {name: value for name, value in chosen.items() if value is not None}
        return [f"{name} = ?" for name in told], list(told.values())


def sums(conn: sqlite3.Connection, part: Part, by: Sequence[str] = ()) -> dict[Key, Counts]:
    """Counts in the order of rates.FIELDS for each combination of `by` that has ratings. `conn` reads ratings.db."""
    table = "hour" if "hour" in by else "day"
    condition, values = part.of_sums(table)
    keys = ", ".join(_BY[table][name] for name in by)
    query = f"SELECT {keys + ', ' if by else ''}{_SUMS} FROM {table} WHERE {condition}"
    if by:
        query += f" GROUP BY {keys}"
    rows = conn.execute(query, values).fetchall()
    split = len(by)
    return {row[:split]: row[split:] for row in rows if row[split]}


def number(conn: sqlite3.Connection, part: Part) -> int:
    """How many ratings the part has."""
    return sums(conn, part).get((), (0,))[0]


def listed(conn: sqlite3.Connection, part: Part, limit: int, offset: int = 0) -> list[Rating]:
    """The ratings themselves, newest first."""
    condition, values = part.where()
    query = (
        f"SELECT {_NAMES} FROM rating WHERE {condition}"
        " ORDER BY time_ms DESC, box, life, seq LIMIT ? OFFSET ?"
    )
    return [Rating(*row) for row in conn.execute(query, (*values, limit, offset))]


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
