# Questions about the chain as it lies in flash: which tag came before a record, and how far back a run is unbroken.
#
# Refuses: to write. Every answer about a tag is checked with the key, never guessed.

from box.chain import next_tag
from box.record import PACKED
from box.ring import BLOCK, SLOT, SLOTS, UNREADABLE

NO_TAG = b"\0" * 8  # the tag before a record has itself become unreadable


def _tag(slot):
    return bytes(slot[PACKED : PACKED + 8])


# The tag that seq's own was computed over: its neighbour's, or whichever of those still to be had makes seq's own.
# `start` is the tag before seq 1.
def tag_before(ring, key, seq, start):
    a = ring.find(seq)
    if a < 0:
        return NO_TAG
    b, packed, own = a // BLOCK, bytes(ring.buf[:PACKED]), _tag(ring.buf)
    good = start
    if ring.header(b):
        good = ring.fields()[4]
    elif ring.find(ring.first[b] - 1) >= 0:
        good = _tag(ring.buf)
    slot = good
    for i in range(1, a % BLOCK // SLOT):
        got = ring.load(b, i)
        slot = _tag(ring.buf)  # of a rotten slot too: the rot may be elsewhere in it
        if 0 < got < seq:
            good = slot
    for tag in (good, slot):
        if next_tag(key, tag, packed) == own:
            return tag
    return NO_TAG


# The oldest seq from which an unbroken run reaches `seq`. A block is believed until a slot of it refused to be read.
def run_base(ring, seq):
    b, limit = ring.block_of(seq), seq
    while b >= 0 and ring.marks[b] != UNREADABLE:
        limit = ring.first[b]
        b = ring.older(b)
    if b < 0:
        return limit
    base = expect = ring.first[b]
    for i in range(1, SLOTS + 1):
        got = ring.load(b, i)
        if got >= limit:
            break
        if got >= expect:
            if got > expect:
                base = got
            expect = got + 1
    return base if expect == limit else limit
