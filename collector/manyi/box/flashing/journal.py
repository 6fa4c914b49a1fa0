"""A box's journal read from the bytes of its flash: what `manyi box rescue` brings in when no radio can. Pure.

The layout is the box's own (firmware/box/ring.py); tests/system/test_rescue.py binds both. Every slot has a checksum; the
tags are checked too where `k_chain` is at hand. Refuses to mend: a slot that does not read is left out, and the ledger
then says what is missing, as it does for a living box.
"""

from __future__ import annotations

import binascii
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from manyi.box.flashing import image
from manyi.box.identity import IDENTITY
from manyi.box.words import BoxError
from manyi.core import record
from manyi.core.wire import Batch, Sealed

HEADER = struct.Struct("<4sI8sI8s")
HEADER_CRC_AT = 60
TAG_AT, CRC_AT, ACK_AT = 53, 61, 63
BATCH_RECORDS = 11
"""As the box sends them."""


@dataclass(frozen=True, slots=True)
class Dump:
    """The journal's bytes; who the box is, if the dump is of the whole chip: else "" and None."""

    ring: bytes
    box: str = ""
    k_chain: bytes | None = field(default=None, repr=False)


def opened(raw: bytes) -> Dump:
    """A whole chip's flash, or its journal partition alone. Raises BoxError."""
    place = image.find(raw[image.TABLE_AT :], "journal")
    if place is not None and len(raw) >= place.at + place.size:
        who = named(image.read(raw, IDENTITY))
        ring = raw[place.at : place.at + place.size]
        return Dump(ring, *who) if who else Dump(ring)
    if not any(raw.startswith(image.JOURNAL_MAGIC, at) for at in range(0, len(raw), image.BLOCK)):
        raise BoxError(
            "这不是评价器的存储：要整片，或 manyi box save 存下的文件",
            "this is no box's flash: a whole chip's, or a file that `manyi box save` has written",
        )
    return Dump(raw)


@dataclass(slots=True)
class Life:
    """One life's records by seq, and the tag that each block's header says comes before its first record."""

    id: str
    slots: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)  # seq: (packed, tag)
    before: dict[int, bytes] = field(default_factory=dict)  # first seq of a block: tag before it
    acked: int = 0

    @property
    def newest(self) -> int:
        return max(self.slots)

    @property
    def oldest(self) -> int:
        return min(self.slots)

    @property
    def waiting(self) -> int:
        return sum(seq > self.acked for seq in self.slots)

    def prev(self, seq: int) -> bytes:
        """The tag before `seq`: the record's before it, a header's, or the newest one that can still be read."""
        if seq - 1 in self.slots:
            return self.slots[seq - 1][1]
        if seq in self.before:
            return self.before[seq]
        older = [s for s in self.slots if s < seq]
        return self.slots[max(older)][1] if older else bytes(record.TAG_BYTES)

    def batch(self, box: str, cursor: int, question: int) -> Batch:
        """What the box would send from `cursor` on. `question` takes the place of its uptime."""
        first = min((seq for seq in self.slots if seq >= cursor), default=self.newest + 1)
        base = first
        while base - 1 in self.slots:
            base -= 1
        sealed = []
        for seq in range(first, first + BATCH_RECORDS):
            if seq not in self.slots:
                break
            packed, tag = self.slots[seq]
            r = record.unpack(packed)
            sealed.append(Sealed(seq, r.kind, r.level, r.n, packed, tag))
        depth = sum(seq >= first + len(sealed) for seq in self.slots)
        boot = record.unpack(self.slots[self.newest][0]).boot
        return Batch(box, self.id, boot, question, base, first, self.prev(first), depth, tuple(sealed))

    def wrong_tags(self, k_chain: bytes, box: str) -> list[int]:
        """Records whose tag is not this box's own. What follows a hole cannot be checked against what is gone, and is
        taken at its neighbour's word."""
        wrong = []
        for seq in sorted(self.slots):
            if seq == 1:
                prev = record.first_tag(k_chain, box, self.id)
            elif seq - 1 in self.slots or seq in self.before:
                prev = self.prev(seq)
            else:
                continue
            packed, tag = self.slots[seq]
            if record.next_tag(k_chain, prev, packed) != tag:
                wrong.append(seq)
        return wrong


def lives(ring: bytes) -> list[Life]:
    """Every life of a journal that holds a record. A rotten header costs its block nothing but the tag that it held."""
    found: dict[bytes, Life] = {}
    rotten = []
    for at in range(0, len(ring) - image.BLOCK + 1, image.BLOCK):
        head = ring[at : at + image.SLOT]
        magic, _, life, first, before = HEADER.unpack_from(head)
        whole = int.from_bytes(head[HEADER_CRC_AT:], "little") == binascii.crc32(head[:HEADER_CRC_AT])
        if magic == image.JOURNAL_MAGIC and whole:
            one = found.setdefault(life, Life(life.hex()))
            one.before[first] = before
            _take(one, ring[at : at + image.BLOCK])
        elif magic == image.JOURNAL_MAGIC or life in found:
            rotten.append((at, life))
    for at, life in rotten:
        owner = found.get(life) or (next(iter(found.values())) if len(found) == 1 else None)
        if owner is not None:
            _take(owner, ring[at : at + image.BLOCK])
    return [one for one in found.values() if one.slots]


def _take(life: Life, block: bytes) -> None:
    for packed, tag, acked in _slots(block):
        seq = record.unpack(packed).seq
        life.slots[seq] = (
            packed,
            tag,
        )  # twice only where the first slot did not read back well: the same bytes
        if acked:
            life.acked = max(life.acked, seq)


def _slots(block: bytes) -> Iterator[tuple[bytes, bytes, bool]]:
    for at in range(image.SLOT, image.BLOCK, image.SLOT):
        raw = block[at : at + image.SLOT]
        crc = int.from_bytes(raw[CRC_AT:ACK_AT], "little")
        if raw[:CRC_AT] != b"\xff" * CRC_AT and binascii.crc32(raw[:CRC_AT]) & 0xFFFF == crc:
            yield raw[:TAG_AT], raw[TAG_AT:CRC_AT], raw[ACK_AT].bit_count() <= image.ACKED_ONES


def named(text: bytes) -> tuple[str, bytes] | None:
    """(box, k_chain) of a box.json."""
    try:
        got = json.loads(text)
        return str(got["box"]), bytes.fromhex(got["k_chain"])
    except (ValueError, KeyError, TypeError):
        return None
