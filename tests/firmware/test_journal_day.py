"""A day with 1,000 presses and no network, and the power fails at every flash operation of it, in every way a write can
tear: whatever had its light is there after the next start, with its level, and the box goes on.

Not each cut is followed to the evening: a box that was started from what is left is compared with what is known of its
past, presses twice more, and every so often delivers everything to a collector that checks the whole of it.
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from box.record import CLOCK, DUTY, PRESS, unpack
from flash import TEARS, NorFlash, PowerCut
from test_journal_cuts import law
from world import Story

PRESSES = 1000
BLOCKS = 20  # 1,260 slots: the day fits, so nothing may be given up
DELIVER_EVERY = 97


def day():
    """Every step of it: 1,000 presses, idle moments between them, the clock by the hour, badges, two power cuts at noon."""
    yield lambda s: s.boot()
    for i in range(PRESSES):
        yield lambda s, level=1 + i % 3: s.press(level)
        if i % 3 == 0:
            yield lambda s: s.idle()
        if i % 125 == 0:
            yield lambda s: s.write(CLOCK, reason=3, data=b"12345678abcd")
        if i in (1, PRESSES - 2):
            yield lambda s: s.write(DUTY, reason=1, data=b"\4\xde\xad\xbe\xef")
        if i in (500, 510):
            yield lambda s: s.boot()


class Logged(NorFlash):
    """Writes down every program and erase, and how many presses had their light before it."""

    def __init__(self, blocks):
        super().__init__(blocks)
        self.lit, self.log = {}, []

    def program(self, address, data):
        self.log.append((len(self.lit), "program", (address, bytes(data))))
        super().program(address, data)

    def erase(self, number):
        self.log.append((len(self.lit), "erase", (number,)))
        super().erase(number)


def left_by(cells, lit, operation, tear):
    """A box that is started from what a cut operation has left."""
    s = Story(NorFlash(BLOCKS))
    s.flash.cells[:] = cells
    s.flash.cuts = [[1, tear]]
    name, words = operation
    with pytest.raises(PowerCut):
        getattr(s.flash, name)(*words)
    s.lit = lit
    s.boot()
    return s


def whole(s):
    """Everything that had its light reads as it was pressed."""
    slot = bytearray(64)
    for seq, level in s.lit.items():
        assert s.j.read(seq, slot), f"the light of seq {seq} was a lie"
        fields = unpack(slot)
        assert (fields[1], fields[3], fields[8]) == (PRESS, seq, level)
    assert s.j.lost == [0, 0, 0]
    assert s.j.unknown <= 1


@pytest.mark.slow
def test_the_power_fails_at_every_flash_operation_of_a_day_with_a_thousand_presses_offline():
    s = Story(Logged(BLOCKS))
    s.flash.lit = s.lit
    for step in day():
        step(s)
    whole(s)
    pressed, cells, delivered = list(s.lit.items()), bytearray(b"\xff" * s.flash.size), 0
    assert len(pressed) == PRESSES
    assert len(s.flash.log) > PRESSES
    for cut, (lit, *operation) in enumerate(s.flash.log):
        for tear in TEARS:
            one = left_by(cells, dict(pressed[:lit]), operation, tear)
            whole(one)
            for level in (3, 1):
                one.press(level)
            if cut % DELIVER_EVERY == 0:
                one.settle()
                one.account()
                one.verify(law)
                delivered += 1
        after = NorFlash(BLOCKS)
        after.cells = cells
        getattr(after, operation[0])(*operation[1])
    assert cells == s.flash.cells
    assert delivered > 10
    s.settle()
    assert s.account() == ([0, 0, 0], [])
