"""What a day's presses cost the flash: block erases per 1,000 presses, on the box's own journal under CPython.

The journal is acknowledged as it would be online, so that its ring is reused; flash here is NOR as the part is.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "firmware"))

from box.journal import Journal
from box.record import PRESS

PRESSES = 20_000
FIRST_ROUND = 8_200  # of a new part: its blocks are blank, so they cost no erase and are not counted
BLOCK = 4096
SIZE = 512 * 1024


class Nor:
    """A program clears bits, an erase sets a block's."""

    size, block = SIZE, BLOCK

    def __init__(self) -> None:
        self.bytes = bytearray(b"\xff" * SIZE)
        self.erases = 0

    def read(self, addr: int, buf: bytearray) -> None:
        buf[:] = self.bytes[addr : addr + len(buf)]

    def program(self, addr: int, data: bytes) -> None:
        for i, byte in enumerate(data, addr):
            self.bytes[i] &= byte

    def erase(self, block: int) -> None:
        self.bytes[block * BLOCK : (block + 1) * BLOCK] = b"\xff" * BLOCK
        self.erases += 1


def main() -> list[tuple[object, ...]]:
    flash = Nor()
    journal = Journal(flash, bytes(32), "bench-box", lambda: bytes(range(8)))
    journal.begin(1, (1, 0, 0))
    for i in range(FIRST_ROUND + PRESSES):
        if i == FIRST_ROUND:
            flash.erases = 0
        seq = journal.append(PRESS, 1_000 * i, level=1)
        _, tag = journal.run(seq + 1)
        journal.ack(seq, tag)
        while journal.tidy(1_000 * i):
            pass
    return [
        (
            "erases per 1,000 presses",
            1_000 * flash.erases / PRESSES,
            "",
            "< 20",
            f"{PRESSES:,} presses, all acknowledged",
        )
    ]
