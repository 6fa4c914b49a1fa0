"""A box that lives through a story, and a collector that keeps what it was sent and answers as docs/WIRE.md says.

The journal is checked against what the story knows: which presses got their light, what every seq ever said, and that
stored presses and admitted losses add up to the box's own count. Runs on both interpreters; refuses to touch flash.
"""

from box.chain import first_tag, next_tag
from box.journal import Journal
from box.record import CARRIED, LOSS, PRESS, TORN, read_loss, unpack

KEY = bytes(range(100, 132))
BOX = "mb-test"
BATCH = 20


class Story:
    def __init__(self, flash):
        self.flash = flash
        self.lives = 0
        self.mortal = False  # may more rot than one bit take the only header there is, and the life with it?
        self.lit = {}  # seq -> level of presses whose append returned
        self.said = {}  # seq -> packed + tag, whatever was ever read
        self.stored = {}  # seq -> (packed, tag, prev) at the collector
        self.head = 0
        self.up_ms = 0
        self.boots = []

    def mint(self):
        if self.mortal:  # the collector meets an unknown life, and begins anew
            self.lit, self.said, self.stored, self.head = {}, {}, {}, 0
        assert not self.said, "a life was lost"
        self.lives += 1
        return b"life%4d" % self.lives

    # ---- the box

    def boot(self):
        self.flash.power_on()
        self.j = Journal(self.flash, KEY, BOX, self.mint)
        self.j.begin(1, (1, 0, 0))
        self.next = self.j.acked + 1
        self.up_ms = 0
        return self.j

    def press(self, level):
        self.up_ms += 1000
        seq = self.j.append(PRESS, self.up_ms, level=level)
        assert seq not in self.lit, "a seq was used twice"
        self.lit[seq] = level
        return seq

    def write(self, kind, **fields):
        self.up_ms += 10
        return self.j.append(kind, self.up_ms, **fields)

    def idle(self):
        for _ in range(500):
            if not self.j.tidy(self.up_ms):
                return
        raise AssertionError("tidy never ends")

    # ---- the link: one batch and its answer -> False when nothing waits

    def send(self, heard=True):
        j, slot, batch = self.j, bytearray(64), []
        self.next = max(self.next, j.base)
        while self.next <= j.newest and not j.read(self.next, slot):
            self.next += 1
        base, prev = j.run(self.next)
        assert base <= self.next
        seq = self.next
        while seq <= j.newest and len(batch) < BATCH and j.read(seq, slot):
            batch.append((seq, bytes(slot[:53]), bytes(slot[53:61])))
            seq += 1
        self._take(base, self.next, prev, batch)
        if not heard:
            return True
        tag = self.stored[self.head][1] if self.head else b""
        following = j.ack(self.head, tag)
        assert following is not None, "a true acknowledgement was refused"
        was, self.next = self.next, following
        return bool(batch) or following != was

    def _take(self, base, first, prev, batch):
        if first > self.head + 1 and base < first:
            return  # it can go back
        for seq, packed, tag in batch:
            if seq in self.stored:
                assert self.stored[seq][:2] == (packed, tag), f"two contents of seq {seq}"
            else:
                self.stored[seq] = (packed, tag, prev)
            self.head = max(self.head, seq)
            prev = tag

    def settle(self):
        for _ in range(2000):
            self.idle()
            if not self.send() and not self.j.tidy():
                break
        else:
            raise AssertionError("the box never finishes")
        assert self.j.acked == self.j.newest
        assert self.j.depth == 0

    # ---- what must always hold

    # Every seq that can be read says what it always said.
    def watch(self):
        slot = bytearray(64)
        for seq in range(self.j.base, self.j.newest + 1):
            if self.j.read(seq, slot):
                now = bytes(slot[:61])
                assert self.said.setdefault(seq, now) == now, f"seq {seq} changed"
                assert unpack(slot)[3] == seq

    def losses(self):
        out = []
        for seq in sorted(self.stored):
            f = unpack(self.stored[seq][0])
            if f[1] == LOSS:
                out.append((f[9], f[11]) + read_loss(f[12]))  # noqa: RUF005 (MicroPython)
        return out

    def stored_presses(self):
        n = [0, 0, 0]
        for packed, _, _ in self.stored.values():
            f = unpack(packed)
            if f[1] == PRESS and f[8] <= 3:
                n[f[8] - 1] += 1
        return n

    # pressed = stored + admitted, per level; and every light is stored or admitted by range.
    def account(self):
        lost = [0, 0, 0]
        ranges = []
        for reason, _, first, last, *n in self.losses():
            ranges.append((first, last))
            if reason != TORN:
                lost = [lost[k] + n[k] for k in range(3)]
        stored = self.stored_presses()
        missing = [seq for seq in self.lit if seq not in self.stored]
        for seq in missing:
            assert any(a <= seq <= z for a, z in ranges), f"the light of seq {seq} was a lie"
        for seq, level in self.lit.items():
            if seq in self.stored:
                assert unpack(self.stored[seq][0])[8] == level
        assert [stored[k] + lost[k] for k in range(3)] == self.j.n, (stored, lost, self.j.n)
        return lost, missing

    # The admissions that nobody repeats add up to what the box says of itself.
    def own_losses(self):
        lost, unknown = [0, 0, 0], 0
        for reason, flags, first, last, *n in self.losses():
            if reason == TORN:
                unknown += last - first + 1
            elif not flags & CARRIED:
                lost = [lost[k] + n[k] for k in range(3)]
        return lost, unknown

    # Tags, recomputed. `hmac` lets a test bring its own. -> seqs that do not continue their predecessor
    def verify(self, tag_of=next_tag):
        breaks = []
        before = 0
        good = first_tag(KEY, BOX, self.j.life)
        for seq in sorted(self.stored):
            packed, tag, prev = self.stored[seq]
            if prev != good:
                breaks.append(seq)
            if prev == bytes(8):  # the box's word for: that tag has rotted, and cannot be had any more
                before, good = seq, tag
                continue
            assert tag_of(KEY, prev, packed) == tag, f"tag of seq {seq}"
            if prev != good:
                # What has rotted in the box may have been heard before, and its acknowledgement not.
                admitted = any(loss[2] <= before <= loss[3] for loss in self.losses())
                assert admitted or seq > before + 1, f"the chain breaks at seq {seq} without a gap"
            before, good = seq, tag
        return breaks
