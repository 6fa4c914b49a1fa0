"""What wall.db keeps for alarms: ratings per window, box and day, and the reds that nobody has marked as known.

It follows the same changes as the tallies, in the same transaction: what a rating last contributed is taken back before
it contributes again. wall/health.py reads it. Refuses to judge, and to keep who pressed or who sat there.
"""

import sqlite3
from collections import Counter
from collections.abc import Sequence

from manyi.core.ratings.rating import Rating
from manyi.core.ratings.settle import DISSATISFIED

SCHEMA = """
CREATE TABLE pressed (day INTEGER, window TEXT, box TEXT, n INTEGER, d INTEGER, red INTEGER,
  PRIMARY KEY (day, window, box)) WITHOUT ROWID;
CREATE TABLE red (box TEXT, life TEXT, seq INTEGER, arrived_ms INTEGER, county TEXT, hall TEXT,
  PRIMARY KEY (box, life, seq)) WITHOUT ROWID;
CREATE INDEX red_waits ON red(arrived_ms)
"""
TABLES = ("pressed", "red")
_ADD = (
    "INSERT INTO pressed VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
    "n = n + excluded.n, d = d + excluded.d, red = red + excluded.red"
)

Part = tuple[str, int, str, int, int]
"""What of a rating is watched: box, day, window, level, level of the first press."""


def write(conn: sqlite3.Connection, parts: Counter[Part], changed: Sequence[Rating]) -> None:
    """Inside the wall's transaction. `parts`: how often each is added (less than none: taken back)."""
    rows = [
        (day, window, box, times, times * (level == DISSATISFIED), times * (DISSATISFIED in (level, first)))
        for (box, day, window, level, first), times in parts.items()
        if times
    ]
    conn.executemany(_ADD, rows)
    waits = [r for r in changed if r.level == DISSATISFIED and not r.known_ms]
    over = [(r.box, r.life, r.seq) for r in changed if r.level != DISSATISFIED or r.known_ms]
    conn.executemany("DELETE FROM red WHERE box = ? AND life = ? AND seq = ?", over)
    conn.executemany(
        "INSERT OR REPLACE INTO red VALUES (?, ?, ?, ?, ?, ?)",
        [(r.box, r.life, r.seq, r.time_ms + r.latency_ms, r.county, r.hall) for r in waits],
    )
