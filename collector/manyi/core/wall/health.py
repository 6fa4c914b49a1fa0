"""What the wall says besides ratings: boxes online, the account, alarms. Made from the ledger, kept in wall.db.

Every alarm that holds is in it: who sees a part of the city finds what is theirs, and InfluxDB says that none is over that
holds; how many a picture shows is the office's business. Refuses to look healthy by default: a box without a word is silent,
presses without a date are named, and a wall that has taken in everything and still shows another sum than the ledger
stores does not add up.
"""

import json
import sqlite3
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manyi.core import account, config, fleet, metrics, stores, workdays
from manyi.core.account import Account
from manyi.core.alarms.kinds import Alarm, alarm, in_order, of_box
from manyi.core.alarms.rules import Rules
from manyi.core.days import date_of, day_begin
from manyi.core.ledger import reader
from manyi.core.ratings import signed
from manyi.core.ratings.store import undated_presses
from manyi.core.roster.model import Roster
from manyi.core.roster.names import named
from manyi.core.workings import Workings

ALARM_MS = 86_400_000  # what happened is an alarm for a day; then it is history, and in the ledger
MINUTE_MS = 60_000
EVENTS = frozenset({"loss", "break", "badge", "clock", "keytest"})  # each time is one of its own
# The newest of one kind and box; all are in the ledger. So there are no more alarms than boxes and places can have, and no
# box can push out those of others.
EVENTS_MOST = 5
UNTESTED_MS = 3_600_000  # the test begins with the day's first badge, or within the minute after it (docs/decisions/006)
BOXES_NAMED = 5  # within one line
# A backlog of half a county's boxes is work in progress; more than a few seconds' is worth a word.
BEHIND_ROWS = 5_000
CALENDAR_AHEAD_MS = 14 * 86_400_000  # the notice comes in November; an update takes a city some days
OFF_TIMES = 3  # looks in a row with another sum before it is called a mismatch: the stores are read one after the other

_OLDEST_CHANGE = """
SELECT r.at_ms FROM change c JOIN rating r USING (box, life, seq) WHERE c.id > ? ORDER BY c.id LIMIT 1"""
_OF_LATE = """
SELECT kind, box, at_ms, detail FROM (
  SELECT max(id) AS id, kind, box, at_ms, detail, row_number() OVER (PARTITION BY kind, box ORDER BY max(id) DESC) AS nth
  FROM alarm WHERE at_ms > ? AND kind <> 'fork' GROUP BY kind, box, detail)
WHERE nth <= ? ORDER BY id DESC"""
_SIGNED = """
SELECT b.box, coalesce(t.time_ms, 0) >= :begin OR min(b.time_ms) > :late FROM badge b INDEXED BY badge_time
LEFT JOIN tested t ON t.box = b.box WHERE b.time_ms >= :begin AND b.badge <> '' GROUP BY b.box ORDER BY b.box"""
_KEYS = (("满意", "green"), ("基本满意", "yellow"), ("不满意", "red"))


@dataclass(frozen=True, slots=True)
class Progress:
    """How far figures have followed: rows not taken in yet, presses shown, presses that wait for a date,
    and for a newer program."""

    behind: int
    shown: int
    undated: int
    unread: int
    """Presses in records of a format that this program does not read yet."""


def progress(ledger: sqlite3.Connection, source: sqlite3.Connection, wall: sqlite3.Connection) -> Progress:
    return Progress(
        sum(behind(ledger, source, wall).values()),
        int(stores.get(wall, "shown", "0")),
        undated_presses(source),
        int(stores.get(source, "unread_presses", "0")),
    )


def behind(
    ledger: sqlite3.Connection, source: sqlite3.Connection, wall: sqlite3.Connection
) -> dict[str, int]:
    """Rows and changes that ratings and wall have not taken in."""
    rows = reader.tail(ledger)[0] - int(stores.get(source, "cursor", "0"))
    newest = source.execute("SELECT coalesce(max(id), 0) FROM change").fetchone()[0]
    return {"ratings": rows, "wall": newest - int(stores.get(wall, "cursor", "0"))}


