"""`manyi verify`: is the ledger, or an export of it, what it was when it was written? Names the first row that is not.

Without a key: the row chain, row ids without a gap, each branch's records consecutive and linked by their tags (gaps
only where a loss row or a break row says so, losses exact by the boxes' counts), the heads' counters, the published
daily roots and `roots/latest`. It notes every fork, every gap that no box admitted, and where the clock was set back.
With the auditor's keys besides: every tag, so that not even somebody who recomputes the whole chain can change, add or
leave out a record.

Pure but for `ledger` and the file reading in export.py. It refuses to repair, to look past the first finding, and to
accuse every box at once: a key file that fits none of them is the wrong file.

Longer than a file should be, because an auditor should be able to read the whole check in one place.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from manyi.core import record, root
from manyi.core.account import Gap, covers
from manyi.core.days import BEIJING
from manyi.core.errors import InputError
from manyi.core.ledger import chain, heads, reader
from manyi.core.ledger.reader import Row
from manyi.core.record import BODY_BYTES, LOSS, NO_LEVELS, Admitted, Levels
from manyi.core.root import Latest, Root
from manyi.words import apart, both

PAGE_ROWS: Final = 5_000
CHANGED: Final = both(
    "被改动、插入或移动过：与上一行接不上",
    "was changed, or put in, or stood elsewhere: its hash does not follow from the row before",
)
SET_BACK_MS: Final = (
    600_000  # an import waits seconds for its turn; a clock put right by hand steps by minutes
)
BEFORE_ALL: Final = -(
    2**63
)  # ids begin at 1; a row put in below that is in nobody's chain, and counted by others


@dataclass(frozen=True, slots=True)
class Finding:
    """The first thing that is not as it was written, `what` in both languages. seq 0 and box "" where none is concerned."""

    row: int
    what: str
    box: str = ""
    life: str = ""
    seq: int = 0
    at_ms: int = 0

    def text(self) -> str:
        zh, en = f"第 {self.row} 行", f"row {self.row}"
        if self.box:
            zh += f"，评价器 {self.box}，第 {self.seq} 条（{self.life}）"
            en += f", box {self.box}, life {self.life}, seq {self.seq}"
        if self.at_ms:
            zh, en = f"{zh}，{_when(self.at_ms)}", f"{en}, time {_when(self.at_ms)}"
        what = apart(self.what)
        return both(f"{zh}：{what[0]}", f"{en}: {what[1]}")


@dataclass(frozen=True, slots=True)
class Report:
    rows: int
    records: int
    tags: int
    roots: int
    notes: tuple[str, ...]
    finding: Finding | None


@dataclass(slots=True)
class _Branch:
    """One branch as its rows tell it; the mirror of ingest.Head, reckoned anew."""

    start: int
    seq: int
    tag: bytes
    n: Levels
    n0: Levels
    known: bool  # False at the beginning of a part: then the first record is taken as it is
    stored: Levels = NO_LEVELS
    lost: Levels = NO_LEVELS
    forgot: Levels = NO_LEVELS
    gap: tuple[int, Levels] | None = None  # a loss row just seen: (last seq lost, presses)
    broken: bool = False  # a break or loss row just seen: the next record links to another tag


class Checker:
    """Fed with every row in order, and asked for more until it finds something."""

    def __init__(
        self,
        before: bytes = chain.GENESIS,
        first: int = 1,
        *,
        whole: bool = True,
        keys: Mapping[str, bytes] | None = None,
        roots: Sequence[Root] = (),
    ) -> None:
        """`whole`: the rows begin with the ledger's first; otherwise heads begin anywhere."""
        self._hash, self._next, self._whole, self._keys = before, first, whole, keys
        self._sealed: dict[int, list[Root]] = {}
        for r in roots:
            self._sealed.setdefault(r.last, []).append(
                r
            )  # a day without rows ends where the day before ended
        self._gaps: list[tuple[Row, Gap]] = []
        self._admitted: dict[tuple[str, str], list[Admitted]] = {}
        self.branches: dict[tuple[str, str, int], _Branch] = {}
        self._stamp = self._highest = 0
        self._behind = False
        self.rows = self.records = self.tags = self.roots = 0
        self.notes: list[str] = []
        self.setbacks: list[int] = []

    @property
    def hash(self) -> bytes:
        return self._hash

    @property
    def last(self) -> int:
        return self._next - 1

    def feed(self, row: Row, digest: bytes | None = None) -> Finding | None:
        """`digest`: SHA-256 of a body that was left out of an export."""
        what = self._chained(row, digest) or (self._meaning(row) if digest is None else None)
        if what is None:
            what = self._sealed_right(row)
        if what is None:
            self._stamped(row)
            return None
        return Finding(row.id, what, row.box, row.life, row.seq, row.at_ms)

    def _chained(self, row: Row, digest: bytes | None) -> str | None:
        if row.id != self._next:
            if row.id < self._next:
                return both("次序不对", "stands out of order")
            ids = [f"{self._next}", f"{row.id - 1}"][: row.id - self._next]
            return both(f"前面缺第 {' 至 '.join(ids)} 行", f"row {' to '.join(ids)} before it is missing")
        digest = digest or hashlib.sha256(row.body).digest()
        expected = chain.row_hash_of_digest(self._hash, row[:7], digest)
        if row.hash != expected:
            return CHANGED
        self._hash, self._next = row.hash, row.id + 1
        self.rows += 1
        return None

    def _stamped(self, row: Row) -> None:
        """Boxes learn the time from the collector: whoever sets its clock back dates what is pressed then in the past."""
        was, self._stamp = self._stamp, row.at_ms
        self._highest = max(self._highest, row.at_ms)
        was_behind, self._behind = self._behind, row.at_ms < self._highest - SET_BACK_MS
        if row.at_ms < was - SET_BACK_MS or (self._behind and not was_behind):
            self.notes.append(
                both(
                    f"第 {row.id} 行：记为 {_when(row.at_ms)}，而前面已有 {_when(self._highest)} 的行：采集服务器的时钟被拨回过"
                    "（其间的按键可能按它记了时间，请查明是谁拨的）",
                    f"row {row.id}: stamped {_when(row.at_ms)}, after rows stamped {_when(self._highest)}: the collector's "
                    "clock was set back (what was pressed meanwhile may be dated by it: ask who did that)",
                )
            )

    def _sealed_right(self, row: Row) -> str | None:
        for sealed in self._sealed.get(row.id, ()):
            self.roots += 1
            if sealed.after != row.hash:
                return both(
                    f"与已公布的 {sealed.day} 封印不符：到此为止有内容被改动",
                    f"is not the last row of {sealed.day} that was published: something up to here was changed",
                )
        return None

    def _meaning(self, row: Row) -> str | None:
        key = (row.box, row.life, row.branch)
        try:
            match row.kind:
                case "record":
                    return self._record(key, row)
                case "loss":
                    return self._loss(key, row)
                case "break":
                    self._at(key, row.seq).broken = True
                case "fork":
                    return self._fork(key, row)
                case "known":
                    return self._known(key, row)
                case "setback":
                    fields = json.loads(row.body)
                    self.setbacks.append(fields["had"])
                    self.notes.append(
                        both(
                            f"第 {row.id} 行：{_when(row.at_ms)} 服务发现台账从第 {fields['had']} 行退回到第 {fields['stands']} "
                            "行（从备份恢复，或末尾被截去）",
                            f"row {row.id}: on {_when(row.at_ms)} the service found its ledger set back from row "
                            f"{fields['had']} to {fields['stands']} (a backup came back, or the tail was cut)",
                        )
                    )
                case _:
                    pass
        except (ValueError, KeyError, TypeError) as error:
            return both(f"读不懂（{error}）", f"cannot be read ({error})")
        return None

    def _at(self, key: tuple[str, str, int], seq: int) -> _Branch:
        """The branch; a new one begins so that `seq` is its next, or at 1 if the whole ledger is here."""
        found = self.branches.get(key)
        if found is None and self._whole:
            if key[2]:
                raise ValueError("no fork row before it")
            k_chain = (self._keys or {}).get(key[0])
            tag = record.first_tag(k_chain, key[0], key[1]) if k_chain else b""
            found = _Branch(1, 0, tag, NO_LEVELS, NO_LEVELS, known=True, broken=not tag)
        elif found is None:
            found = _Branch(seq, seq - 1, b"", NO_LEVELS, NO_LEVELS, known=False, broken=True)
        self.branches[key] = found
        return found

    def _loss(self, key: tuple[str, str, int], row: Row) -> str | None:
        fields = json.loads(row.body)
        first, last, lost = fields["from"], fields["to"], fields["lost"]
        if not (isinstance(first, int) and isinstance(last, int) and isinstance(lost, list)):
            return both("内容读不懂", "its body cannot be read")
        b = self._at(key, first)
        if b.seq == 0:  # what came before the first record that was ever seen of this life
            b.start = last + 1
        if first != b.seq + 1 or last < first:
            return both(
                f"把第 {first} 至 {last} 条记为丢失，而接下来应是第 {b.seq + 1} 条",
                f"writes off {first} to {last}, but seq {b.seq + 1} is next",
            )
        b.gap, b.broken = (last, (lost[0], lost[1], lost[2])), True
        self._gaps.append((row, Gap(first, last, b.gap[1])))
        return None

    def _known(self, key: tuple[str, str, int], row: Row) -> str | None:
        fields, b = json.loads(row.body), self.branches.get(key)
        if (fields["box"], fields["life"], fields["seq"]) != (row.box, row.life, row.seq):
            return both(
                "标记的是另一条评价，不是它所在的那条",
                "says that another rating is known than the one it stands at",
            )
        if self._whole and (b is None or not b.start <= row.seq <= b.seq):
            return both("标记了当时还没有到的评价", "says that a rating is known which had not come yet")
        return None

    def _fork(self, key: tuple[str, str, int], row: Row) -> str | None:
        seq = row.seq
        if key in self.branches:
            return both(f"分支 {key[2]} 开始了两次", f"begins branch {key[2]} a second time")
        self.notes.append(
            both(
                f"第 {row.id} 行：评价器 {row.box} 第 {seq} 条（{row.life}）起，分支 {row.branch} 另存不计入评价"
                "（设备被克隆，或有人想把这些记录排除在外：请到现场查看设备）",
                f"row {row.id}: box {row.box}, life {row.life}, seq {seq}: from here branch {row.branch} is kept and not "
                "rated (a cloned box, or somebody who wanted these records out of the figures: ask to see the box)",
            )
        )
        self.branches[key] = _Branch(seq, seq - 1, b"", NO_LEVELS, NO_LEVELS, known=False, broken=True)
        return None

    def _record(self, key: tuple[str, str, int], row: Row) -> str | None:
        if len(row.body) != BODY_BYTES:
            return both("内容长度不对", "its body has the wrong length")
        packed, prev, tag = record.split(row.body)
        r = record.unpack(packed)
        b = self._at(key, r.seq)
        if r.seq != row.seq:
            return both(f"装的是第 {r.seq} 条记录", f"holds the record of seq {r.seq}")
        expected = b.gap[0] + 1 if b.gap else b.seq + 1
        if r.seq != expected:
            return both(
                f"这里应是第 {expected} 条，也没有丢失登记说明原因",
                f"seq {expected} should come here, and no loss row says why not",
            )
        if not b.broken and prev != b.tag:
            return both(
                "与前一条记录接不上（校验码是接着另一条算的）",
                "does not continue the record before it (its tag was made over another)",
            )
        self.records += 1
        if r.kind == LOSS:
            self._admitted.setdefault(key[:2], []).append(record.loss_of(r))
        return self._tag(row.box, packed, prev, tag) or self._count(b, r, tag)

    def unadmitted(self) -> list[str]:
        """The gaps that no record of their box admits. Lawful after a backup came back; also the one way to leave
        records out that no tag can show."""
        return [
            both(
                f"第 {row.id} 行：评价器 {row.box} 第 {gap.first} 至 {gap.last} 条（{row.life}），{sum(gap.lost)} 次按键 "
                f"{list(gap.lost)} 由中心记为丢失，而评价器自己没有承认",
                f"row {row.id}: box {row.box}, life {row.life}, seq {gap.first} to {gap.last}: {sum(gap.lost)} presses "
                f"{list(gap.lost)} were written off at the centre, and no record of the box in these rows admits it",
            )
            for row, gap in self._gaps
            if not covers(self._admitted.get((row.box, row.life), ()), gap)
        ]

    def _tag(self, box: str, packed: bytes, prev: bytes, tag: bytes) -> str | None:
        if self._keys is None:
            return None
        k_chain = self._keys.get(box)
        if k_chain is None:
            return both("审计密钥文件里没有这台评价器", "the auditor's file has no key for this box")
        self.tags += 1
        right = record.next_tag(k_chain, prev, packed) == tag
        wrong = both("不是这台评价器写的：校验码不对", "was not written by this box: its tag is wrong")
        return None if right else wrong

    def _count(self, b: _Branch, r: record.Record, tag: bytes) -> str | None:
        before = tuple(r.n[i] - r.own[i] for i in range(3))
        if not b.known:  # where a part begins, a loss row before it has to be believed
            written_off = b.gap[1] if b.gap else NO_LEVELS
            b.n0 = b.n = _add((before[0], before[1], before[2]), [-x for x in written_off])
            b.known = True
        missing = [max(0, before[i] - b.n[i]) for i in range(3)]
        if b.gap:
            if list(b.gap[1]) != missing:
                return both(
                    f"前面登记丢失 {list(b.gap[1])}，按评价器的计数应是 {missing}",
                    f"the loss row before it says {list(b.gap[1])}, the box's counts say {missing}",
                )
            b.lost = _add(b.lost, b.gap[1])
        b.forgot = _add(b.forgot, [max(0, b.n[i] - before[i]) for i in range(3)])
        b.stored = _add(b.stored, r.own)
        b.n, b.seq, b.tag, b.gap, b.broken = r.n, r.seq, tag, None, False
        return None


