"""What InfluxDB was told of figures that are made whole again when something under them changes.

An item is what is made at once (a unit's past, a day's list); its mark says from what. Items whose mark has changed are
made again, and of their points only those that differ are sent; what is no more becomes zeros. It is remembered only
when InfluxDB has answered, so a batch that may have been lost is made again; the same point twice is the same point.

One thread a store; another process may work or reset the same file at the same time: what was sent under another
generation is not remembered. Refuses to know what the figures mean.
"""

import time
from collections import deque
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple, assert_never

from manyi.core import stores
from manyi.core.influx.follow import Server
from manyi.core.influx.writer import Accepted, Keep, Rejected

VERSION = 1
SLICE_S = 0.05  # of one step's work before it sends: it shares a thread with the live figures
BATCH_POINTS = 2_000  # 600 KB of lines at most

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE item (item TEXT PRIMARY KEY, mark TEXT) WITHOUT ROWID;
CREATE TABLE told (item TEXT, at TEXT, ns INTEGER, digest BLOB, PRIMARY KEY (item, at, ns)) WITHOUT ROWID;
CREATE TABLE aside (id INTEGER PRIMARY KEY, at_ms INTEGER, line TEXT, why TEXT)
"""


class Point(NamedTuple):
    """`at`: measurement and tags."""

    at: str
    fields: str
    ns: int

    @property
    def line(self) -> str:
        return f"{self.at} {self.fields} {self.ns}"


Due = deque[tuple[str, str]]
"""Items to make, each with its new mark."""


class Told:
    """The store. `zeros` gives what takes back a point at these tags and this time."""

    def __init__(
        self, path: Path, server: Server, now_ms: Callable[[], int], zeros: Callable[[str, int], Point]
    ) -> None:
        self._conn = stores.open_store(path, SCHEMA, VERSION, synchronous="NORMAL")
        self._server, self._now_ms, self._zeros = server, now_ms, zeros

    def close(self) -> None:
        self._conn.close()

    @property
    def aside(self) -> int:
        """How many lines InfluxDB refused."""
        return int(self._conn.execute("SELECT count(*) FROM aside").fetchone()[0])

    def about(self) -> str:
        """What all of it is about, as begin() was told; "" for nothing yet."""
        return stores.get(self._conn, "about")

    def begin(self, about: str) -> None:
        """Forgets everything told before. Whoever owns the measurement has cleared it."""
        with stores.transaction(self._conn):
            for table in ("meta", "item", "told"):
                self._conn.execute(f"DELETE FROM {table}")
            stores.put(self._conn, "about", about)
            stores.put(self._conn, "generation", stores.new_epoch())

    def marks(self) -> dict[str, str]:
        """Of every item, as it was made last."""
        return dict(self._conn.execute("SELECT item, mark FROM item"))

    def work(self, due: Due, points_of: Callable[[str], list[Point]]) -> int | Keep:
        """A slice of what is due, from the left; gives how many items were done, or Keep, and then none was."""
        generation = stores.get(self._conn, "generation")
        began = time.monotonic()
        done: list[tuple[str, str]] = []
        news: list[tuple[str, Point]] = []
        for item, mark in due:
            news += [(item, point) for point in self._news(item, points_of(item))]
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
            if stores.get(self._conn, "generation") == generation:  # else somebody began again meanwhile
                self._remember(done, news, bad)
        for _ in done:
            due.popleft()
        return len(done)

    def _remember(
        self, done: list[tuple[str, str]], news: list[tuple[str, Point]], bad: tuple[tuple[str, str], ...]
    ) -> None:
        rows = [(item, p.at, p.ns, _digest(p)) for item, p in news]
        self._conn.executemany("INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?)", rows)
        self._conn.executemany("INSERT OR REPLACE INTO item VALUES (?, ?)", done)
        aside = [(self._now_ms(), line, why) for line, why in bad]
        self._conn.executemany("INSERT INTO aside VALUES (NULL, ?, ?, ?)", aside)

    def _news(self, item: str, points: list[Point]) -> list[Point]:
        """The points that were not told so, and zeros over those that are no more."""
        query = "SELECT at, ns, digest FROM told WHERE item = ?"
        told = {(at, ns): digest for at, ns, digest in self._conn.execute(query, (item,))}
        news = [p for p in points if told.pop((p.at, p.ns), b"") != _digest(p)]
        gone = [self._zeros(at, ns) for at, ns in told]
        return news + [p for p in gone if told[p.at, p.ns] != _digest(p)]


def _digest(point: Point) -> bytes:
    return blake2b(point.fields.encode(), digest_size=8).digest()
