"""A box on paper: a journal, its numbering and its answers to acks, as docs/WIRE.md has them. No flash, no time.

The real box is firmware/box/; this one lets a test make ten thousand situations a second.
"""

from __future__ import annotations

import copy
import struct
from dataclasses import dataclass, field

from manyi.core import record
from manyi.core.record import LOSS, LOSS_FULL, LOSS_TORN, PRESS, Levels, Record
from manyi.core.wire import Batch, Sealed

BOX, LIFE = "mb-24dcc3a1b2c4", "00112233445566ff"
K_CHAIN = bytes(range(100, 132))


@dataclass(frozen=True)
class Slot:
    record: Record
    packed: bytes
    prev: bytes
    tag: bytes


@dataclass
class BoxDouble:
    box: str = BOX
    life: str = LIFE
    k_chain: bytes = K_CHAIN
    journal: dict[int, Slot] = field(default_factory=dict)
    newest: int = 0
    n: Levels = (0, 0, 0)
    tag: bytes = b""
    acked: int = 0
    cursor: int = 1  # the seq that the next batch starts at
    up_ms: int = 1000

    def __post_init__(self) -> None:
        self.tag = self.tag or record.first_tag(self.k_chain, self.box, self.life)

    # ---- what happens at the window

    def press(self, level: int = 1, times: int = 1) -> None:
        for _ in range(times):
            self.n = tuple(c + (i + 1 == level) for i, c in enumerate(self.n))  # type: ignore[assignment]
            self.write(PRESS, level=level)

    def write(self, kind: int, *, level: int = 0, reason: int = 0, data: bytes = b"", fmt: int = 0x11) -> int:
        self.newest += 1
        self.up_ms += 700
        r = Record(
            self.newest, kind, 1, self.up_ms, self.n, level, reason, data=data.ljust(20, b"\0"), fmt=fmt
        )
        packed = record.pack(r)
        tag = record.next_tag(self.k_chain, self.tag, packed)
        self.journal[self.newest] = Slot(r, packed, self.tag, tag)
        self.tag = tag
        return self.newest

    def give_up(self, below: int) -> None:
        """The ring is full: a loss record for what was never acknowledged, then those slots are gone."""
        gone = [s for s in self.journal if s < below]
        unacked = [self.journal[s].record for s in gone if s > self.acked]
        if unacked:
            lost = [sum(r.own[i] for r in unacked) for i in range(3)]
            self.write(
                LOSS, reason=LOSS_FULL, data=struct.pack("<5I", unacked[0].seq, unacked[-1].seq, *lost)
            )
        for s in gone:
            del self.journal[s]
        self.cursor = max(self.cursor, min(self.journal))

    def rot(self, seq: int) -> None:
        """A slot in the middle can no longer be read."""
        del self.journal[seq]

    def lose_tail(self, slots: int) -> None:
        """Power went and the last slots are rotten: the box goes on from the newest one it can read."""
        first = self.newest - slots + 1
        for s in range(first, self.newest + 1):
            self.journal.pop(s, None)
        last = self.journal[max(self.journal)]
        self.n, self.tag = last.record.n, last.tag
        self.write(LOSS, reason=LOSS_TORN, data=struct.pack("<5I", first, self.newest, 0, 0, 0))

    def wipe(self, life: str) -> BoxDouble:
        return BoxDouble(self.box, life, self.k_chain)

    def clone(self) -> BoxDouble:
        return copy.deepcopy(self)

    # ---- the wire

    def batch(self, limit: int = 25) -> Batch:
        first = self.cursor
        while first <= self.newest and first not in self.journal:
            first += 1
        sealed = []
        seq = first
        while seq in self.journal and len(sealed) < limit:
            s = self.journal[seq]
            sealed.append(Sealed(seq, s.record.kind, s.record.level, s.record.n, s.packed, s.tag))
            seq += 1
        base = first
        while base - 1 in self.journal:
            base -= 1
        prev = self.journal[first].prev if first in self.journal else self.tag
        self.up_ms += 1
        depth = sum(s >= seq for s in self.journal)
        return Batch(self.box, self.life, 1, self.up_ms, base, first, prev, depth, tuple(sealed))

    def take_ack(self, seq: int, tag: bytes) -> bool:
        """docs/WIRE.md, ack, rules 1 to 3. False: ignored."""
        slot = self.journal.get(seq)
        if slot is not None and slot.tag == tag:
            self.acked, self.cursor = max(self.acked, seq), seq + 1
            return True
        if seq == 0 or (self.journal and seq < min(self.journal)):
            self.cursor = min(self.journal, default=self.newest + 1)
            return True
        return False

    @property
    def presses(self) -> int:
        return sum(self.n)
