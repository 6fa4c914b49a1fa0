"""Bits rot anywhere, at any time. The journal always opens and always finishes, and what it cannot read it admits."""

import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from box.record import LOSS, TORN, read_loss, unpack
from box.ring import ACK, SLOT
from flash import BLOCK, TEARS, NorFlash, PowerCut
from test_journal_cuts import law
from world import Story

BLOCKS = 4

# A byte of flash changes: (address, bits). Or something happens: (what, how much). More than four of the eight bits of
# an acknowledgement would have to rot to make a false one: left out.
rot = st.tuples(
    st.just("rot"),
    st.integers(0, BLOCKS * BLOCK - 1).filter(lambda address: address % SLOT != ACK),
    st.integers(1, 255),
)
# Somewhat of a wavering bit: one of the newest record reads wrong at a start, and then as it was written.
happens = st.tuples(
    st.sampled_from(["press", "press", "send", "unheard", "idle", "reboot", "cut", "waver"]),
    st.integers(1, 40),
    st.sampled_from(TEARS),
)


def happen(s, what, much, tear):
    match what:
        case "rot":
            s.flash.rot(much, tear)
        case "press":
            for i in range(much):
                s.press(1 + i % 3)
        case "send":
            for _ in range(much % 4):
                s.send()
        case "unheard":
            s.send(heard=False)
        case "idle":
            s.idle()
        case "reboot":
            s.boot()
        case "cut":
            s.flash.cuts = [[1 + much % 20, tear]]
        case "waver":
            waver(s, much)


def waver(s, byte):
    """A bit of the newest record reads wrong while the box starts, and right from then on."""
    at = s.j.ring.find(s.j.newest)
    if at >= 0:
        s.flash.rot(at + byte, 1)
        try:
            s.boot()
        finally:
            s.flash.rot(at + byte, 1)


def begun(presses):
    s = Story(NorFlash(BLOCKS))
    s.boot()
    s.idle()
    for i in range(presses):
        s.press(1 + i % 3)
        if i % 7 == 0:
            s.idle()
        if i % 50 == 0:
            s.send()
    return s


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 320), st.lists(rot | happens, max_size=12))
@example(267, [("rot", 1024, 1), ("reboot", 1, "nothing"), ("rot", 1024, 1), ("press", 1, "nothing")])
def test_rot_and_cuts_in_any_order_stop_nothing(presses, events):
    s = begun(presses)
    s.mortal = True
    s.watch()
    for event in events:
        try:
            happen(s, *event)
        except PowerCut:
            s.boot()
        s.watch()
    s.flash.cuts = []
    s.boot()
    s.settle()
    s.watch()
    s.press(2)
    s.settle()
    s.verify(law)
    # An admission may rot as well, but it was made.
    admitted = [read_loss(f[12]) for f in map(unpack, s.said.values()) if f[1] == LOSS] + [
        loss[2:] for loss in s.losses()
    ]
    for seq in s.lit:
        assert seq in s.stored or any(loss[0] <= seq <= loss[1] for loss in admitted), seq
    for _ in events:
        s.boot()
        s.idle()  # rot in the next free slot looks torn: that is said once for each
    written = s.flash.programs, s.flash.erases
    s.boot()
    s.idle()
    assert (s.flash.programs, s.flash.erases) == written


@pytest.mark.parametrize(
    "presses", [5, 62, 63, 267]
)  # in a block's middle, its last slots, a ring that has gone round
@pytest.mark.parametrize("byte", [0, 4, 16, 53, 61])  # of the record, its seq, its counts, its tag, its crc
@pytest.mark.parametrize("then", ["press", "idle", "reboot", "cut"])
def test_a_bit_that_reads_now_wrong_and_now_right_breaks_no_chain(presses: int, byte: int, then: str) -> None:
    s = begun(presses)
    newest, light = s.j.newest, dict(s.lit)
    waver(s, byte)
    if then == "cut":  # in the middle of making the record unreadable for good
        s.flash.cuts = [[1, "front"]]
        with pytest.raises(PowerCut):
            s.press(3)
    happen(s, "reboot" if then == "cut" else then, 1, "")
    s.press(2)
    s.boot()
    s.press(1)
    s.settle()
    s.verify(law)
    s.watch()
    if then == "reboot":  # nothing had been written yet: the record is there again, and nothing is missing
        assert newest in s.stored
        assert s.losses() == []
    else:
        assert newest not in s.stored
        assert [loss[:1] + loss[2:4] for loss in s.losses() if loss[0] == TORN] == [(TORN, newest, newest)]
    assert set(light) - set(s.stored) <= {newest}


@settings(max_examples=300, deadline=None)
@given(
    presses=st.integers(1, 180),  # the ring is not full: nothing has to go
    where=st.lists(st.tuples(st.integers(1, 180), st.integers(0, 62), st.integers(1, 255)), max_size=6),
    reboot=st.booleans(),
)
def test_rotten_records_are_admitted_exactly(presses, where, reboot):
    s = Story(NorFlash(5))
    s.boot()
    for i in range(presses):
        s.press(1 + i % 3)
    gone = {}
    for seq, byte, bits in where:
        if seq < s.j.newest and seq not in gone:
            gone[seq] = s.j.ring.find(seq)
            s.flash.rot(gone[seq] + byte, bits)
    if reboot:
        s.boot()
    s.settle()
    lost, missing = s.account()
    assert set(missing) == {seq for seq in gone if seq in s.lit}
    assert lost == s.j.lost
    assert all(loss[0] != TORN for loss in s.losses())
    # A run of rotten slots may hide the very tag that the next record was made over; elsewhere it is found.
    hidden = [seq for seq in gone if seq + 1 not in gone]
    for seq in hidden:
        packed, tag, prev = s.stored[seq + 1]
        assert prev == bytes(8) or law(bytes(range(100, 132)), prev, packed) == tag


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 180), st.integers(0, BLOCKS - 1), st.integers(0, SLOT - 1), st.integers(0, 7))
def test_one_rotten_bit_in_a_header_costs_nothing(presses, block, byte, bit):
    s = Story(NorFlash(BLOCKS))
    s.boot()
    for i in range(presses):
        s.press(1 + i % 3)
    s.flash.rot(block * BLOCK + byte, 1 << bit)
    s.boot()
    s.settle()
    assert s.account() == ([0, 0, 0], [])
    assert s.verify(law) == []
