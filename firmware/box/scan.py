# What is missing in flash: a walk from slot to slot.
#
# Refuses: to write, and to hold records: it walks slot by slot through the ring's one buffer.

from box.record import CARRIED, FULL, LOSS, PACKED, PRESS, ROTTEN, TORN, read_loss, unpack
from box.ring import SLOTS, UNREADABLE

GAPS_MAX = 8  # held at a time; the rest are found by the next sweep


# A walk from a block to the newest slot. Finds the gaps that end behind `after` and that no loss record admits yet, each
# (reason, flags, from, to, lost per level), exact by what the neighbours count; and what a boot has to know.
class Sweep:
    def __init__(self, ring, b, after):
        self.ring = ring
        self.after = after
        self.gaps = []
        self.more = 0  # the first gap that did not fit: sweep again from there
        self.good = 0  # the newest record that can be read
        self.seq = -1  # the newest seq accounted for; -1: nothing yet
        self.n = (0, 0, 0)  # counts there; None: not known
        self.tag = None  # of `good`, or the one a whole header says comes before its block
        self.boot = 0
        self.lost, self.unknown = [0, 0, 0], 0
        self.given = 0  # up to here was given up (journal full)
        self.carried = False  # and what that block had admitted has been admitted again
        self._block = -1
        self.torn = 0  # slots behind the newest readable record that hold something unreadable
        while b >= 0:
            self._walk(b)
            b = ring.newer(b)

    def _walk(self, b):
        ring = self.ring
        self.torn, self._block = 0, self._block if self._block >= 0 else b
        if ring.header(b):
            f = ring.fields()
            self._meet(f[3], f[5:8], 0)
            self.seq, self.tag, self.boot = f[3] - 1, f[4], max(f[12], self.boot)
            self.lost, self.unknown = list(f[8:11]), f[11]
        elif self.seq < 0:
            self.seq, self.n = ring.first[b] - 1, None
        self._block = b
        for i in range(1, ring.slot if b == ring.head else SLOTS + 1):
            seq = ring.load(b, i)
            if seq <= 0:
                self.torn += 1
                continue
            if seq <= self.seq:
                continue  # the same record again: its first slot did not read well when it was written
            f = unpack(ring.buf)
            self.torn = 0
            self._meet(seq, f[5:8], f[8] if f[1] == PRESS else 0)
            self.good = self.seq = seq
            self.tag = bytes(ring.buf[PACKED : PACKED + 8])
            self.boot = max(f[2], self.boot)
            if f[1] == LOSS:
                self._admitted(f[9], f[11], read_loss(f[12]))

    # `seq` is there, `n` its counts, `level` the press that it itself is: what lies between was lost.
    def _meet(self, seq, n, level):
        first = self.seq + 1
        if self.seq >= 0 and seq > first:
            self.ring.marks[self._block] = UNREADABLE
            if seq - 1 <= self.after:
                pass
            elif len(self.gaps) == GAPS_MAX:
                self.more = self.more or first
            elif self.n is None:  # a rotten header, and its first slots too: how many presses, nobody can say
                self.gaps.append((TORN, 0, first, seq - 1, 0, 0, 0))
            else:
                lost = [max(0, n[k] - self.n[k] - (level == k + 1)) for k in range(3)]
                self.gaps.append((ROTTEN, 0, first, seq - 1, lost[0], lost[1], lost[2]))
        self.n = n

    def _admitted(self, reason, flags, loss):
        first, last, *lost = loss
        if not flags & CARRIED:
            if reason == TORN:
                self.unknown += last - first + 1
            else:
                self.lost = [self.lost[k] + lost[k] for k in range(3)]
        if reason == FULL:
            self.carried = bool(flags & CARRIED)
            self.given = max(self.given, last)
        left = []
        for gap in self.gaps:
            if first <= gap[2] and gap[3] <= last:
                continue  # admitted
            grown = gap[2] <= first and last <= gap[3]  # since then: only the rest is left to admit
            left.append(gap[:4] + tuple([max(0, gap[4 + k] - lost[k]) for k in range(3)]) if grown else gap)
        self.gaps = left

    # The walk's end, told by a box that knows it: what it wrote last, and its counts then.
    def end(self, following, n):
        self._meet(following, n, 0)


# What goes with block b, of records behind `after`.
# -> (presses per level, admissions in it that must be made again as (from, to, lost per level) or None, nothing missing)
def tally(ring, b, after):
    lost, carry, whole = [0, 0, 0], None, True
    newer = ring.newer(b)
    end = ring.first[newer] if newer >= 0 else ring.first[b]
    expect = max(ring.first[b], after + 1)
    for i in range(1, SLOTS + 1):
        seq = ring.load(b, i)
        if seq < expect:
            continue
        whole = whole and seq == expect
        expect = seq + 1
        f = unpack(ring.buf)
        if f[1] == PRESS and 1 <= f[8] <= 3:
            lost[f[8] - 1] += 1
        elif f[1] == LOSS and f[9] != TORN:  # of a torn slot the beat's `unknown` goes on telling
            a = read_loss(f[12])
            c = carry or (a[0], a[1], 0, 0, 0)
            carry = (min(a[0], c[0]), max(a[1], c[1]), a[2] + c[2], a[3] + c[3], a[4] + c[4])
    return lost, carry, whole and expect == end
