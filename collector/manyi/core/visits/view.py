"""Visits of today on the wall: told by the projector beside the figures, read with them. Pure but for reading visits.db.

    visits   in wall.db's meta: {"day": n, "halls": {hall: [visits, rated, surplus]}}, known halls alone

Refuses to show yesterday's as today's, and a rate over windows whose visits nobody tells.
"""

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from manyi.core.days import day_begin, day_of
from manyi.core.roster.model import Roster
from manyi.core.visits.store import Counts, added, of_day


def told(conn: sqlite3.Connection, roster: Roster, now_ms: int) -> str:
    """What wall.db keeps. `conn` reads visits.db."""
    halls: dict[str, list[Counts]] = {}
    for window, counts in of_day(conn, day_begin(now_ms)).items():
        halls.setdefault(roster.place(window).hall, []).append(counts)
    sums = {hall: added(each) for hall, each in sorted(halls.items())}
    return json.dumps({"day": day_of(now_ms), "halls": sums})


def of_today(text: str, day: int) -> dict[str, Counts]:
    """By hall; nothing if what was told is of another day."""
    found = json.loads(text or "{}")
    if found.get("day") != day:
        return {}
    return {hall: Counts(*counts) for hall, counts in found["halls"].items()}


def shown(known: Iterable[Counts | None]) -> dict[str, Any]:
    """What a tally gains: of the halls that are known; nothing if none is."""
    counts = added(one for one in known if one is not None)
    if not counts.visits:
        return {}
    return {
        "visits": counts.visits,
        "unrated": counts.unrated,
        "surplus": counts.surplus,
        "rating_rate": round(counts.rate, 6),
    }