def live_lag_ms(
    ledger: sqlite3.Connection, source: sqlite3.Connection, wall: sqlite3.Connection, now_ms: int
) -> int:
    """How old the oldest row is that the wall has not taken in; 0: it has all."""
    waiting = reader.rows_after(ledger, int(stores.get(source, "cursor", "0")), 1)
    oldest = waiting[0].at_ms if waiting else None
    change = source.execute(_OLDEST_CHANGE, (int(stores.get(wall, "cursor", "0")),)).fetchone()
    if change is not None:
        oldest = change[0]
    return 0 if oldest is None else max(0, now_ms - oldest)


class Health:
    """Looks from time to time; remembers how often in a row the sums were off, and since when each alarm holds."""

    def __init__(
        self,
        ledger: sqlite3.Connection,
        source: sqlite3.Connection,
        wall: sqlite3.Connection,
        silent_ms: int,
        *,
        alarms: config.Alarms = config.Alarms(),  # noqa: B008  # frozen
        certificates: tuple[tuple[str, Path], ...] = (),
        folder: Path | None = None,
        workings: Workings | None = None,
    ) -> None:
        """`folder` is that of the data: its disk is watched, and the boxes' own hours are read there."""
        self._ledger, self._source, self._wall, self._silent_ms = ledger, source, wall, silent_ms
        self._off = 0
        self._memory = account.Memory()
        self._rules = Rules(ledger, wall, silent_ms, alarms, certificates, folder, workings or Workings())
        self._since: dict[tuple[str, str], int] | None = None

    def look(self, roster: Roster, now_ms: int) -> dict[str, Any]:
        """`boxes`, `account` and `alarms` of the wall's snapshot."""
        far = progress(self._ledger, self._source, self._wall)
        found = account.read(self._ledger, now_ms, self._silent_ms, self._memory)
        total = found.total
        rated = total.stored - total.forked
        is_off = far.behind == 0 and far.shown + far.undated + far.unread != rated
        self._off = self._off + 1 if is_off else 0
        boxes, heard = self._boxes(roster, now_ms)
        for feed, rows in behind(self._ledger, self._source, self._wall).items():
            metrics.BEHIND.labels(feed).set(rows)
        metrics.LIVE_LAG.set(live_lag_ms(self._ledger, self._source, self._wall, now_ms))
        alarms = in_order(
            self._now(roster, found, far, rated, now_ms)
            + self._rules.look(roster, heard, now_ms)
            + self._of_late(roster, now_ms)
        )
        return {
            "boxes": boxes,
            "account": {
                "pressed": total.pressed, "stored": total.stored, "waiting": total.waiting, "lost": total.lost,
                "unknown": total.unknown, "forked": total.forked, "undated": far.undated, "unread": far.unread,
                "shown": far.shown, "ok": found.ok and self._off < OFF_TIMES,
            },
            "alarms": self._dated(alarms),
        }  # fmt: skip

    def _dated(self, alarms: list[Alarm]) -> list[Alarm]:
        """One alarm for a kind and subject, each with the time since when it holds, over restarts too."""
        if self._since is None:
            told = json.loads(stores.get(self._wall, "health", "{}")).get("alarms", [])
            self._since = {(a["kind"], a["subject"]): a["since_ms"] for a in told if "since_ms" in a}
        known, self._since, out = self._since, {}, []
        times = Counter[tuple[str, str]]()
        for a in alarms:
            key = a["kind"], a["subject"]
            a["since_ms"] = a["since_ms"] or known.get(key, a["time_ms"])
            if times[key] < (EVENTS_MOST if a["kind"] in EVENTS else 1):
                out.append(a)
            times[key] += 1
            self._since.setdefault(key, a["since_ms"])
        return out

    def _boxes(self, roster: Roster, now_ms: int) -> tuple[dict[str, Any], dict[str, int]]:
        """For the wall, and the last word of every box that hangs at a window: nobody misses one in store."""
        found = fleet.look(self._ledger, roster, now_ms, self._silent_ms)
        counted = {name: box for name, box in found.items() if box.counted}
        silent = [name for name, box in counted.items() if not box.online]
        told = {"online": len(counted) - len(silent), "known": len(counted), "silent": silent}
        return told, {name: box.heard_ms for name, box in found.items() if box.placed}

    def _now(self, roster: Roster, found: Account, far: Progress, rated: int, now_ms: int) -> list[Alarm]:
        # what still holds carries the minute, so that not every look is news
        minute = now_ms - now_ms % MINUTE_MS
        alarms = [of_box("account", minute, line.box, roster, now_ms) for line in found.lines if not line.ok]
        if self._off >= OFF_TIMES:
            alarms.append(alarm("shown", minute, n=far.shown + far.undated, of=rated))
        if far.behind > BEHIND_ROWS:
            alarms.append(alarm("behind", minute, n=far.behind))
        alarms += self._of_boxes(roster, minute, now_ms) + self._badges(roster, now_ms)
        alarms += self._untested(roster, minute, now_ms)
        unknown = signed.unknown(self._source, roster, now_ms - ALARM_MS)
        alarms += [
            alarm("signin", minute, subject=source, source=source, n=n, which=which)
            for source, (n, which) in unknown.items()
        ]
        if far.undated:
            alarms.append(alarm("undated", minute, n=far.undated))
        unread = int(stores.get(self._source, "unread", "0"))
        if unread:
            alarms.append(alarm("update", minute, n=unread))
        soon = date_of(now_ms + CALENDAR_AHEAD_MS).year
        if not workdays.is_known(soon):
            alarms.append(alarm("calendar", minute, year=soon))
        return alarms

    def _of_boxes(self, roster: Roster, minute: int, now_ms: int) -> list[Alarm]:
        """What the newest beats of boxes that are not silent complain of."""
        query = (
            "SELECT box, stuck, config, max(at_ms) FROM beat WHERE at_ms > ? GROUP BY box"
            " HAVING stuck <> 0 OR config LIKE '!%' ORDER BY box"
        )
        alarms: list[Alarm] = []
        for box, stuck, settings, _ in self._ledger.execute(query, (now_ms - self._silent_ms,)):
            down = [names for bit, names in enumerate(_KEYS) if stuck >> bit & 1]
            if down:
                zh, en = ("、".join(n[0] for n in down), ", ".join(n[1] for n in down))
                alarms.append(of_box("stuck", minute, box, roster, now_ms, keys=zh, keys_en=en))
            if settings.startswith("!"):
                alarms.append(of_box("config", minute, box, roster, now_ms))
        return alarms

    def _badges(self, roster: Roster, now_ms: int) -> list[Alarm]:
        """Badges of the last day that nobody holds. Once the roster says whose one is, the alarm is gone."""
        query = (
            "SELECT box, badge, max(time_ms) FROM badge INDEXED BY badge_time WHERE time_ms > ? AND badge <> ''"
            " GROUP BY box, badge ORDER BY 3 DESC"
        )
        rows = self._source.execute(query, (now_ms - ALARM_MS,)).fetchall()
        return [
            of_box("badge", at_ms, box, roster, now_ms, since_ms=at_ms, badge=badge)
            for box, badge, at_ms in rows
            if not roster.holder(badge)
        ]

    def _untested(self, roster: Roster, minute: int, now_ms: int) -> list[Alarm]:
        """Halls in which a box was signed in at today and no key test came to its end: a dead key may not be noticed there."""
        halls: dict[str, list[tuple[str, bool]]] = {}
        span = {"begin": day_begin(now_ms), "late": now_ms - UNTESTED_MS}
        for box, is_well in self._source.execute(_SIGNED, span):
            halls.setdefault(roster.where(box, now_ms).hall, []).append((box, bool(is_well)))
        found = []
        for hall, boxes in halls.items():
            missing = [box for box, is_well in boxes if not is_well]
            if missing:
                zh, en = named(roster, hall)
                said = " ".join(missing[:BOXES_NAMED]) + (" …" if len(missing) > BOXES_NAMED else "")
                found.append(
                    alarm("untested", minute, subject=hall, county=roster.place(hall).county, hall=hall, name=zh,
                          name_en=en, n=len(missing), of=len(boxes), boxes=said)
                )  # fmt: skip
        return found

    def _of_late(self, roster: Roster, now_ms: int) -> list[Alarm]:
        """What rows of the ledger said of themselves. A fork holds until somebody takes note: alarms/rules.py."""
        rows = self._source.execute(_OF_LATE, (now_ms - ALARM_MS, EVENTS_MOST)).fetchall()
        return [
            of_box(kind, at_ms, box, roster, at_ms, since_ms=at_ms, lost=_lost(detail))
            for kind, box, at_ms, detail in rows
        ]


def _lost(detail: str) -> list[int]:
    try:
        lost = json.loads(detail)["lost"]
        return [int(lost[0]), int(lost[1]), int(lost[2])]
    except (ValueError, KeyError, TypeError, IndexError):
        return [0, 0, 0]
