"""Power cuts: at every single flash operation of a scripted day, and at random ones, in all ways a write can tear.

Whatever happens: the journal opens, no light was a lie, nothing counts twice, no seq says two things, tags verify.
"""

import hmac
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from box.record import CLOCK, DUTY
from flash import TEARS, NorFlash, PowerCut
from world import Story


def law(key: bytes, prev: bytes, packed: bytes) -> bytes:
    """docs/WIRE.md's tag, from the standard library: nothing of the box's own."""
    return hmac.new(key, prev + packed, "sha256").digest()[:8]


def press(level):
    return lambda s: s.press(level)


def idle(s):
    s.idle()


def tidy(s):
    s.j.tidy(s.up_ms)


def send(s):
    s.send()


def unheard(s):
    s.send(heard=False)


def reboot(s):
    s.boot()
    s.watch()


def clock(s):
    s.write(CLOCK, reason=1, data=b"12345678abcd")


def duty(s):
    s.write(DUTY, reason=1, data=b"\4\xde\xad\xbe\xef")


ROUND = [press(1), press(3), clock, press(2), duty, press(1)]
DAYS = {
    # name: (presses before the day begins, what follows each, the day)
    "first": (0, reboot, [idle, *ROUND, reboot, reboot, tidy, send, *ROUND, idle]),
    "online": (
        225,
        send,
        [tidy, *ROUND, send, tidy, *ROUND, unheard, reboot, *ROUND, send, idle, reboot, press(2), idle] * 3,
    ),
    "offline": (
        215,
        idle,
        [tidy, *ROUND, tidy, tidy, *ROUND, reboot, *ROUND, tidy, reboot, idle, press(3)] * 3,
    ),
    "never idle": (215, reboot, [*ROUND * 6, reboot, *ROUND]),
    "offline for ages": (640, idle, [tidy, *ROUND, tidy, tidy, *ROUND, reboot, *ROUND, tidy] * 4),
}


def morning(name):
    """What is in flash and known when the day begins: (cells, lit, said, stored, head)."""
    presses, after, _ = DAYS[name]
    s = Story(NorFlash(4))
    if presses:
        s.boot()
    for i in range(presses):
        s.press(1 + i % 3)
        if i % 20 == 0:
            after(s)
    return s


def begin(before, cuts=()):
    s = Story(NorFlash(4))
    s.flash.cells[:] = before.flash.cells
    s.flash.programs, s.flash.erases = before.flash.programs, before.flash.erases
    s.lit, s.said, s.stored = dict(before.lit), dict(before.said), dict(before.stored)
    s.lives, s.head = before.lives, before.head
    s.flash.cuts = [list(cut) for cut in cuts]
    return s


def live(s, steps):
    """Goes through the steps; after a cut the box boots, and goes on with the next. -> cuts that happened"""
    cuts = 0
    for step in [reboot, *steps]:
        try:
            step(s)
        except PowerCut:
            cuts += 1
            while True:
                try:
                    reboot(s)
                    break
                except PowerCut:
                    cuts += 1
    return cuts


def check(s, cuts):
    s.flash.cuts = []
    reboot(s)
    s.settle()
    s.watch()
    s.account()
    s.verify(law)
    assert s.j.unknown <= cuts
    assert abs(s.j.erases - s.flash.erases) <= 1 + cuts  # a cut may cost one count
    written = s.flash.programs, s.flash.erases
    s.boot()
    s.idle()
    assert (s.flash.programs, s.flash.erases) == written


@pytest.mark.parametrize("name", DAYS)
def test_cut_at_every_single_operation(name):
    before, steps = morning(name), DAYS[name][2]
    whole = begin(before)
    live(whole, steps)
    operations = whole.flash.programs + whole.flash.erases - before.flash.programs - before.flash.erases
    assert operations > 15
    if name != "first":
        assert whole.flash.erases > before.flash.erases
    check(whole, 0)
    for n in range(1, operations + 1):
        for tear in TEARS:
            s = begin(before, [(n, tear)])
            cuts = live(s, steps)
            assert cuts == 1
            check(s, cuts)


MORNINGS = {}


@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from(sorted(DAYS)),
    cuts=st.lists(st.tuples(st.integers(1, 60), st.sampled_from(TEARS)), max_size=12),
    again=st.integers(1, 3),
)
def test_any_number_of_cuts(name, cuts, again):
    if name not in MORNINGS:
        MORNINGS[name] = morning(name)
    s = begin(MORNINGS[name], cuts)
    check(s, live(s, DAYS[name][2] * again))
