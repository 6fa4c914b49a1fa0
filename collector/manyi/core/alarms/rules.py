"""The wall's alarms that are rules: what is silent, unacknowledged, suspicious, about to end, or full.

Every function looks at one thing and gives its alarms of this moment; wall/health.py puts them together. What cannot
change within minutes is looked at every few minutes (`Every`). Refuses to remember: since when an alarm holds is the
caller's to keep, unless the facts say it.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Generic, TypeVar

from manyi.core import checked, config, disk, metrics, stores
from manyi.core.alarms import certificates, suspicion
from manyi.core.alarms.kinds import Alarm, alarm, of_box
from manyi.core.alarms.silence import CITY, gather
from manyi.core.alarms.suspicion import Keys
from manyi.core.days import BEIJING, DAY_MS, MINUTE_MS, day_of
from manyi.core.hours import opened_ms
from manyi.core.roster.model import Roster
from manyi.core.roster.names import named
from manyi.core.workings import BROKER, DEAF, FEED, FLOOD_OVER_MS, PIPELINE, Workings
from manyi.words import many

RARELY_MS: Final = 300_000  # certificates, settings and months of presses do not change faster
PATIENCE_MS: Final = 60_000  # a link that is away so long is worth a word, and then silence of boxes is not
RED_DAYS_MS: Final = DAY_MS  # a red that nobody marked yesterday is history, and in the lists
FORK_MS: Final = 7 * DAY_MS  # a side branch counts as alive so long after its last record
FORK_KNOWN_MS: Final = DAY_MS  # who took note goes there within a day; a branch that grows after that is news

T = TypeVar("T")

_WINDOWS = """
SELECT window, sum(n), sum(d) FROM pressed WHERE day = ? AND window <> '' GROUP BY window HAVING sum(d) >= ?"""
_RATED = "SELECT window, sum(n) FROM pressed WHERE day = ? AND window <> '' GROUP BY window"
_KEYS = """
SELECT box, sum(n * (day > :since)), sum(red * (day > :since)), sum(n * (day <= :since)), sum(red * (day <= :since))
FROM pressed WHERE day BETWEEN :first AND :last GROUP BY box"""
_REDS = "SELECT hall, county, count(*), min(arrived_ms) FROM red WHERE arrived_ms BETWEEN ? AND ? GROUP BY hall, county"
_BRANCHES = """
SELECT h.box, min(f.at_ms), max(coalesce(r.at_ms, f.at_ms)) FROM head h
JOIN row f ON f.head = h.id AND f.kind <> 'record' AND f.kind = 'fork'
LEFT JOIN row r ON r.head = h.id AND r.kind = 'record' AND r.seq = h.seq
WHERE h.branch > 0 AND NOT EXISTS (SELECT 1 FROM row k
  WHERE k.head = h.id AND k.kind <> 'record' AND k.kind = 'known' AND coalesce(r.at_ms, f.at_ms) < k.at_ms + ?)
