"""A ledger written by hand, for tests of what follows it: the real schema, and no pipeline before it.

Its hashes tell rows apart, as followers need; they are not the ledger's chain, which has its own tests.
"""

import sqlite3
from hashlib import sha256
from pathlib import Path

from manyi.core import record as rec
from manyi.core.ledger import facts, reader, schema

NOON = 1_795_233_600_000  # 2026-11-21 12:00 in Beijing
LIFE = "0011223344556677"
MINUTE = 60_000


class PaperLedger:
    """`press`, `clock`, `duty` append one record of a box; `fact` appends roster facts as one import."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ledger.db"
        self.conn = schema.open_for_writing(self.path)
        self._n: dict[tuple[str, str], list[int]] = {}
        self._heads: dict[tuple[str, str, int], tuple[int, int]] = {}
        self.presses = 0

    def close(self) -> None:
        self.conn.close()

    def press(
        self, box: str, up_ms: int, level: int, at_ms: int = NOON, *, life: str = LIFE, boot: int = 1,
        reason: int = 0, prompted: bool = False, visit: str = "", biz: int = 0, branch: int = 0,
    ) -> int:  # fmt: skip
        if branch == 0 and level in (1, 2, 3):
            self.presses += 1
            self._count(box, life)[level - 1] += 1
        data = (bytes.fromhex(visit) or bytes(8)) + biz.to_bytes(2, "little")
        return self.record(
            box, rec.PRESS, up_ms, at_ms, life=life, boot=boot, level=level, reason=reason,
            flags=int(prompted), data=data, branch=branch,
        )  # fmt: skip

    def clock(
        self, box: str, up_ms: int, unix_ms: int, at_ms: int = NOON, *, life: str = LIFE, boot: int = 1
    ) -> int:
        data = unix_ms.to_bytes(8, "little") + bytes(4)
        return self.record(box, rec.CLOCK, up_ms, at_ms, life=life, boot=boot, reason=1, data=data)

    def duty(
        self, box: str, up_ms: int, badge: str, at_ms: int = NOON, *, boot: int = 1, reason: int = 0
    ) -> int:
        """Signs in with `badge`; signs out if that is empty."""
        raw = bytes.fromhex(badge)
        reason = reason or (rec.DUTY_IN if badge else rec.DUTY_OUT)
        return self.record(
            box, rec.DUTY, up_ms, at_ms, boot=boot, reason=reason, data=bytes([len(raw)]) + raw
        )

    def record(
        self, box: str, kind: int, up_ms: int, at_ms: int = NOON, *, life: str = LIFE, boot: int = 1,
        level: int = 0, reason: int = 0, flags: int = 0, data: bytes = b"", branch: int = 0,
        fmt: int = rec.FMT_1,
    ) -> int:  # fmt: skip
        head, seq = self._heads.get((box, life, branch)) or (self._head(box, life, branch), 0)
        seq += 1
        n = tuple(self._count(box, life))
        packed = rec.pack(
            rec.Record(seq, kind, boot, up_ms, n, level, reason, 0, flags, data.ljust(20, b"\0"), fmt)  # type: ignore[arg-type]
        )
        self._row(at_ms, "record", seq, packed + bytes(16), head)
        self._heads[box, life, branch] = (head, seq)
        return seq

    def fact(self, *pairs: tuple[str, dict[str, object]], at_ms: int = NOON) -> None:
        facts.append_facts(self.conn, at_ms, pairs)

    def note(self, kind: str, box: str, body: bytes, at_ms: int = NOON, *, branch: int = 0) -> None:
        """A loss, break or fork row."""
        head = self._heads.get((box, LIFE, branch)) or (self._head(box, LIFE, branch), 0)
        self._heads[box, LIFE, branch] = head
        self._row(at_ms, kind, head[1], body, head[0])

    def rows(self) -> int:
        return reader.tail(self.conn)[0]

    def _count(self, box: str, life: str) -> list[int]:
        return self._n.setdefault((box, life), [0, 0, 0])

    def _row(self, at_ms: int, kind: str, seq: int, body: bytes, head: int) -> None:
        last, before = reader.tail(self.conn)
        link = sha256(before + body).digest()
        values = (last + 1, at_ms, kind, head, seq, body, link)
        self.conn.execute("INSERT INTO row VALUES (?, ?, ?, ?, ?, ?, ?)", values)

    def _head(self, box: str, life: str, branch: int) -> int:
        columns = [row[1] for row in self.conn.execute("PRAGMA table_info(head)")]
        known = {"box": box, "life": life, "branch": branch, "tag": bytes(8)}
        values = [None if c == "id" else known.get(c, 0) for c in columns]
        marks = ",".join("?" * len(values))
        return int(self.conn.execute(f"INSERT INTO head VALUES ({marks})", values).lastrowid or 0)


def begin(conn: sqlite3.Connection) -> None:
    """One transaction round many rows: a commit a row costs a sync each."""
    conn.execute("BEGIN IMMEDIATE")


def office(tier: str, unit: str, parent: str = "", zh: str = "") -> tuple[str, dict[str, object]]:
    return "office", {
        "id": unit,
        "tier": tier,
        "parent": parent,
        "zh": zh or unit,
        "en": unit.upper(),
        "tel": "",
    }


def placed(box: str, window: str, from_ms: int = 0) -> tuple[str, dict[str, object]]:
    return "placement", {"box": box, "window": window, "from_ms": from_ms}


def person(staff: str, badge: str = "") -> tuple[str, dict[str, object]]:
    return "staff", {"id": staff, "zh": staff, "en": staff, "badge": badge}


def on_duty(window: str, staff: str, from_ms: int, to_ms: int | None = None) -> tuple[str, dict[str, object]]:
    return "duty", {"window": window, "staff": staff, "from_ms": from_ms, "to_ms": to_ms}


TOWN = (
    office("county", "c1"), office("county", "c2"), office("township", "t2", "c2"),
    office("hall", "h1", "c1"), office("hall", "h2", "t2"),
    office("window", "w1", "h1"), office("window", "w2", "h1"), office("window", "w3", "h2"),
    person("ann", "04a1"), person("bob", "04b2"), person("cat"),
    placed("box-1", "w1"), placed("box-2", "w2"), placed("box-3", "w3"),
    on_duty("w1", "ann", 0), on_duty("w2", "bob", 0),
)  # fmt: skip
