# What the journal still has to admit: queues of losses that are known but not yet written.
#
# Refuses: to write. A loss is (reason, flags, from, to, lost per level). The queues are in RAM alone; whatever is in them
# is found again by the scan after a cut, because nothing they speak of leaves the ring before they are written.

from box.record import CARRIED, FULL, ROTTEN
from box.scan import Sweep, tally


class Losses:
    def __init__(self, ring):
        self._ring = ring
        self.owed = []  # go before any other record
        self.gaps = []  # rotten records, oldest first; can wait for idle time
        self.suspect = 0  # a seq that could not be read and has not been looked into; 0: none

    # What a block had admitted, nobody has heard of, and is no longer there.
    def carry(self, carry):
        if carry:
            self.owed.append((FULL, CARRIED) + carry)

    # How far the ring may forget: not behind anything that waits to be admitted.
    def heard(self, acked):
        if self.suspect:
            acked = min(acked, self.suspect - 1)
        for gap in self.gaps:
            acked = min(acked, gap[2] - 1)
        return acked

    # Looks for what is missing from `seq` on and neither admitted nor about to be. n: the counts before `following`.
    def sweep(self, seq, following, n):
        ring = self._ring
        seq = self.heard(seq - 1) + 1
        b = ring.block_of(seq)
        s = Sweep(ring, b if b >= 0 else ring.oldest(), seq - 1)
        s.end(following, n)
        for owed in self.owed:
            s.gaps = [gap for gap in s.gaps if gap[2] < owed[2] or owed[3] < gap[3]]
        ring.faults += max(0, len(s.gaps) - len(self.gaps))
        self.gaps, self.suspect = s.gaps, s.more

    # Takes block b out of the ring and owes what that costs. -> acknowledged up to
    def condemn(self, b, acked, following, n):
        ring = self._ring
        first, last = max(ring.first[b], acked + 1), ring.last(b)
        lost, carry, whole = tally(ring, b, acked)
        seq = self.suspect if whole else first
        while True:
            if 0 < seq <= last:
                self.sweep(seq, following, n)
            for gap in self.gaps:
                if acked < gap[2] <= last and gap[0] == ROTTEN:
                    lost = [lost[k] + gap[4 + k] for k in range(3)]
                elif gap[2] <= last:
                    self.owed.append(gap)  # asked for again by the ledger, or not to be counted
            self.gaps = [gap for gap in self.gaps if gap[2] > last]
            seq = self.suspect
            if not 0 < seq <= last:
                break
        ring.first[b] = 0
        if first <= last:
            self.owed.append((FULL, 0, first, last, lost[0], lost[1], lost[2]))
        self.carry(carry)
        return max(acked, last)
