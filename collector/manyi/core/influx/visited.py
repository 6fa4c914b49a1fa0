"""What `summary` says of visits: fields beside those of the ratings, on the same points, where visits are known.

    summary,tier=hall,county=..,township=..,hall=.. visits=..i,rated=..i,unrated=..i,surplus=..i,rating_rate=.. <ns of the day>

A tier's figures are the sums over its windows whose visits are known, and of no others. The measurement belongs to the
day's rollups (rolled.py), which clear it; this follows when that was done. visits.db says which days have changed, the
roster where a window lies: both are in a day's mark (told.py). It refuses to say 0 visits where nobody told any.
"""

import sqlite3
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

from manyi.core import stores
from manyi.core.influx import rollup
from manyi.core.influx.follow import Server
from manyi.core.influx.lines import NS_PER_MS
from manyi.core.influx.told import Due, Point, Told
from manyi.core.influx.writer import Keep
from manyi.core.ratings import store as ratings
from manyi.core.visits.store import Counts, added, of_day

LOOK_MS = 10_000  # between two looks: today changes with every visit
FIELDS = ("visits", "rated", "unrated", "surplus", "rating_rate")


class Visited:
    """A feed of the day's bucket. `visits` reads visits.db, `rolled` influx_rollup.db, `source` ratings.db."""

    def __init__(
        self, path: Path, visits: sqlite3.Connection, rolled: sqlite3.Connection, source: sqlite3.Connection,
        server: Server, now_ms: Callable[[], int], gap_ms: int = LOOK_MS,
    ) -> None:  # fmt: skip
        self._told = Told(path, server, now_ms, lambda at, ns: point(at, ns, Counts(0, 0, 0)))
        self._visits, self._rolled, self._source, self._server = visits, rolled, source, server
        self._now_ms, self._gap_ms, self._looked_ms = now_ms, gap_ms, 0
        self._due: Due = Due()
        self._current = ratings.current_roster()

    def close(self) -> None:
        self._told.close()

    def reset(self) -> None:
        """Tells all again."""
        self._told.begin("")
        self._due.clear()
        self._looked_ms = 0

    def step(self) -> int | Keep:
        """Looks if it is time, then works off a slice. Gives how many days (0: nothing now), or Keep."""
        now_ms = self._now_ms()
        if not self._due:
            if 0 <= now_ms - self._looked_ms < self._gap_ms:
                return 0
            self._looked_ms = now_ms
            if stores.get(self._rolled, f"cleared {rollup.DAY}") != self._server.target:
                return 0  # the bucket is about to be cleared; what is written now would be lost
            about = f"{stores.get(self._rolled, 'generation')} {self._server.target}"
            if self._told.about() != about:
                self._told.begin(about)
            self._due.extend(self._look())
        return self._told.work(self._due, self._points) if self._due else 0

    def _look(self) -> list[tuple[str, str]]:
        self._roster = self._current.of(self._source)
        born = stores.get(self._visits, "generation")
        where = "\n".join(f"{unit} {self._roster.place(unit)}" for unit in sorted(self._roster.units))
        tree = blake2b(where.encode(), digest_size=8).hexdigest()
        had = self._told.marks()
        marks = [
            (str(day_ms), f"{born} {at} {tree}")
            for day_ms, at in self._visits.execute("SELECT day_ms, at FROM changed ORDER BY day_ms DESC")
        ]
        known = {item for item, _ in marks}
        gone = [(item, "gone") for item in had if item not in known]
        return [(item, mark) for item, mark in (*marks, *gone) if had.get(item) != mark]

    def _points(self, item: str) -> list[Point]:
        sums: dict[str, list[Counts]] = {}
        for window, counts in of_day(self._visits, int(item)).items():
            place = self._roster.place(window)
            for tags in rollup.tiers(place.county, place.township, place.hall, window):
                sums.setdefault(tags, []).append(counts)
        ns = int(item) * NS_PER_MS
        return [point(f"{rollup.SUMMARY},{tags}", ns, added(each)) for tags, each in sums.items()]


def point(at: str, ns: int, counts: Counts) -> Point:
    fields = (
        f"visits={counts.visits}i,rated={counts.rated}i,unrated={counts.unrated}i,surplus={counts.surplus}i"
        f",rating_rate={counts.rate:.6f}"
    )
    return Point(at, fields, ns)
