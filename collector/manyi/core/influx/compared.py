"""influx_compare.db: which points of baseline, profile and ranking InfluxDB was told, and what they were made from.

    influx_rollup.db ─▶ items whose mark is not what it was ─▶ their points ─▶ only what differs ─▶ day_bucket

An item is a unit's past (its baseline and profile) or a day's lists (its ranking). Its mark says from what it was made:
the day it is for, how often the days it looks at have changed, which roster. So a late record or a correction makes
again what it concerns, and a start nothing (told.py).

With the day, the three measurements are cleared and told anew: they are about today, and of ranking the last month.
It works in slices, and refuses to look at today's ratings for anything but the ranking.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path

from manyi.core import stores, workdays
from manyi.core.days import DAY_MS, HOUR_MS, date_of, midnight_ms
from manyi.core.influx import compare, rollup
from manyi.core.influx.compare import Named
from manyi.core.influx.follow import Server
from manyi.core.influx.told import Due, Point, Told
from manyi.core.influx.writer import Keep
from manyi.core.ratings import store as ratings

LOOK_MS = 30_000  # between two looks for what has changed: a ranking is not a live figure
PAST_MS = 600_000  # between two looks at the past: a county's backlog changes it all the time for hours
RANKED_DAYS = 31  # whose lists are kept: the last month's
PAST_TIERS = ("tier=city", "tier=county,", "tier=hall,")

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
        self._told = Told(path, server, now_ms, compare.zeros)
        self._rolled, self._source, self._server = rolled, source, server
        self._now_ms, self._gap_ms = now_ms, gap_ms
        self._past_gap_ms = PAST_MS if gap_ms else 0
        self._looked_ms = self._past_ms = 0
        self._due: Due = Due()
        self._today = date.min
        self._lists: tuple[str, Sums, dict[str, list[Named]]] = ("", {}, {})
        self._current = ratings.current_roster()

    def close(self) -> None:
        self._told.close()

    def step(self) -> int | Keep:
        """Looks if it is time, then works off a slice of what is due. Gives how many items (0: nothing now), or Keep."""
        now_ms = self._now_ms()
        if not self._due:
            if 0 <= now_ms - self._looked_ms < self._gap_ms:
                return 0
            if isinstance(answer := self._begin(date_of(now_ms)), Keep):
                return answer
            self._due.extend(self._look(now_ms))
            self._looked_ms = now_ms
        return self._told.work(self._due, self._points) if self._due else 0

    def reset(self) -> None:
        """Forgets everything; the next steps clear the measurements and tell all again."""
        self._told.begin("")
        self._due.clear()
        self._looked_ms = self._past_ms = 0

    @property
    def aside(self) -> int:
        """How many lines InfluxDB refused."""
        return self._told.aside

    def _begin(self, today: date) -> Keep | None:
        """Clears the bucket if what it holds is of another day, or of another bucket."""
        self._today = today
        about = f"{today.isoformat()} {self._server.target}"
        if self._told.about() == about:
            return None
        if isinstance(answer := self._server.clear(), Keep):
            return answer
        self._told.begin(about)
        self._past_ms = 0
        return None

    # -- what is due

    def _look(self, now_ms: int) -> Iterable[tuple[str, str]]:
        """Items whose mark is not what it was, with their new marks."""
        self._roster = self._current.of(self._source)
        changed = dict(self._rolled.execute("SELECT day_ms, changed FROM day"))
        today_ms = midnight_ms(self._today)
        marks: dict[str, str] = {}
        born = stores.get(self._rolled, "generation")
        if not 0 <= now_ms - self._past_ms < self._past_gap_ms:
            self._past_ms = now_ms
            past = max((c for d, c in changed.items() if d < today_ms), default=0)
            marks |= {f"past {tags}": f"{born} {past}" for tags in self._units(rollup.SHORT, PAST_TIERS)}
        lists = max(changed.values(), default=0)
        if self._lists[0] != (mark := f"{self._today} {born} {lists} {self._current.fact}"):
            self._lists = (mark, self._sums(today_ms), self._ranked())
        for back in range(RANKED_DAYS):
            day = self._today - timedelta(days=back)
            until = midnight_ms(day)
            since = midnight_ms(day - timedelta(days=max(compare.PERIODS.values()) - 1))
            newest = max((c for d, c in changed.items() if since <= d <= until), default=0)
            marks[f"lists {day.isoformat()}"] = f"{born} {newest} {self._current.fact}"
        had = self._told.marks()
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
        since, until = midnight_ms(self._today - back), today_ms + 1
        found: dict[tuple[str, str], dict[date, tuple[int, ...]]] = {}
        for tags in self._units(rollup.DAY, PAST_TIERS[1:]):
            at = dict(part.split("=", 1) for part in tags.split(","))
            days = found.setdefault((at["county"], at.get("hall", "")), {})
            for begin_ms, *counts in self._rolled.execute(_DAYS, (rollup.DAY, tags, since, until)):
                day = date_of(begin_ms)
                days[day] = tuple(a + b for a, b in zip(days.get(day, (0, 0, 0)), counts, strict=True))
        return found

    # -- doing it

    def _points(self, item: str) -> list[Point]:
        what, of = item.split(" ", 1)
        return self._past(of) if what == "past" else self._list(date.fromisoformat(of))

    def _past(self, tags: str) -> list[Point]:
        today, name = self._today, rollup.SHORT
        found = self._rolled.execute(_FIRST, (name, tags)).fetchone()
        if found is None:
            return []
        first = date_of(found[0])
        like = [day for day in workdays.like(today) if day >= first]
        halves: dict[int, list[int]] = {}
        for day in like:
            at = midnight_ms(day)
            for half, *counts in self._rolled.execute(_HALVES, (at, name, tags, at, at + DAY_MS)):
                had = halves.setdefault(half, [0, 0, 0, 0])
                halves[half] = [a + b for a, b in zip(had, counts, strict=True)]
        since = midnight_ms(today - timedelta(weeks=compare.WEEKS))
        hours = []
        for hour, n, d in self._rolled.execute(_HOURS, (name, tags, since, midnight_ms(today))):
            at = hour * HOUR_MS
            hours.append((date_of(at), (hour + 8) % 24, n, d))
        known = workdays.is_known(today.year)
        return compare.baseline(tags, today, len(like), halves, known) + compare.profile(
            tags, today, first, hours
        )

    def _list(self, day: date) -> list[Point]:
        _, sums, units = self._lists
        return [p for tier in ("county", "hall") for p in compare.ranking(tier, day, units[tier], sums)]