GROUP BY h.box"""

# Of two lives of a box, the older has a row after the younger's first. CROSS: in this order, never from all records.
_IN_TURN = """
SELECT old.box, min(first.at_ms), max(newest.at_ms) FROM head old
CROSS JOIN head young ON young.box = old.box AND young.branch = 0 AND young.id > old.id
CROSS JOIN row first ON first.head = young.id AND first.kind = 'record' AND first.seq = young.start
CROSS JOIN row newest ON newest.head = old.id AND newest.kind = 'record' AND newest.seq = old.seq
WHERE old.branch = 0 AND newest.id > first.id GROUP BY old.box"""


@dataclass(slots=True)
class Every(Generic[T]):
    """Looks again only after RARELY_MS."""

    look: Callable[[int], T]
    _at_ms: int = -RARELY_MS
    _seen: list[T] = field(default_factory=list)

    def get(self, now_ms: int) -> T:
        if not self._seen or not 0 <= now_ms - self._at_ms < RARELY_MS:
            self._seen, self._at_ms = [self.look(now_ms)], now_ms
        return self._seen[0]


class Rules:
    """What the rules are, and where they look. `folder`: of the data, for the disk's room; None where nobody looks."""

    def __init__(
        self,
        ledger: sqlite3.Connection,
        wall: sqlite3.Connection,
        silent_ms: int,
        alarms: config.Alarms,
        named: tuple[tuple[str, Path], ...],
        folder: Path | None,
        workings: Workings,
    ) -> None:
        self._ledger, self._wall, self._silent_ms, self._rules = ledger, wall, silent_ms, alarms
        self._folder, self._workings = folder, workings
        self._certificates = Every(lambda _: certificates.read(named))
        self._hours = Every(lambda _: _own_hours(folder))
        self._suspects = Every(self._look_at_keys)

    def look(self, roster: Roster, heard: Mapping[str, int], now_ms: int) -> list[Alarm]:
        """`heard`: every box that should be there, and its last word (0: never)."""
        minute = now_ms - now_ms % MINUTE_MS
        return [
            *self._of_service(minute, now_ms),
            *self._chain(minute),
            *self._of_certificates(minute, now_ms),
            *self._silent(roster, heard, minute, now_ms),
            *self._reds(roster, minute, now_ms),
            *self._windows(roster, minute, now_ms),
            *self._rhythm(roster, minute, now_ms),
            *self._red_keys(roster, minute, now_ms),
            *self._forks(roster, now_ms),
            *self._lives(roster, now_ms),
            *self._floods(roster, now_ms),
        ]

    def certificates(self, now_ms: int) -> list[certificates.Certificate]:
        return certificates.with_brokers(self._certificates.get(now_ms), self._workings.broker_ends_ms)

    # -- the service and its machine

    def _of_service(self, minute: int, now_ms: int) -> list[Alarm]:
        found = []
        troubles = self._workings.troubles()
        stalled, room = troubles.pop(PIPELINE, None), self._room()
        is_full = (room is not None and room.is_full) or (stalled is not None and "full" in stalled.why)
        since_ms = stalled.since_ms if stalled else 0
        if is_full:
            free = room.free // disk.MIB if room else 0
            found.append(alarm("disk_full", minute, since_ms=since_ms, free_mib=free))
        elif stalled is not None:
            found.append(alarm("stalled", minute, since_ms=since_ms, why=stalled.why))
        if room is not None and room.is_low and not is_full:
            free_gib, percent = f"{room.free / disk.GIB:.1f}", f"{room.ratio * 100:.0f}"
            found.append(alarm("disk", minute, free_gib=free_gib, percent=percent))
        for kind, part in (("broker", BROKER), ("feed", FEED)):
            away = troubles.pop(part, None)
            if away is not None and now_ms - away.since_ms >= PATIENCE_MS:
                found.append(alarm(kind, minute, since_ms=away.since_ms, why=away.why))
        for part, trouble in sorted(troubles.items()):
            if now_ms - trouble.since_ms >= PATIENCE_MS:  # a restart of InfluxDB is no alarm
                what = {"part": part, "why": trouble.why}
                found.append(alarm("projection", minute, subject=part, since_ms=trouble.since_ms, **what))
        return found

    def _room(self) -> disk.Room | None:
        try:
            found = None if self._folder is None else disk.room(self._folder)
        except OSError:
            return None
        metrics.DISK_FREE.set(found.free if found else 0)
        return found

    def _chain(self, minute: int) -> list[Alarm]:
        """What the service's check of the ledger has found; a whole check that finds nothing ends it (core/checking.py)."""
        found = None if self._folder is None else checked.read(config.Data(self._folder).checked).broken
        if found is None:
            return []
        zh, en = (f"第 {found.row} 行", f"row {found.row} is") if found.row else ("的计数", "counts are")
        return [alarm("chain", minute, since_ms=found.found_ms, where_zh=zh, where_en=en)]

    def _of_certificates(self, minute: int, now_ms: int) -> list[Alarm]:
        found = []
        for one in self.certificates(now_ms):
            days = one.days_left(now_ms)
            if one.expires_ms is None:
                zh, en = "读不出来，请核对 [certificates] 里的路径、权限和内容", f"cannot be read ({one.why})"
            elif days >= self._rules.certificate_days:
                continue
            else:
                day = datetime.fromtimestamp(one.expires_ms / 1000, UTC).astimezone(BEIJING).date()
                zh, en = f"还有 {days} 天到期（{day}）", f"ends in {many(days, 'day')} ({day})"
                if one.expires_ms <= now_ms:
                    zh, en = f"已于 {day} 到期", f"ended on {day}"
            found.append(
                alarm("certificate", minute, subject=one.name, name=one.name, what_zh=zh, what_en=en)
            )
        return found

    # -- boxes

    def _silent(self, roster: Roster, heard: Mapping[str, int], minute: int, now_ms: int) -> list[Alarm]:
        if DEAF & self._workings.troubles().keys():
            return []  # nobody can be heard: that is an alarm of its own
        open_now, silent = [], {}
        own, opened = self._hours.get(now_ms), dict[str, int | None]()
        for box, heard_ms in heard.items():
            hours = own.get(box) or self._rules.hours
            if hours not in opened:
                opened[hours] = opened_ms(hours, now_ms, workdays=self._rules.workdays)
            since_ms = opened[hours]
            if since_ms is None:
                continue
            open_now.append(box)
            last_ms = max(heard_ms, since_ms, self._workings.listening_ms)
            if now_ms - last_ms > self._silent_ms:
                silent[box] = heard_ms or last_ms
        if not silent:
            return []
        places = {box: roster.where(box, now_ms) for box in open_now}
        found = []
        for one in gather(places, silent):
            if one.unit is None:
                (box,) = one.boxes
                found.append(of_box("silent", minute, box, roster, now_ms, since_ms=one.since_ms))
                continue
            place = roster.place(one.unit[1])
            zh, en = ("全市", "The city") if one.unit == CITY else named(roster, one.unit[1])
            found.append(
                alarm("outage", minute, subject=one.unit[1], county=place.county, hall=place.hall,
                      since_ms=one.since_ms, name=zh, name_en=en, n=len(one.boxes), of=one.of)
            )  # fmt: skip
        return found

    def _forks(self, roster: Roster, now_ms: int) -> list[Alarm]:
        """A side branch that is written to stays an alarm, until somebody takes note of it (known.py)."""
        return [
            of_box("fork", newest, box, roster, now_ms, since_ms=first)
            for box, first, newest in self._ledger.execute(_BRANCHES, (FORK_KNOWN_MS,))
            if now_ms - newest < FORK_MS
        ]

    def _lives(self, roster: Roster, now_ms: int) -> list[Alarm]:
        """A clone with a journal of its own makes no fork: it is known by the box's own going on."""
        return [
            of_box("lives", newest, box, roster, now_ms, since_ms=first)
            for box, first, newest in self._ledger.execute(_IN_TURN)
            if now_ms - newest < FORK_MS
        ]

    def _floods(self, roster: Roster, now_ms: int) -> list[Alarm]:
        return [
            of_box("flood", one.last_ms, box, roster, now_ms, since_ms=one.since_ms, n=one.refused)
            for box, one in dict(self._workings.floods).items()
            if now_ms - one.last_ms < FLOOD_OVER_MS
        ]  # fmt: skip

    # -- ratings

    def _reds(self, roster: Roster, minute: int, now_ms: int) -> list[Alarm]:
        minutes = self._rules.red_minutes
        if not minutes:
            return []
        span = (now_ms - RED_DAYS_MS, now_ms - minutes * MINUTE_MS)
        found = []
        for hall, county, n, first in self._wall.execute(_REDS, span):
            zh, en = named(roster, hall)
            found.append(
                alarm("unacknowledged", minute, subject=hall, county=county, hall=hall, since_ms=first + minutes * MINUTE_MS,
                      name=zh, name_en=en, n=n, minutes=minutes)
            )  # fmt: skip
        return found

    def _windows(self, roster: Roster, minute: int, now_ms: int) -> list[Alarm]:
        percent, found = self._rules.dissatisfied_percent, []
        for window, n, d in self._wall.execute(_WINDOWS, (day_of(now_ms), suspicion.FEWEST_REDS)):
            if suspicion.is_too_many(n, d, percent):
                zh, en = named(roster, window)
                place = roster.place(window)
                found.append(
                    alarm("dissatisfied", minute, subject=window, county=place.county, hall=place.hall,
                          name=zh, name_en=en, n=n, d=d, percent=percent)
                )  # fmt: skip
        return found

    def _rhythm(self, roster: Roster, minute: int, now_ms: int) -> list[Alarm]:
        found = []
        for window, n, usual in suspicion.pressed_without_pause(
            dict(self._wall.execute(_RATED, (day_of(now_ms),)).fetchall())
        ):
            zh, en = named(roster, window)
            place = roster.place(window)
            found.append(
                alarm("rhythm", minute, subject=window, county=place.county, hall=place.hall,
                      name=zh, name_en=en, n=n, usual=usual)
            )  # fmt: skip
        return found

    def _red_keys(self, roster: Roster, minute: int, now_ms: int) -> list[Alarm]:
        days = suspicion.DAYS
        return [
            of_box("red_key", minute, box, roster, now_ms, n=n, expected=round(expected), days=days)
            for box, n, expected in self._suspects.get(now_ms)
        ]

    def _look_at_keys(self, now_ms: int) -> list[suspicion.Suspect]:
        """Of whole days: today's morning would make every box look quiet."""
        last = day_of(now_ms) - 1
        since = last - suspicion.DAYS
        days = {"last": last, "since": since, "first": since - suspicion.DAYS_BEFORE + 1}
        return suspicion.silent_reds(Keys(*row) for row in self._wall.execute(_KEYS, days))


def _own_hours(folder: Path | None) -> dict[str, str]:
    """What boxes were told by `manyi box config open=...`."""
    path = None if folder is None else config.Data(folder).orders
    if path is None or not path.exists():
        return {}
    with closing(stores.open_reader(path)) as conn:
        rows = conn.execute("SELECT box, settings FROM wanted").fetchall()
    return {box: str(json.loads(settings).get("open", "")) for box, settings in rows}
