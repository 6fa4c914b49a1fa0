"""influx_compare.db: which points of baseline, profile and ranking InfluxDB was told, and what they were made from.

    influx_rollup.db ─▶ items whose mark is not what it was ─▶ their points ─▶ only what differs ─▶ day_bucket

An item is a unit's past (its baseline and profile) or a day's lists (its ranking). Its mark says from what it was made:
the day it is for, how often the days it looks at have changed, which roster. So a late record or a correction makes
again what it concerns, and a start nothing. What was told is remembered only when InfluxDB has answered, so a batch
that may have been lost is made again; the same point twice is the same point.

With the day, the three measurements are cleared and told anew: they are about today, and of ranking the last month.
It works in slices, because it shares a thread with the live figures, and it refuses to look at today's ratings for
anything but the ranking.
"""

import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import assert_never

from manyi.core import stores, workdays
from manyi.core.influx import compare, rollup
from manyi.core.influx.compare import Named, Point
from manyi.core.influx.follow import Server
from manyi.core.influx.writer import Accepted, Keep, Rejected
from manyi.core.ledger.reader import Row
from manyi.core.roster.model import Roster

VERSION = 1
LOOK_MS = 30_000  # between two looks for what has changed: a ranking is not a live figure
PAST_MS = 600_000  # between two looks at the past: a county's backlog changes it all the time for hours
SLICE_S = 0.05  # of one step's work before it sends
BATCH_POINTS = 2_000
RANKED_DAYS = 31  # whose lists are kept: the last month's
PAST_TIERS = ("tier=city", "tier=county,", "tier=hall,")
NO_DAY = -1

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE item (item TEXT PRIMARY KEY, mark TEXT) WITHOUT ROWID;
CREATE TABLE told (item TEXT, at TEXT, ns INTEGER, digest BLOB, PRIMARY KEY (item, at, ns)) WITHOUT ROWID;
CREATE TABLE aside (id INTEGER PRIMARY KEY, at_ms INTEGER, line TEXT, why TEXT)
"""
_TAGS = "SELECT min(tags) FROM cell WHERE name = ? AND tags > ?"
_FIRST = "SELECT begin_ms FROM cell WHERE name = ? AND tags = ? AND n > 0 ORDER BY begin_ms LIMIT 1"
_HALVES = """
SELECT (begin_ms - ?) / 1800000, sum(n), sum(s), sum(b), sum(d) FROM cell
WHERE name = ? AND tags = ? AND begin_ms >= ? AND begin_ms < ? AND n > 0 GROUP BY 1"""
_HOURS = """
SELECT begin_ms / 3600000, sum(n), sum(d) FROM cell
WHERE name = ? AND tags = ? AND begin_ms >= ? AND begin_ms < ? AND n > 0 GROUP BY 1"""
_DAYS = "SELECT begin_ms, n, s, b FROM cell WHERE name = ? AND tags = ? AND begin_ms >= ? AND begin_ms < ?"

Sums = Mapping[tuple[str, str], Mapping[date, tuple[int, ...]]]


class Compared:
    """The store and its step. One thread; another process may step or rebuild the same file at the same time."""

    def __init__(
        self, path: Path, rolled: sqlite3.Connection, source: sqlite3.Connection, server: Server,
        now_ms: Callable[[], int], gap_ms: int = LOOK_MS,
    ) -> None:  # fmt: skip
        """`rolled` reads influx_rollup.db, `source` ratings.db. `gap_ms` 0: everything at once, as for a rebuild."""
        self._conn = stores.open_store(path, SCHEMA, VERSION, synchronous="NORMAL")
        self._rolled, self._source, self._server = rolled, source, server
        self._now_ms, self._gap_ms = now_ms, gap_ms
        self._past_gap_ms = PAST_MS if gap_ms else 0
        self._looked_ms = self._past_ms = 0
        self._due: deque[tuple[str, str]] = deque()
        self._today = date.min
        self._lists: tuple[str, Sums, dict[str, list[Named]]] = ("", {}, {})
        self._facts_at, self._roster = NO_DAY, Roster.from_facts(())

    def close(self) -> None:
        self._conn.close()

    def step(self) -> int | Keep:
        """Looks if it is time, then works off a slice of what is due. Gives how many items (0: nothing now), or Keep."""
        now_ms = self._now_ms()
        if not self._due:
            if 0 <= now_ms - self._looked_ms < self._gap_ms:
                return 0
            if isinstance(answer := self._begin(workdays.date_of(now_ms)), Keep):
                return answer
            self._due.extend(self._look(now_ms))
            self._looked_ms = now_ms
        return self._work() if self._due else 0

    def reset(self) -> None:
        """Forgets everything; the next steps clear the measurements and tell all again."""
        with stores.transaction(self._conn):
            self._forget("", "")
        self._due.clear()
        self._looked_ms = self._past_ms = 0

    @property
    def aside(self) -> int:
        """How many lines InfluxDB refused."""
        return int(self._conn.execute("SELECT count(*) FROM aside").fetchone()[0])

    def _begin(self, today: date) -> Keep | None:
        """Clears the bucket if what it holds is of another day, or of another bucket."""
        self._today = today
        day, target = today.isoformat(), self._server.target
        if (stores.get(self._conn, "day"), stores.get(self._conn, "target")) == (day, target):
            return None
        if isinstance(answer := self._server.clear(), Keep):
            return answer
        with stores.transaction(self._conn):
            self._forget(day, target)
        self._past_ms = 0
        return None

    def _forget(self, day: str, target: str) -> None:
        for table in ("meta", "item", "told"):
            self._conn.execute(f"DELETE FROM {table}")
        for key, value in (("day", day), ("target", target), ("generation", stores.new_epoch())):
            stores.put(self._conn, key, value)

    # -- what is due

    def _look(self, now_ms: int) -> Iterable[tuple[str, str]]:
        """Items whose mark is not what it was, with their new marks."""
        self._names()
        changed = dict(self._rolled.execute("SELECT day_ms, changed FROM day"))
        today_ms = workdays.begin_ms(self._today)
        marks: dict[str, str] = {}
        born = stores.get(self._rolled, "generation")
        if not 0 <= now_ms - self._past_ms < self._past_gap_ms:
            self._past_ms = now_ms
            past = max((c for d, c in changed.items() if d < today_ms), default=0)
            marks |= {f"past {tags}": f"{born} {past}" for tags in self._units(rollup.SHORT, PAST_TIERS)}
        lists = max(changed.values(), default=0)
        if self._lists[0] != (mark := f"{self._today} {born} {lists} {self._facts_at}"):
            self._lists = (mark, self._sums(today_ms), self._ranked())
        for back in range(RANKED_DAYS):
            day = self._today - timedelta(days=back)
            until = workdays.begin_ms(day)
            since = workdays.begin_ms(day - timedelta(days=max(compare.PERIODS.values()) - 1))
            newest = max((c for d, c in changed.items() if since <= d <= until), default=0)
            marks[f"lists {day.isoformat()}"] = f"{born} {newest} {self._facts_at}"
        had = dict(self._conn.execute("SELECT item, mark FROM item"))
        if self._past_ms == now_ms:  # a unit that is no more, because ratings.db began again
            marks |= {item: "gone" for item in had if item.startswith("past ") and item not in marks}
        return [(item, mark) for item, mark in marks.items() if had.get(item) != mark]

    def _units(self, name: str, tiers: tuple[str, ...]) -> list[str]:
        """Every unit's tags, by leaps through the index: it holds thousands of cells of each."""
        found = []
        for tier in tiers:
            at = tier[:-1]
            while (at := self._rolled.execute(_TAGS, (name, at)).fetchone()[0] or "").startswith(tier):
                found.append(at)
        return found

    def _names(self) -> None:
        newest = self._source.execute("SELECT coalesce(max(id), 0) FROM fact").fetchone()[0]
        if newest != self._facts_at:
            rows = self._source.execute(
                "SELECT id, at_ms, kind, body FROM fact WHERE id <= ? ORDER BY id", (newest,)
            )
            self._roster = Roster.from_facts(
                Row(i, at, kind, "", "", 0, 0, body) for i, at, kind, body in rows
            )
            self._facts_at = newest

    def _ranked(self) -> dict[str, list[Named]]:
        """Counties and halls of the roster, rated or not. 未分配 is not a unit and has no place."""
        found: dict[str, list[Named]] = {"county": [], "hall": []}
        for unit in self._roster.units.values():
            if unit.tier == "county":
                found["county"].append(Named(unit.id, "", unit.zh, unit.en))
            elif unit.tier == "hall":
                found["hall"].append(Named(self._roster.place(unit.id).county, unit.id, unit.zh, unit.en))
        return found

    def _sums(self, today_ms: int) -> Sums:
        """n, s, b of every county and hall on each day that a list may look at."""
        back = timedelta(days=RANKED_DAYS + max(compare.PERIODS.values()))
        since, until = workdays.begin_ms(self._today - back), today_ms + 1
        found: dict[tuple[str, str], dict[date, tuple[int, ...]]] = {}
        for tags in self._units(rollup.DAY, PAST_TIERS[1:]):
            at = dict(part.split("=", 1) for part in tags.split(","))
            days = found.setdefault((at["county"], at.get("hall", "")), {})
            for begin_ms, *counts in self._rolled.execute(_DAYS, (rollup.DAY, tags, since, until)):
                day = workdays.date_of(begin_ms)
                days[day] = tuple(a + b for a, b in zip(days.get(day, (0, 0, 0)), counts, strict=True))
        return found

    # -- doing it

    def _work(self) -> int | Keep:
        generation = stores.get(self._conn, "generation")
        began = time.monotonic()
        done: list[tuple[str, str]] = []
        news: list[tuple[str, Point]] = []
        for item, mark in self._due:
            news += [(item, point) for point in self._news(item)]
            done.append((item, mark))
            if len(news) >= BATCH_POINTS or time.monotonic() - began > SLICE_S:
                break
        bad: tuple[tuple[str, str], ...] = ()
        if news:
            answer = self._server.write([point.line for _, point in news])
            match answer:
                case Keep():
                    return answer
                case Accepted():
                    pass
                case Rejected():
                    bad = answer.bad
                case _:
                    assert_never(answer)
        with stores.transaction(self._conn):
            if stores.get(self._conn, "generation") == generation:  # else somebody cleared meanwhile
                self._tell(done, news, bad)
        for _ in done:
            self._due.popleft()
        return len(done)

    def _tell(
        self, done: list[tuple[str, str]], news: list[tuple[str, Point]], bad: tuple[tuple[str, str], ...]
    ) -> None:
        rows = [(item, p.at, p.ns, _digest(p)) for item, p in news]
        self._conn.executemany("INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?)", rows)
        self._conn.executemany("INSERT OR REPLACE INTO item VALUES (?, ?)", done)
        aside = [(self._now_ms(), line, why) for line, why in bad]
        self._conn.executemany("INSERT INTO aside VALUES (NULL, ?, ?, ?)", aside)

    def _news(self, item: str) -> list[Point]:
        """The item's points that InfluxDB was not told, and zeros over those that are no more."""
        what, of = item.split(" ", 1)
        points = self._past(of) if what == "past" else self._list(date.fromisoformat(of))
        query = "SELECT at, ns, digest FROM told WHERE item = ?"
        told = {(at, ns): digest for at, ns, digest in self._conn.execute(query, (item,))}
        news = [p for p in points if told.pop((p.at, p.ns), b"") != _digest(p)]
        gone = [compare.zeros(at, ns) for at, ns in told]
        return news + [p for p in gone if told[p.at, p.ns] != _digest(p)]

    def _past(self, tags: str) -> list[Point]:
        today, name = self._today, rollup.SHORT
        found = self._rolled.execute(_FIRST, (name, tags)).fetchone()
        if found is None:
            return []
        first = workdays.date_of(found[0])
        like = [day for day in workdays.like(today) if day >= first]
        halves: dict[int, list[int]] = {}
        for day in like:
            at = workdays.begin_ms(day)
            for half, *counts in self._rolled.execute(_HALVES, (at, name, tags, at, at + 86_400_000)):
                had = halves.setdefault(half, [0, 0, 0, 0])
                halves[half] = [a + b for a, b in zip(had, counts, strict=True)]
        since = workdays.begin_ms(today - timedelta(weeks=compare.WEEKS))
        hours = []
        for hour, n, d in self._rolled.execute(_HOURS, (name, tags, since, workdays.begin_ms(today))):
            at = hour * compare.HOUR_MS
            hours.append((workdays.date_of(at), (hour + 8) % 24, n, d))
        known = workdays.is_known(today.year)
        return compare.baseline(tags, today, len(like), halves, known) + compare.profile(
            tags, today, first, hours
        )

    def _list(self, day: date) -> list[Point]:
        _, sums, units = self._lists
        return [p for tier in ("county", "hall") for p in compare.ranking(tier, day, units[tier], sums)]


def _digest(point: Point) -> bytes:
    return blake2b(point.fields.encode(), digest_size=8).digest()
