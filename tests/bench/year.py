"""A year of a city's ratings, made up and put straight into ratings.db: 600 boxes, working days of the Chinese calendar,
hours as halls keep them. What follows ratings.db (the real feeds) cannot tell it from one that was projected.

It refuses to be random: the same scale gives the same year. It is no ledger: nothing can be verified from it.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from manyi.core import stores, workdays
from manyi.core.days import midnight_ms
from manyi.core.ratings.rating import COLUMNS, Rating
from manyi.core.ratings.settle import FLAG_CORRECTED
from manyi.core.ratings.store import Ratings
from manyi.core.ratings.sums import Sums

from tests.bench.bench_projections import city
from tests.collector.paper_ledger import LIFE, PaperLedger

HOURS = (2, 5, 9, 8, 4, 2, 6, 8, 6, 3)  # weight of each hour from 08:00 on: two peaks, and a quiet noon
OPENS = 8
CHUNK = 50_000  # rows of one insert


def fill(folder: Path, until: date, each_day: int, days: int = 365) -> int:
    """ratings.db in `folder` with `each_day` ratings a box on every working day of the year before and on `until`;
    gives how many. Needs nothing there; leaves a ledger with the roster alone beside it."""
    ledger = PaperLedger(folder)
    boxes = city(ledger)
    made = Ratings(folder / "ratings.db", ledger.conn)
    made.drain()
    made.close()
    ledger.close()
    conn = sqlite3.connect(folder / "ratings.db", isolation_level=None)
    conn.execute("PRAGMA synchronous = OFF")
    marks = ",".join("?" * len(COLUMNS))
    total = 0
    rows: list[tuple[object, ...]] = []

    def store() -> None:
        sums = Sums()
        for row in rows:
            sums.add(Rating(*row))  # type: ignore[arg-type]
        with stores.transaction(conn):
            conn.executemany(f"INSERT INTO rating VALUES ({marks})", rows)
            sums.write(conn)
            conn.executemany("INSERT INTO change VALUES (NULL, ?, ?, ?)", [row[:3] for row in rows])
        rows.clear()

    for row in _year(boxes, until, each_day, days):
        rows.append(row)
        total += 1
        if len(rows) >= CHUNK:
            store()
    store()
    conn.close()
    return total


def _year(boxes: list[str], until: date, each_day: int, days: int) -> Iterator[tuple[object, ...]]:
    chance = random.Random(20_261_121)
    seqs = dict.fromkeys(boxes, 0)
    quality = {box: chance.uniform(0.005, 0.05) for box in boxes}
    for back in range(days, -1, -1):
        day = until - timedelta(days=back)
        if not workdays.kind(day).works and back:
            continue
        begin_ms = midnight_ms(day)
        for box in boxes:
            c, h, w = box.split("-")[1:]
            window = f"c{c}h{h}w{w}"
            for _ in range(chance.randrange(each_day // 2, each_day + each_day // 2 + 1)):
                seqs[box] += 1
                hour = OPENS + chance.choices(range(len(HOURS)), HOURS)[0]
                time_ms = begin_ms + hour * 3_600_000 + chance.randrange(3_600_000)
                first = 3 if (red := chance.random()) < quality[box] else 2 if red < 0.12 else 1
                corrected = first == 3 and chance.random() < 0.1
                values = {
                    "box": box, "life": LIFE, "seq": seqs[box], "version": 1, "row_id": 1, "at_ms": time_ms,
                    "boot": 1, "up_ms": time_ms - begin_ms, "time_ms": time_ms, "dated": "clock",
                    "level": 1 if corrected else first, "first": first, "presses": 1 + corrected,
                    "flags": FLAG_CORRECTED * corrected, "visit": "", "latency_ms": 180, "county": f"c{c}",
                    "township": "", "hall": f"c{c}h{h}", "window": window, "staff": f"s-{window}",
                    "known_by": "", "known_role": "",
                }  # fmt: skip
                yield tuple(values.get(name, 0) for name in COLUMNS)
