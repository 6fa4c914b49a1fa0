"""How many ratings an import would move, and from whom to whom, before anything is recorded. Only reads.

It looks at what ratings.db holds, by the rules of attribution.py; presses that still wait for a date are not
in it. The figures are those of the import itself if no rating comes in between.
"""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from manyi.core.days import day_begin
from manyi.core.ratings import signed
from manyi.core.roster.attribution import staff_of, touched
from manyi.core.roster.facts import Change
from manyi.core.roster.model import Roster

_RATINGS = """
SELECT time_ms, county, township, hall, window, staff FROM rating WHERE box = ? AND time_ms >= ?"""
_BADGE = """
SELECT badge FROM badge WHERE box = ? AND time_ms BETWEEN ? AND ?
ORDER BY time_ms DESC, life DESC, seq DESC LIMIT 1"""


class Move(NamedTuple):
    """From one window and member of staff to another; the same twice if only what is above them changes."""

    window: str
    staff: str
    to_window: str
    to_staff: str


def moves(
    conn: sqlite3.Connection, changes: Sequence[Change], before: Roster, after: Roster
) -> Counter[Move]:
    """How many ratings go which way. `conn` reads ratings.db."""
    found: Counter[Move] = Counter()
    badged = {box for (box,) in conn.execute("SELECT DISTINCT box FROM badge")}
    for box, from_ms in _concerned(conn, changes, before, after).items():
        for time_ms, *was in conn.execute(_RATINGS, (box, from_ms)):
            place = after.where(box, time_ms)
            badge: str | None = None
            if box in badged:
                row = conn.execute(_BADGE, (box, day_begin(time_ms), time_ms)).fetchone()
                badge = None if row is None else row[0]
            told = signed.who(conn, after, place.window, time_ms)
            staff = staff_of(after, place.window, time_ms, badge, told)
            if [*place, staff] != was:
                found[Move(was[3], was[4], place.window, staff)] += 1
    return found


def _concerned(
    conn: sqlite3.Connection, changes: Sequence[Change], before: Roster, after: Roster
) -> dict[str, int]:
    """From when on each box's ratings may move."""
    since: dict[str, int] = {}
    for one in touched(changes, before, after):
        if one.box:
            boxes = [(one.box, one.from_ms)]
        elif one.staff:
            spans = signed.of_staff(conn, one.staff)
            boxes = [(box, begin_ms) for window, begin_ms, _ in spans for box in after.boxes_at(window)]
        elif one.badge:
            query = "SELECT box, min(time_ms) FROM badge WHERE badge = ? GROUP BY box"
            boxes = conn.execute(query, (one.badge,)).fetchall()
        else:
            boxes = conn.execute("SELECT DISTINCT box, 0 FROM life").fetchall()
        for box, from_ms in boxes:
            since[box] = min(from_ms, since.get(box, from_ms))
    return since
