"""A small city with a known past: the visits as a list, a ledger that holds them, and the real projections after it.

What a test expects is counted from the list alone, never from the code that is tested.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from manyi.core.projector import Figures
from manyi.core.record import PRESS, unpack

from tests.collector.paper_ledger import LIFE, PaperLedger, begin, office, on_duty, person, placed
from tests.collector.test_projector import config

BEIJING = timezone(timedelta(hours=8))
NOW = 1_795_240_000_000  # 2026-11-21 13:46:40 in Beijing, a Saturday
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
MIDNIGHT = NOW - (NOW + 8 * HOUR) % DAY
# Names that a spreadsheet would like to run.
EVIL = {
    "c1": "=1+1",
    "h1-0": "+cmd|' /C calc'!A0",
    "w1": "-2+3",
    "w2": "@SUM(1,2)",
    "s1": '=HYPERLINK("http://x.invalid","赵")',
    "w3": "http://x.invalid/",
    "h1-1": "\t=1",
    "s2": "0123",
}
TOWN = (
    *(office("county", county, zh=EVIL.get(county, f"{county}县")) for county in ("c1", "c2")),
    office("hall", "h1-0", "c1", EVIL["h1-0"]),
    office("hall", "h1-1", "c1", EVIL["h1-1"]),
    office("hall", "h2-0", "c2", "乙大厅"),
    *(office("window", w, "h1-0", EVIL[w]) for w in ("w1", "w2")),
    office("window", "w3", "h1-1", EVIL["w3"]),
    office("window", "w9", "h2-0", "乙一号"),
    *(person(s) for s in ("s3", "s9")),
    ("staff", {"id": "s1", "zh": EVIL["s1"], "en": "", "badge": ""}),
    ("staff", {"id": "s2", "zh": EVIL["s2"], "en": "", "badge": ""}),
    *(placed(f"b{n}", f"w{n}") for n in (1, 2, 3, 9)),
    on_duty("w1", "s1", 0),
    on_duty("w2", "s2", 0),
    on_duty("w9", "s9", 0),
    ("leader", {"hall": "h1-0", "from_ms": 0, "to_ms": None, "zh": "=cmd", "tel": "+8613800000000"}),
    ("policy", {"visit_ms": 5000}),
)  # fmt: skip
WHERE = {
    "b1": ("c1", "h1-0", "w1", "s1"), "b2": ("c1", "h1-0", "w2", "s2"), "b3": ("c1", "h1-1", "w3", ""),
    "b9": ("c2", "h2-0", "w9", "s9"), "b7": ("", "", "", ""),
}  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """One visit as it was."""

    box: str
    time_ms: int
    keys: tuple[int, ...]

    @property
    def county(self) -> str:
        return WHERE[self.box][0]

    @property
    def hall(self) -> str:
        return WHERE[self.box][1]

    @property
    def window(self) -> str:
        return WHERE[self.box][2]

    @property
    def staff(self) -> str:
        return WHERE[self.box][3]

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.time_ms / 1000, BEIJING)


def past() -> list[Seen]:
    """Five weeks up to NOW, over the swapped weekends of autumn 2026: every box, every level, midnight on both sides."""
    found = []
    for day in range(35, -1, -1):
        for at, box in enumerate(WHERE):
            for n in range((day * 7 + at * 3) % 5 + (3 if box == "b1" else 1)):
                time_ms = MIDNIGHT - day * DAY + 8 * HOUR + n * 37 * MINUTE + at * MINUTE
                pick = (day * 31 + at * 17 + n * 7) % 23
                keys = (3, 1) if pick == 0 else (3,) if pick < 3 else (2,) if pick < 6 else (1,)
                found.append(Seen(box, time_ms, keys))
    edge = MIDNIGHT - 3 * DAY
    found += [Seen("b1", edge - 10_000, (3,)), Seen("b1", edge, (2,)), Seen("b9", edge - 10_000, (2,))]
    found.append(Seen("b1", NOW - MINUTE, (3,)))  # the wall's newest
    return sorted((s for s in found if s.time_ms < NOW), key=lambda s: s.time_ms)


def write(folder: Path, seen: Iterable[Seen], now_ms: int = NOW) -> None:
    """The ledger and its projections, as the service leaves them."""
    folder.mkdir(exist_ok=True)
    ledger = PaperLedger(folder)
    begin_ms = MIDNIGHT - 60 * DAY
    ledger.fact(*TOWN, at_ms=begin_ms)
    begin(ledger.conn)
    clocked = set()
    for s in seen:
        if s.box not in clocked:
            ledger.clock(s.box, 0, begin_ms, begin_ms)
            clocked.add(s.box)
        for n, key in enumerate(s.keys):
            time_ms = s.time_ms + n * 1_500
            ledger.press(s.box, time_ms - begin_ms, key, time_ms + 200)
    _heads(ledger)
    _beats(ledger, clocked, now_ms)
    ledger.conn.execute("COMMIT")
    ledger.close()
    figures = Figures(config(folder), lambda: now_ms)
    while figures.step():
        pass
    figures.close()


def count(seen: Iterable[Seen], key: Callable[[Seen], Any]) -> dict[Any, dict[str, int]]:
    """Counted one by one: n, levels, first presses, corrected, presses."""
    found: dict[Any, dict[str, int]] = {}
    for s in seen:
        names = ("n", "s", "b", "d", "fs", "fb", "fd", "corrected", "presses")
        own = found.setdefault(key(s), dict.fromkeys(names, 0))
        own["n"] += 1
        own["sbd"[s.keys[-1] - 1]] += 1
        own["f" + "sbd"[s.keys[0] - 1]] += 1
        own["corrected"] += s.keys[0] == 3 and s.keys[-1] != 3
        own["presses"] += len(s.keys)
    return found


def _heads(ledger: PaperLedger) -> None:
    """As the pipeline keeps them."""
    for (head,) in ledger.conn.execute("SELECT id FROM head").fetchall():
        n, newest = [0, 0, 0], 0
        rows = ledger.conn.execute("SELECT seq, body FROM row WHERE head = ? AND kind = 'record'", (head,))
        for seq, body in rows.fetchall():
            newest, record = max(newest, seq), unpack(body)
            if record.kind == PRESS:
                n[record.level - 1] += 1
        ledger.conn.execute(
            "UPDATE head SET start = 1, seq = ?, n_s = ?, n_b = ?, n_d = ?, stored_s = ?, stored_b = ?, stored_d = ?"
            " WHERE id = ?",
            (newest, *n, *n, head),
        )


def _beats(ledger: PaperLedger, boxes: Iterable[str], now_ms: int) -> None:
    """Every box has just spoken; b9 has two presses more than the ledger."""
    columns = [row[1] for row in ledger.conn.execute("PRAGMA table_info(beat)")]
    for box in boxes:
        query = "SELECT n_s, n_b, n_d FROM head WHERE box = ?"
        s, b, d = ledger.conn.execute(query, (box,)).fetchone()
        own = {"box": box, "life": LIFE, "at_ms": now_ms, "n_s": s + 2 * (box == "b9"), "n_b": b, "n_d": d}
        own |= {
            "room": 7000,
            "clock": 1,
            "rssi": -61,
            "heap": 31_000,
            "config": "c1",
            "depth": 2 * (box == "b9"),
        }
        marks = ",".join("?" * len(columns))
        ledger.conn.execute(f"INSERT INTO beat VALUES ({marks})", [own.get(name, 0) for name in columns])
        ledger.conn.execute("INSERT INTO state VALUES (?, ?, 1, '1.0.0', ?, 1, 1)", (box, now_ms, LIFE))