def ledger(conn: sqlite3.Connection, roots: Path, keys: Mapping[str, bytes] | None = None) -> Report:
    """Checks a whole ledger from one snapshot. Raises InputError if a root file cannot be read, or the keys are others'."""
    if keys is not None:
        _right_keys(conn, keys)
    checker = Checker(keys=keys, roots=root.published(roots))
    return report(checker, rest(conn, checker, BEFORE_ALL, roots))


def rest(conn: sqlite3.Connection, checker: Checker, after: int, roots: Path) -> Finding | None:
    """Every row after `after`, up to which the checker has been fed, then what only the whole can show; one snapshot."""
    sealed, latest = root.published(roots), root.read_latest(roots)
    conn.execute("BEGIN")
    try:
        found = _all_rows(conn, checker, after)
        return found or _tail(conn, checker, sealed, latest) or _heads(conn, checker)
    finally:
        conn.execute("COMMIT")


def _right_keys(conn: sqlite3.Connection, keys: Mapping[str, bytes]) -> None:
    """Raises InputError if not one box's first record was sealed with its key in the file."""
    firsts = conn.execute(
        "SELECT h.box, r.body FROM head h JOIN row r ON r.head = h.id AND r.seq = h.start AND r.kind = 'record'"
    ).fetchall()
    for box, body in firsts:
        packed, prev, tag = record.split(body)
        if box in keys and record.next_tag(keys[box], prev, packed) == tag:
            return
    if firsts:
        raise InputError(
            "密钥文件与任何一台评价器都不符：是不是拿错了文件？（采集服务的 link 密钥不能核对记录） / "
            "This key file fits no box at all, so it says nothing about the ledger. "
            "Is it the auditor's file? The collector's link keys cannot check records."
        )


