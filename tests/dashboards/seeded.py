"""A city of paper boxes behind the real feeds and a real influxd: what the dashboards' queries are asked about.

The demo's two counties, three halls and twelve boxes; ratings of today and of days before, enough for a rate in some
places and too few in others; a window whose red key nobody presses; one that is much disliked. It is looked at by a clock
of its own at three in the afternoon, whatever the hour at which the tests run. The figures that answers are compared
with come from ratings.db, rating by rating, by sums of the tests' own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from threading import Event, Thread
from typing import Any

from manyi.core import known, metrics, projector
from manyi.core.ratings.rating import Rating
from manyi.core.roster import check
from manyi.core.visits import report as visits
from manyi.core.workings import Workings
from manyi.demo.places import FOLDER

from tests.collector.paper_ledger import LIFE, MINUTE
from tests.collector.test_influx_whole import LONG_S, Whole
from tests.services.influx import Influx

BEIJING = timezone(timedelta(hours=8))
HOUR = 60 * MINUTE
DAY = 24 * HOUR
LOOKED_AT = 15 * HOUR  # of Beijing's day: no midnight is near, and today has ratings enough
BUCKETS = {"manyi-wall": "manyi_wall", "manyi-rollup": "manyi_rollup", "manyi-day": "manyi_day"}
TYPED = "周建国"  # what somebody typed beside 已知悉
ANSWERED, QUEUED = 7, 2  # batches, as the collector has counted when it is looked at
DISLIKED, UNPRESSED = "sim-007", "sim-003"
BEATS = {  # what a technician should see: a backlog, a key that is held, rotten flash, a clock set by NTP
    "sim-004": {"depth": 3, "oldest_ms": 3 * MINUTE, "stuck": 4, "faults": 2, "clock": 2},
    "sim-008": {"depth": 5, "stuck": 3},
}


def now_ms() -> int:
    return int(datetime.now(BEIJING).timestamp() * 1000)


def midnight(at_ms: int, days: int = 0) -> int:
    day = datetime.fromtimestamp(at_ms / 1000, BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
    return int((day + timedelta(days=days)).timestamp() * 1000)


class Seeded(Whole):
    """`ask_source(uid, influxql)` as Grafana, with its own read-only token."""

    def __init__(self, folder: Path, server: Influx) -> None:
        super().__init__(folder, server)
        real = now_ms()
        self.now = midnight(real) + LOOKED_AT
        if self.now > real:  # the days are real ones: a bucket refuses what is older than it keeps
            self.now -= DAY
        self._behind = real - self.now
        self.today = midnight(self.now)
        self._boots: dict[str, int] = {}
        self.looked_ms = self.now

    def clock(self) -> int:
        """It goes on from `now`."""
        return now_ms() - self._behind

    def seed(self) -> None:
        """All that the pictures and the tests show."""
        report = check(FOLDER)
        assert report.ok
        # One hall without a leader on duty, so that the queries meet that too.
        facts = [each for each in report.facts if each[0] != "leader" or each[1]["hall"] != "sh-h2"]
        self.ledger.fact(*facts, at_ms=self.today - 30 * DAY)
        for i in range(1, 13):
            box = f"sim-{i:03}"
            for days in (-28, -21, -14, -7, -3, -2, -1):
                self.hours(box, midnight(self.now, days) + 9 * HOUR, 6 * HOUR, 14 + (i * 7 - days) % 23)
            self.hours(box, self.today + MINUTE, LOOKED_AT - 2 * MINUTE, 6 + (i * 5) % 17)
            self.state(box, online=box != "sim-010", **BEATS.get(box, {}))
        self.visits("sh-h1-w1", 40)
        self.rebuild()
        self.know(newest=2)
        self.rebuild()

    def visits(self, window: str, times: int) -> None:
        """So many visits of yesterday, as a queue system tells them."""
        noon = midnight(self.now, -1) + 12 * HOUR
        raw = visits.body("queue", [visits.Visit(f"A{i}", window, noon + i, 0, "", 0) for i in range(times)])
        self.ledger.conn.execute("BEGIN IMMEDIATE")
        self.ledger._row(noon, "visit", None, raw, None)  # type: ignore[arg-type]
        self.ledger.conn.execute("COMMIT")

    def know(self, newest: int) -> None:
        """The newest dissatisfied ratings are marked as seen: one by a role, the others by somebody without one."""
        reds = sorted((r for r in self.ratings() if r.level == 3), key=lambda r: -r.time_ms)
        for nth, red in enumerate(reds[:newest]):
            role = "" if nth else "centre"
            known.mark(self.ledger.conn, red.box, red.life, red.seq, TYPED, self.now, role=role)

    def serve(self, until: Callable[[], bool]) -> None:
        """The collector's own thread runs until InfluxDB says what is waited for."""
        stop, wake = Event(), Event()
        workings = Workings(started_ms=self.now - HOUR, listening_ms=self.now - HOUR)
        metrics.ACKS.inc(ANSWERED)
        metrics.INBOX.set(QUEUED)
        thread = Thread(target=projector.run, args=(stop, wake, self.config, workings, self.clock))
        thread.start()
        try:
            deadline = time.monotonic() + LONG_S
            while not until():
                assert time.monotonic() < deadline, "InfluxDB did not hear of it"
                time.sleep(0.1)
        finally:
            stop.set()
            wake.set()
            thread.join(LONG_S)
            metrics.INBOX.set(0)
            self.looked_ms = self.clock()

    def hours(self, box: str, since_ms: int, span_ms: int, times: int) -> None:
        """So many ratings, evenly, of the levels that this box usually gets."""
        boot = self._boots[box] = self._boots.get(box, 0) + 1
        self.ledger.clock(box, 0, since_ms, since_ms, boot=boot)
        for i in range(times):
            up_ms = (i + 1) * span_ms // (times + 1)
            heard_ms = since_ms + up_ms + 40 + 15 * (i % 9)
            self.ledger.press(box, up_ms, self.level(box, i), heard_ms, boot=boot)

    @staticmethod
    def level(box: str, i: int) -> int:
        if box == DISLIKED:
            return (3, 1, 3, 2, 1)[i % 5]
        if box == UNPRESSED:
            return 2 if i % 9 == 4 else 1
        return 3 if i % 41 == 17 else 2 if i % 11 == 5 else 1

    def state(self, box: str, online: bool = True, **beat: Any) -> None:
        at_ms = self.now if online else self.now - 2 * HOUR
        conn = self.ledger.conn
        conn.execute(
            "INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?, ?, ?, ?)",
            (box, at_ms, int(online), "1.4.0", LIFE, 1, 5 if box == "sim-011" else 1),
        )
        names = [row[1] for row in conn.execute("PRAGMA table_info(beat)")]
        number = int(box[-3:])
        known = {
            "box": box,
            "life": LIFE,
            "at_ms": at_ms,
            "config": "",
            "clock": 1,
            "boot": self._boots.get(box, 1),
        }
        known |= {"heap": 41_000 + 97 * number, "room": 7_600 - number, "rssi": -52 - 3 * number}
        known["up_ms"] = 5 * DAY + number * HOUR
        counts = self.ledger._count(box, LIFE)
        known |= {"n_s": counts[0], "n_b": counts[1], "n_d": counts[2]} | beat
        conn.execute(
            "UPDATE head SET n_s = ?1, n_b = ?2, n_d = ?3, stored_s = ?1, stored_b = ?2, stored_d = ?3 WHERE box = ?4",
            (*counts, box),
        )
        row = [known.get(name, 0) for name in names]
        conn.execute(f"INSERT OR REPLACE INTO beat VALUES ({','.join('?' * len(row))})", row)

    def ask_source(self, uid: str, influxql: str) -> list[dict[str, Any]]:
        """As if it were asked when the city was looked at. What has no end InfluxDB groups up to its own clock's now."""
        asked = influxql.replace("now()", f"{self.looked_ms}ms")
        if "GROUP BY time(" in asked and "time <" not in asked:
            asked = asked.replace("WHERE ", f"WHERE time <= {self.looked_ms}ms AND ", 1)
        return self.ask(BUCKETS[uid], asked)

    def counts(self, which: Callable[[Rating], bool] = lambda _: True) -> dict[str, int]:
        found = {"n": 0, "s": 0, "b": 0, "d": 0, "corrected": 0}
        for r in self.ratings():
            if which(r):
                found["n"] += 1
                found["sbd"[r.level - 1]] += 1
                found["corrected"] += r.first == 3 and r.level < 3
        return found
