# What a journal finds in flash at boot: which blocks hold it, where it ends, how far it was acknowledged, what it still
# has to admit. Needed once, so box/journal.py loads it when it opens and main.py forgets it then: 3 KB of an ESP32's heap.
#
# Refuses: to write anything but zeros over a forged end, and to hold records: it reads slot by slot into the ring's one
# buffer.

import struct

from box.chain import next_tag
from box.record import PACKED, TORN
from box.ring import ACK, ACKED_ONES, BLOCK, MAGIC, SLOT, SLOTS, ZEROS
from box.scan import Sweep, tally


# Finds the blocks of one life, in order. -> life, or None: the flash holds none.
def survey(ring):
    life, newest = None, 0
    for b in range(ring.count):
        whole = ring.header(b)
        ring.erases += max(ring.worn(), 0)
        if whole:
            f = ring.fields()
            ring.first[b] = f[3]
            if f[3] > newest:
                life, newest = f[2], f[3]
    if not newest:
        return None
    for b in range(ring.count):
        if not ring.header(b):
            _salvage(ring, b, life)
        elif ring.fields()[2] != life:
            ring.first[b] = 0
    for b in range(ring.count):
        # Two blocks of the same first seq: the older took no record at all.
        first = ring.first[b]
        if first and (ring.head < 0 or first > ring.first[ring.head] or (first == newest and _any(ring, b))):
            ring.head, newest = b, first
    ring.begin_at(ring.head)
    bound, b = newest, ring.head
    for _ in range(ring.count - 1):
        b = (b or ring.count) - 1
        if ring.first[b] >= bound:
            ring.first[b] = 0  # out of order: what an older life or an old fault left behind
        bound = ring.first[b] or bound
    _find_end(ring)
    return life


# A rotten header, its block's records perhaps whole: counted in if magic or life still stands. An erase begins by
# zeroing both, so that a half-erased block is never brought back.
def _salvage(ring, b, life):
    if ring.buf[:4] != MAGIC and ring.buf[8:16] != life:
        return
    said = ring.fields()[3]
    for i in range(1, SLOTS + 1):
        ring.flash.read(b * BLOCK + i * SLOT, ring.buf)
        seq = struct.unpack_from("<I", ring.buf, 4)[0]
        ring.first[b] = max(1, seq)
        if ring.load(b, i) == seq:
            if seq - i < said < seq:  # the rot is elsewhere in the header: slots before this one are gone
                ring.first[b] = said
            return
    ring.first[b] = 0


def _any(ring, b):
    return any(ring.load(b, i) > 0 for i in range(1, SLOTS + 1))


# The next free slot: the first blank one behind the newest record. What is not blank before it was torn; what is not
# blank behind it has rotted without ever being written, and is skipped when its turn comes.
def _find_end(ring):
    last = SLOTS
    while last and ring.load(ring.head, last) <= 0:
        last -= 1
    ring.slot = last + 1
    while ring.left() and ring.load(ring.head, ring.slot):
        ring.slot += 1


# -> the newest seq marked as acknowledged, or 0.
def acknowledged(ring):
    b, one = ring.head, bytearray(1)
    while b >= 0:
        for i in range(SLOTS, 0, -1):
            ring.flash.read(b * BLOCK + i * SLOT + ACK, one)
            if one[0] != 0xFF and bin(one[0]).count("1") <= ACKED_ONES:
                seq = ring.load(b, i)
                if seq > 0:
                    return seq
        b = ring.older(b)
    return 0


# Is the newest record one that only its crc vouches for? A torn slot passes that once in 65,536. -> (block, slot) or None
def forged_end(ring, key):
    b, i = ring.head, ring.slot - 1
    seq = ring.load(b, i) if i else 0
    if seq <= 0:
        return None
    packed, own = bytes(ring.buf[:PACKED]), bytes(ring.buf[PACKED : PACKED + 8])
    if i > 1 and ring.load(b, i - 1) == seq - 1:
        prev = bytes(ring.buf[PACKED : PACKED + 8])
    elif i == 1 and ring.header(b):
        prev = ring.fields()[4]
    else:
        return None  # its neighbour is gone too: nothing to check it against
    return None if next_tag(key, prev, packed) == own else (b, i)


# What a journal must know of itself when it is opened again; tells `losses` what is still to be admitted.
# -> (newest, the seq to be written next, acknowledged, tag of the newest, n, lost, unknown, the newest boot)
def recover(ring, losses, key):
    forged = forged_end(ring, key)
    if forged:
        ring.flash.program(forged[0] * BLOCK + forged[1] * SLOT, ZEROS)  # for good: its seq is spent
    acked = acknowledged(ring)
    b = ring.block_of(acked) if acked else ring.oldest()
    if not acked:
        acked = ring.first[b] - 1
    while not ring.header(b) and ring.older(b) >= 0:
        b = ring.older(b)  # the totals stand in headers only
    s = Sweep(ring, b, acked)
    following = s.seq + 1 + s.torn
    torn = _owed(ring, losses, s, following)
    boot = s.boot + following - torn  # no boot may be one that a torn record was of
    acked = _given(ring, losses, s, acked)
    return s.good or s.seq, following, acked, s.tag, list(s.n), s.lost, s.unknown, boot


# Hands over what the walk found. -> the first seq that is torn
def _owed(ring, losses, s, following):
    torn = s.seq + 1
    for gap in s.gaps:
        if gap[2] > s.good and not sum(gap[4:]):
            torn = min(torn, gap[2])  # torn before the newest block was opened, and not admitted since
    losses.gaps = [gap for gap in s.gaps if gap[2] < torn]
    if torn < following:
        losses.owed.append((TORN, 0, torn, following - 1, 0, 0, 0))
    losses.suspect = s.more
    ring.faults += sum([gap[3] - gap[2] + 1 for gap in losses.gaps])
    return torn


# A cut came between an admission and the erase: what was admitted is not shown again. -> acknowledged up to
def _given(ring, losses, s, acked):
    b = ring.oldest()
    if s.given >= ring.first[b] and not s.carried:
        losses.carry(tally(ring, b, acked)[1])
    while b != ring.head and ring.last(b) <= s.given:
        ring.first[b] = 0
        b = ring.oldest()
    return max(acked, ring.first[b] - 1)
