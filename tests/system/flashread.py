"""Reads a box's flash image with nothing of the box's own code: the truth that system tests compare everything with.

Refuses to judge: a slot whose checksum is wrong is simply not a record.
"""

import binascii
import struct
from dataclasses import dataclass
from pathlib import Path

BLOCK, SLOT, PACKED, PRESS = 4096, 64, 53, 1


@dataclass(frozen=True, slots=True)
class Stored:
    """One record found in flash. `life` is 16 hex digits; `level` is 1 to 3 for a press."""

    life: str
    seq: int
    kind: int
    level: int
    tag: str


def records(image: Path) -> list[Stored]:
    """Every intact record slot of a journal image, in the order of the blocks."""
    flash, found = image.read_bytes(), []
    for at in range(0, len(flash), BLOCK):
        header = flash[at : at + SLOT]
        if header[:4] != b"MYJ1":
            continue
        life = header[8:16].hex()
        for slot in range(at + SLOT, at + BLOCK, SLOT):
            raw = flash[slot : slot + SLOT]
            (crc,) = struct.unpack_from("<H", raw, 61)
            if raw[:61] == b"\xff" * 61 or binascii.crc32(raw[:61]) & 0xFFFF != crc:
                continue
            kind, seq, level = raw[1], int.from_bytes(raw[4:8], "little"), raw[28]
            found.append(Stored(life, seq, kind, level, raw[PACKED : PACKED + 8].hex()))
    return found


def presses(image: Path) -> set[tuple[str, int, int]]:
    """(life, seq, level) of every press in a journal image."""
    return {(r.life, r.seq, r.level) for r in records(image) if r.kind == PRESS}
