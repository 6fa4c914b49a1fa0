"""Which boxes count, and which of them are online: one answer for the wall, for InfluxDB and for the tables.

counted   it hangs at a window by the roster; or it speaks; or it has spoken and the roster does not know it. One that the
          roster has in store and that is silent is missed by nobody.
online    the broker's last word of it is not its end, and it was heard within the time after which silence counts.
heard     its newest beat, or its greeting; a broker's word that it is gone is no word of its own.

Pure but for `look`. Refuses to call a box healthy that has not spoken.
"""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from manyi.core.roster.model import Roster


class Box(NamedTuple):
    """`heard_ms`: 0 if it never spoke."""

    heard_ms: int
    online: bool
    placed: bool
    counted: bool


def look(ledger: sqlite3.Connection, roster: Roster, now_ms: int, silent_ms: int) -> dict[str, Box]:
    """Every box that has spoken or that the roster has, by id."""
    beats = dict(ledger.execute("SELECT box, max(at_ms) FROM beat GROUP BY box").fetchall())
    states = {box: said for box, *said in ledger.execute("SELECT box, at_ms, online FROM state")}
    known = roster.boxes
    found = {}
    for box in sorted(beats.keys() | states.keys() | known):
        place = roster.where(box, now_ms)
        found[box] = judge(
            beats.get(box, 0), states.get(box), is_placed=bool(place.window), is_known=box in known, now_ms=now_ms,
            silent_ms=silent_ms,
        )  # fmt: skip
    return found


def judge(
    beat_ms: int, state: list[int] | None, *, is_placed: bool, is_known: bool, now_ms: int, silent_ms: int
) -> Box:
    """`state`: when the broker last spoke of it, and whether it is there."""
    at_ms, is_there = state or (0, 1)
    heard_ms = max(at_ms, beat_ms) if is_there else beat_ms
    online = bool(is_there) and heard_ms > 0 and now_ms - heard_ms <= silent_ms
    return Box(heard_ms, online, is_placed, is_placed or online or not is_known)