def report(checker: Checker, finding: Finding | None) -> Report:
    notes = (*checker.notes, *checker.unadmitted())
    return Report(checker.rows, checker.records, checker.tags, checker.roots, notes, finding)


def _all_rows(conn: sqlite3.Connection, checker: Checker, after: int) -> Finding | None:
    while rows := reader.rows_after(conn, after, PAGE_ROWS):
        for row in rows:
            finding = checker.feed(row)
            if finding is not None:
                return finding
        after = rows[-1].id
    return None


def _tail(
    conn: sqlite3.Connection, checker: Checker, sealed: Iterable[Root], latest: Latest | None
) -> Finding | None:
    """What was seen once and is not there any more."""
    for r in sealed:
        if r.last > checker.last:
            what = both(
                f"没有了：{r.day} 的封印公布到第 {r.last} 行",
                f"is gone: the root of {r.day} was published up to row {r.last}",
            )
            return Finding(checker.last + 1, what)
    if latest is None or latest.row in checker.setbacks:
        return None
    if latest.row > checker.last:
        what = both(
            f"和之后的都没有了：台账曾有第 {latest.row} 行（roots/latest）",
            f"is gone, and all after it: the ledger once had row {latest.row} (roots/latest)",
        )
        return Finding(checker.last + 1, what)
    if root.hash_of(conn, latest.row) != latest.hash:
        what = both(
            "不是 roots/latest 见过的那一行：到此为止有内容被改动",
            "is not the row that roots/latest saw: something up to here was changed",
        )
        return Finding(latest.row, what)
    return None


def _heads(conn: sqlite3.Connection, checker: Checker) -> Finding | None:
    left = dict(checker.branches)
    for box, life, head in heads.all_heads(conn):
        b = left.pop((box, life, head.branch), None)
        if b is None:
            return Finding(
                0, both("计数表里有它，却没有任何一行", "the head has no rows"), box, life, head.seq
            )
        told = (b.start, b.seq, b.tag, b.n, b.n0, b.stored, b.lost, b.forgot)
        kept = (head.start, head.seq, head.tag, head.n, head.n0, head.stored, head.lost, head.forgot)
        if told != kept:
            what = both(
                f"计数表与各行不符：{kept}，应为 {told}",
                f"the head does not agree with its rows: {kept} for {told}",
            )
            return Finding(0, what, box, life, head.seq)
    return None


def _add(a: Levels, b: Sequence[int]) -> Levels:
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2])


def _when(ms: int) -> str:
    """In Beijing's time. A number that is no time is said as it is: whoever wrote it must not silence the check."""
    try:
        return f"{datetime.fromtimestamp(ms / 1000, BEIJING):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        return f"{ms} ms"
