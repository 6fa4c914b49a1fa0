"""Dissatisfied ratings with everything that somebody needs who answers one, in influx_red.db and the wall's bucket.

    red,county=..,township=..,hall=..,window=..,box=.. live=1i,hall_name="..",phone="..",leader="..",known=0i,... <ns>

Tags and time are those of the rating's point. A red that was corrected or moved away leaves `live=0i` behind, and one that
is marked as known is written again. Names and telephones come from the roster, leaders from it and from systems, so a
roster that changes and a leader who is told write again what they concern: a rebuild says the same. Who marked it is told
by role, or not at all: what somebody typed may be a person's name. Staff is not in it. It refuses what follow.py refuses,
and to be sent to a bucket that halls can read.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from manyi.core import stores
from manyi.core.influx import brief, lines
from manyi.core.influx.follow import BATCH_CHANGES, Follow, Server
from manyi.core.influx.lines import tag, text
from manyi.core.ratings import signed
from manyi.core.ratings import store as ratings
from manyi.core.ratings.rating import Rating
from manyi.core.ratings.settle import DISSATISFIED
from manyi.core.roster.model import Leader, Roster
from manyi.core.roster.names import named

MEASUREMENT = "red"
# 2: points with a sentence; 3: no typed name of whoever marked it; 4: sentences that fit a line; 5: halls with their county
VERSION = 5
ROOM = (12, 11)  # em that a line of the wall has for hall and window beside telephone and leader
ROOM_EN = (9, 7)  # "Not seen" and "25 minutes ago" are longer
REASONS = {1: "态度", 2: "效率", 3: "流程"}  # docs/WIRE.md, press
REASONS_EN = {1: "manner", 2: "speed", 3: "procedure"}
SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE point (box TEXT, life TEXT, seq INTEGER, at TEXT, ns INTEGER, fields TEXT,
  PRIMARY KEY (box, life, seq)) WITHOUT ROWID;
CREATE TABLE outbox (id INTEGER PRIMARY KEY, lines TEXT);
CREATE TABLE aside (id INTEGER PRIMARY KEY, at_ms INTEGER, line TEXT, why TEXT)
"""
_OLD = "SELECT at, ns, fields FROM point WHERE box = ? AND life = ? AND seq = ?"


def point(r: Rating) -> str:
    return (
        f"{MEASUREMENT},county={tag(r.county)},township={tag(r.township)},hall={tag(r.hall)}"
        f",window={tag(r.window)},box={tag(r.box)}"
    )


def fields(r: Rating, roster: Roster, leader: Leader | None) -> str:
    hall, window = roster.units.get(r.hall), roster.units.get(r.window)
    zh, en = named(roster, r.hall) if hall else ("", "")
    values = {
        "hall_name": zh, "hall_name_en": en,
        "window_name": window.zh if window else "", "window_name_en": window.en if window else "",
        "phone": hall.tel if hall else "",
        "leader": leader.zh if leader else "", "leader_phone": leader.tel if leader else "",
        "reason": REASONS.get(r.reason, ""), "known_by": r.known_role,
    }  # fmt: skip
    values |= _sentence(r, values)
    said = ",".join(f"{name}={text(value)}" for name, value in values.items())
    return (
        f"live=1i,{said},known={int(r.known_ms > 0)}i,known_ms={r.known_ms}i,flagged={1 if r.flags else 0}i"
    )


def _sentence(r: Rating, said: dict[str, str]) -> dict[str, str]:
    """All of it in one line that a wall can show large, because InfluxQL cannot join texts; long names are cut."""
    hall = said["hall_name"] or r.hall or "未分配"
    hall_en = said["hall_name_en"] or said["hall_name"] or r.hall or "Unassigned"
    window = said["window_name"] or r.window or r.box
    window_en = said["window_name_en"] or said["window_name"] or r.window or r.box
    place = f"{brief.ends(hall, ROOM[0])} {brief.head(window, ROOM[1])}"
    place_en = f"{brief.ends(hall_en, ROOM_EN[0])}, {brief.head(window_en, ROOM_EN[1])}"
    reached = " ".join(one for one in (said["phone"], said["leader"], said["leader_phone"]) if one)
    reason = said["reason"] and f"（{said['reason']}）"
    reason_en = REASONS_EN.get(r.reason, "") and f" ({REASONS_EN[r.reason]})"
    state, state_en = ("已知悉", "Seen") if r.known_ms else ("未知悉", "Not seen")
    return {
        "text_zh": f"{state}　{place}{reason}　{reached}".rstrip(),
        "text_en": f"{state_en} - {place_en}{reason_en} - {reached}".rstrip(" -"),
    }


class Reds(Follow):
    """The store and its step, as in follow.py."""

    def __init__(
        self, path: Path, source: sqlite3.Connection, server: Server, now_ms: Callable[[], int]
    ) -> None:
        super().__init__(path, source, server, now_ms, point, SCHEMA, VERSION)
        self._current = ratings.current_roster()

    def _plan(self) -> int:
        self._roster, facts_at = self._current.of(self._source), self._current.fact
        with stores.transaction(self._conn):
            cursor = int(stores.get(self._conn, "cursor", "0"))
            last, changed = ratings.changes_after(self._source, cursor, BATCH_CHANGES)
            is_renamed = stores.get(self._conn, "facts_at") != str(facts_at)
            led, spans = signed.led_after(self._source, int(stores.get(self._conn, "led", "0")))
            if not changed and not is_renamed and not spans:
                return 0
            again = self._remembered() if is_renamed else self._of_halls(spans)
            out = [line for r in (*again, *changed) for line in self._of(r)]
            for begin in range(0, len(out), BATCH_CHANGES):
                batch = "\n".join(out[begin : begin + BATCH_CHANGES])
                self._conn.execute("INSERT INTO outbox VALUES (NULL, ?)", (batch,))
            stores.put(self._conn, "cursor", last)
            stores.put(self._conn, "facts_at", facts_at)
            stores.put(self._conn, "led", led)
        return len(changed)

    def _of(self, r: Rating) -> list[str]:
        """The lines that make its point right, and the memory of it."""
        key = (r.box, r.life, r.seq)
        old = self._conn.execute(_OLD, key).fetchone()
        new = None
        if r.level == DISSATISFIED:
            leader = signed.leader(self._source, self._roster, r.hall, r.time_ms)
            new = (point(r), lines.time_ns(r), fields(r, self._roster, leader))
        if old == new:
            return []
        out = []
        if old is not None and (new is None or old[:2] != new[:2]):
            out.append(f"{old[0]} live=0i {old[1]}")
            self._conn.execute("DELETE FROM point WHERE box = ? AND life = ? AND seq = ?", key)
        if new is not None:
            out.append(f"{new[0]} {new[2]} {new[1]}")
            self._conn.execute("INSERT OR REPLACE INTO point VALUES (?, ?, ?, ?, ?, ?)", (*key, *new))
        return out

    def _of_halls(self, spans: list[signed.Span]) -> list[Rating]:
        """The reds of these halls and times that were sent, as they are now."""
        reds = {(r.box, r.life, r.seq): r for span in spans for r in ratings.reds_of(self._source, *span)}
        return [r for key, r in reds.items() if self._conn.execute(_OLD, key).fetchone()]

    def _remembered(self) -> list[Rating]:
        """Every red that was sent, as it is now."""
        keys = self._conn.execute("SELECT box, life, seq FROM point").fetchall()
        found = (ratings.one(self._source, *key) for key in keys)
        return [r for r in found if r is not None]
