"""The newest ratings of each hall, in wall.db: the wall of the city, of a county and of a hall each finds its own newest there.
A dissatisfied one with who led the hall at its time, because that is who is called.

It refuses to keep more than LATEST of a hall: the newest of any set of halls are among those.
"""

from __future__ import annotations

import heapq
import json
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Final

from manyi.core.ratings.rating import Rating
from manyi.core.ratings.settle import DISSATISFIED
from manyi.core.roster.model import Leader

LATEST: Final = 20  # the wall's list
SCHEMA: Final = """
CREATE TABLE latest (id TEXT PRIMARY KEY, time_ms INTEGER, county TEXT, hall TEXT, body TEXT, red INTEGER,
  leader TEXT, leader_tel TEXT) WITHOUT ROWID;
CREATE INDEX latest_newest ON latest(time_ms);
CREATE INDEX latest_of ON latest(county, hall, time_ms);
CREATE INDEX latest_hall ON latest(hall, time_ms)"""
_AGAIN: Final = """
UPDATE latest SET time_ms = ?2, county = ?3, hall = ?4, body = ?5, red = ?6, leader = ?7, leader_tel = ?8 WHERE id = ?1"""
_TRIM: Final = """
DELETE FROM latest WHERE county = ?1 AND hall = ?2 AND id NOT IN (
  SELECT id FROM latest WHERE county = ?1 AND hall = ?2 ORDER BY time_ms DESC, id DESC LIMIT ?3)"""

Led = Callable[[str, int], Leader | None]
"""Who leads a hall at a time."""

Place = tuple[str, str]
"""County and hall of a rating; ("", "") is what the roster does not place."""


def rating_id(r: Rating) -> str:
    """A rating's identity as one text."""
    return f"{r.box}/{r.life}/{r.seq}"


def take(conn: sqlite3.Connection, changed: Sequence[Rating], led: Led) -> None:
    """Takes in changed ratings, within the caller's transaction."""
    places: dict[Place, list[Rating]] = {}
    for r in changed:
        places.setdefault((r.county, r.hall), []).append(r)
    rows, again = [], []
    for own in places.values():
        newest = heapq.nlargest(LATEST, own, key=lambda r: r.time_ms)
        rows += [_row(r, led) for r in newest]
        if len(own) > LATEST:
            taken = {id(r) for r in newest}
            again += [_row(r, led) for r in own if r.version > 1 and id(r) not in taken]
    # A listed rating that has moved or has another time now must not stay as it was.
    conn.executemany(_AGAIN, again)
    conn.executemany("INSERT OR REPLACE INTO latest VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    conn.executemany(_TRIM, [(*place, LATEST) for place in places])


def lead(conn: sqlite3.Connection, led: Led) -> None:
    """Says anew who led, after the roster or a system has told another."""
    reds = conn.execute("SELECT id, hall, time_ms FROM latest WHERE red = 1").fetchall()
    conn.executemany(
        "UPDATE latest SET leader = ?, leader_tel = ? WHERE id = ?",
        [(*_called(led(hall, time_ms)), rating) for rating, hall, time_ms in reds],
    )


def forget_after(conn: sqlite3.Connection, moment_ms: int) -> None:
    """Drops what is dated later than that."""
    conn.execute("DELETE FROM latest WHERE time_ms > ?", (moment_ms,))


def newest_ms(conn: sqlite3.Connection) -> int | None:
    found: int | None = conn.execute("SELECT max(time_ms) FROM latest").fetchone()[0]
    return found


def _row(r: Rating, led: Led) -> tuple[str | int, ...]:
    red = r.level == DISSATISFIED
    leader = _called(led(r.hall, r.time_ms) if red else None)
    body = json.dumps(_entry(r), separators=(",", ":"))
    return rating_id(r), r.time_ms, r.county, r.hall, body, int(red), *leader


def _called(leader: Leader | None) -> tuple[str, str]:
    return (leader.zh, leader.tel) if leader else ("", "")


def _entry(r: Rating) -> dict[str, Any]:
    return {
        "level": r.level, "first_level": r.first, "presses": r.presses, "prompted": bool(r.prompted),
        "county": r.county, "hall": r.hall, "window": r.window, "staff": r.staff, "box": r.box,
        "version": r.version, "dated": r.dated, "known_ms": r.known_ms, "known_by": r.known_by,
        "known_role": r.known_role,
    }  # fmt: skip
