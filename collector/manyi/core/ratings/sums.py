"""Ratings added up in ratings.db, beside the ratings and in their transactions: by day and window, and by hour and hall.

    day    county, township, hall, window, staff, personal   what tables of a period are made from
    hour   county, hall

A year of a city is 150,000 rows of `day` where it is two million ratings. A rating that is corrected or attributed anew is
taken out of the row that it was in and put into the one that it is in, with the write of its new version: so these sums
are at every moment those of the table `rating`. `personal` is 0 for a rating whose reason is 流程: it is nobody's.
Days and hours are Beijing's, counted from 1970. Refuses to know what a rate is.
"""

import sqlite3
from collections import Counter

from manyi.core.days import BEIJING_MS, HOUR_MS
from manyi.core.rates import FIELDS, NOTHING
from manyi.core.ratings.rating import Rating
from manyi.core.ratings.settle import FLAG_CORRECTED

REASON_PROCEDURE = 3  # docs/WIRE.md: 流程 counts for the hall and its rules, never for a person
KEYS = {
    "day": ("day", "county", "township", "hall", "window", "staff", "personal"),
    "hour": ("hour", "county", "hall"),
}


def table(name: str, where: str = "") -> str:
    """The statement that makes one of the two. `where`: "TEMP", for known_at.py."""
    keys = ", ".join(KEYS[name])
    counts = ", ".join(f"{field} INTEGER" for field in FIELDS)
    return f"CREATE {where} TABLE {name} ({keys}, {counts}, PRIMARY KEY ({keys})) WITHOUT ROWID"


def _add(name: str) -> str:
    marks = ", ".join("?" * (len(KEYS[name]) + len(FIELDS)))
    more = ", ".join(f"{field} = {field} + excluded.{field}" for field in FIELDS)
    return f"INSERT INTO {name} VALUES ({marks}) ON CONFLICT DO UPDATE SET {more}"


SCHEMA = ";\n".join(map(table, KEYS))
_ADD = {name: _add(name) for name in KEYS}

Counts = tuple[int, ...]
"""In the order of rates.FIELDS."""
Key = tuple[int | str, ...]


def counted(level: int, first: int, presses: int, flags: int) -> Counts:
    """What one rating adds."""
    return (
        1, level == 1, level == 2, level == 3, first == 1, first == 2, first == 3, flags & FLAG_CORRECTED != 0,
        presses, flags != 0,
    )  # fmt: skip


class Sums:
    """What has been added and taken out since the last write."""

    def __init__(self) -> None:
        self._kinds: Counter[tuple[tuple[int, str, str, str, str, str, int], tuple[int, int, int, int]]] = (
            Counter()
        )

    def add(self, r: Rating, times: int = 1) -> None:
        """-1: takes it out."""
        hour, personal = (r.time_ms + BEIJING_MS) // HOUR_MS, int(r.reason != REASON_PROCEDURE)
        where = (hour, r.county, r.township, r.hall, r.window, r.staff, personal)
        self._kinds[where, (r.level, r.first, r.presses, r.flags)] += times

    def write(self, conn: sqlite3.Connection) -> None:
        """Inside the transaction of the ratings."""
        sums: dict[str, dict[Key, list[int]]] = {name: {} for name in KEYS}
        for ((hour, county, township, hall, window, staff, personal), what), times in self._kinds.items():
            one = counted(*what)
            for name, key in (
                ("day", (hour // 24, county, township, hall, window, staff, personal)),
                ("hour", (hour, county, hall)),
            ):
                total = sums[name].setdefault(key, list(NOTHING))
                for at, value in enumerate(one):
                    total[at] += times * value
        self._kinds.clear()
        for name, rows in sums.items():
            conn.executemany(_ADD[name], [(*key, *more) for key, more in rows.items() if any(more)])
