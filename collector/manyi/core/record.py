"""One record of a box in its 53 packed bytes (docs/WIRE.md, "The record, packed"), and what its `data` means
by kind.

Pure. Refuses nothing: an unknown kind or level unpacks like any other, because a record with a valid mac is
always kept. It does not check tags (verify.py does, with the auditor's keys).
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass
from typing import Final, TypeAlias

Levels: TypeAlias = tuple[int, int, int]
"""Presses per level, always in the order satisfied, basically satisfied, dissatisfied."""

NO_LEVELS: Final[Levels] = (0, 0, 0)

PACKED_BYTES: Final = 53
TAG_BYTES: Final = 8
BODY_BYTES: Final = PACKED_BYTES + 2 * TAG_BYTES
"""A ledger row of kind `record` holds packed 53 | tag before 8 | tag 8."""

PRESS, CLOCK, BOOT, DUTY, KEYTEST, LOSS = 1, 2, 3, 4, 5, 6
SATISFIED, BASIC, DISSATISFIED = 1, 2, 3
FMT_1: Final = 0x11
FLAG_PROMPTED: Final = 0x01
LOSS_FULL, LOSS_ROTTEN, LOSS_TORN = 1, 2, 3
DUTY_IN, DUTY_OUT, DUTY_CLOSING = 1, 2, 3

PACKED: Final = struct.Struct("<BBHIQIIIBBHB20s")
_VISIT = struct.Struct("<8sH")
_CLOCK = struct.Struct("<QI")
_LOSS = struct.Struct("<5I")

assert PACKED.size == PACKED_BYTES


@dataclass(frozen=True, slots=True)
class Record:
    """What a box wrote down. `n` counts the presses of this life per level, this record included."""

    seq: int
    kind: int
    boot: int
    up_ms: int
    n: Levels
    level: int = 0
    reason: int = 0
    held: int = 0
    flags: int = 0
    data: bytes = bytes(20)
    fmt: int = FMT_1

    @property
    def prompted(self) -> bool:
        return bool(self.flags & FLAG_PROMPTED)

    @property
    def own(self) -> Levels:
        """What this record itself adds to `n`."""
        return own(self.kind, self.level)


def own(kind: int, level: int) -> Levels:
    """Presses per level that a record of this kind and level adds: one for a press of a known level, else
    none.
    """
    return _OWN.get((kind, level), NO_LEVELS)


_OWN: Final[dict[tuple[int, int], Levels]] = {
    (PRESS, SATISFIED): (1, 0, 0),
    (PRESS, BASIC): (0, 1, 0),
    (PRESS, DISSATISFIED): (0, 0, 1),
}


def pack(r: Record) -> bytes:
    """53 bytes. Raises struct.error if a field does not fit."""
    return PACKED.pack(
        r.fmt, r.kind, r.boot, r.seq, r.up_ms, *r.n, r.level, r.reason, r.held, r.flags, r.data
    )


def unpack(packed: bytes) -> Record:
    """The record in the first 53 bytes, so that a ledger row's whole body may be given. Raises struct.error
    if shorter.
    """
    fmt, kind, boot, seq, up_ms, s, b, d, level, reason, held, flags, data = PACKED.unpack_from(packed)
    return Record(seq, kind, boot, up_ms, (s, b, d), level, reason, held, flags, data, fmt)


def split(body: bytes) -> tuple[bytes, bytes, bytes]:
    """A ledger row's body as (packed, tag before, tag)."""
    return (
        body[:PACKED_BYTES],
        body[PACKED_BYTES : PACKED_BYTES + TAG_BYTES],
        body[PACKED_BYTES + TAG_BYTES : BODY_BYTES],
    )


def clock_of(r: Record) -> tuple[int, int]:
    """A clock record's (Unix ms at its up_ms, uncertainty ms)."""
    unix_ms, uncertainty_ms = _CLOCK.unpack_from(r.data)
    return unix_ms, uncertainty_ms


def visit_of(r: Record) -> tuple[str, int]:
    """A press's (visit id as hex, business type); ("", 0) if it had none."""
    visit, biz = _VISIT.unpack_from(r.data)
    return ("" if visit == bytes(8) else visit.hex()), biz


def badge_of(r: Record) -> str:
    """A duty record's badge as hex; a length that does not fit is cut to the field."""
    return r.data[1 : 1 + min(r.data[0], 10)].hex()


@dataclass(frozen=True, slots=True)
class Admitted:
    """A box's own loss record: seq `first` to `last` are gone; `lost` is exact unless `counted` is False."""

    first: int
    last: int
    lost: Levels
    counted: bool


def loss_of(r: Record) -> Admitted:
    first, last, s, b, d = _LOSS.unpack_from(r.data)
    return Admitted(first, last, (s, b, d), r.reason != LOSS_TORN)


def first_tag(k_chain: bytes, box: str, life: str) -> bytes:
    """The tag before seq 1 of a life (life as 16 hex)."""
    what = b"manyi/1\0" + box.encode() + b"\0" + bytes.fromhex(life)
    return hmac.digest(k_chain, what, hashlib.sha256)[:TAG_BYTES]


def next_tag(k_chain: bytes, prev: bytes, packed: bytes) -> bytes:
    return hmac.digest(k_chain, prev + packed, hashlib.sha256)[:TAG_BYTES]
