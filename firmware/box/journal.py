# The journal: what the box must not lose, in a ring of flash blocks (ring.py) that it finds again at boot (scan.py).
#
# Refuses: to know time, network or lamps, to say "kept" of anything it has not read back, and to give anything up
# without saying so. The rules:
# - A seq names one content for ever. A slot that cannot be written is skipped, and the same bytes go into the next.
# - Blocks go oldest first. Acknowledged ones go silently; before another one is erased, a loss record (FULL) says from,
#   to and how many. What that block had itself admitted, unheard, is admitted again (CARRIED: not counted twice here).
# - What cannot be read between good records is admitted once (ROTTEN), exact by its neighbours' counts; whether it has
#   been is read from the ring itself, so a reboot does not say it again.
# - A torn or rotten end is admitted by the very next record (TORN), and zeroed before that, lest it read well again
#   one day. Its seqs are spent, and its boots too.
# - One thing is not proof against a cut: if a dozen cuts or bad slots in a row leave a full ring's newest block no room
#   for the loss record, it follows the erase. Cut there too, only the centre finds the gap, with the same figures.

import struct
from binascii import crc32

from box.chain import first_tag, next_tag
from box.links import run_base, tag_before
from box.losses import Losses
from box.record import BOOT, LOSS, PACKED, PRESS, TORN, loss_data, pack
from box.ring import ACK, SLOT, UNREADABLE, Ring

RESERVE = 16  # slots kept for admissions at the end of a full ring's newest block: two are needed, the rest may tear
GIVE_UP_AT = 20  # slots left when idle work gives up a block: sooner loses more, later erases under a key
TORN_MAX = 4  # torn slots at the end that idle work speaks of: a boot loop that tears must not eat the ring
BLOCK_TRIES = 3  # new blocks tried for one record: more would erase the past for a flash that is dead
BOOT_MAX = 65535


class JournalFault(Exception):
    pass


class Journal:
    # Opens the flash. Writes only where it holds no life yet: one header. `mint` gives 8 random bytes for that.
    def __init__(self, flash, k_chain, box, mint):
        self.ring = Ring(flash)
        self._key = k_chain
        self._out = bytearray(SLOT)
        self._packed = memoryview(self._out)[:PACKED]
        self._sealed = memoryview(self._out)[: PACKED + 8]
        self._begin = None
        self._losses = Losses(self.ring)
        self._up_ms = 0
        self.n, self.lost, self.unknown = [0, 0, 0], [0, 0, 0], 0
        self.newest = self.acked = self.boot = 0
        self._next = 1
        from box import survey  # noqa: PLC0415  needed once

        life = survey.survey(self.ring)
        self.life = life or mint()
        self._first_tag = self._tag = first_tag(k_chain, box, self.life)
        if life:
            (
                self.newest, self._next, self.acked, self._tag, self.n, self.lost, self.unknown, self.boot
            ) = survey.recover(self.ring, self._losses, self._key)  # fmt: skip
        else:
            self._open_block()
        self.boot = min(self.boot + 1, BOOT_MAX)

    # ---- figures

    @property
    def base(self):
        return self.ring.first[self.ring.oldest()]

    @property
    def depth(self):
        return max(0, self.newest - self.acked)

    # Records that can still be written before an unacknowledged one must go.
    @property
    def room(self):
        return max(0, self.ring.free(self.acked) - RESERVE)

    @property
    def erases(self):
        return self.ring.erases

    @property
    def faults(self):
        return self.ring.faults

    # ---- writing

    # What the boot record will say, which is written with the first other record. fw: (major, minor, patch)
    def begin(self, reason, fw):
        self._begin = (reason, bytes(fw))

    # -> seq. Durable when it returns. Raises JournalFault if the flash takes nothing more.
    def append(self, kind, up_ms, level=0, reason=0, held=0, flags=0, data=b""):
        self._up_ms = max(up_ms, self._up_ms)
        self._admit_owed()
        if self._begin:
            self._make_room()
            self._write(BOOT, up_ms, 0, self._begin[0], 0, 0, self._begin[1])
            self._begin = None
        self._make_room()
        return self._write(kind, up_ms, level, reason, held, flags, data)

    # One program and one read-back, unless the slot is bad or the block is full.
    def _write(self, kind, up_ms, level, reason, held, flags, data):
        ring, out = self.ring, self._out
        n = self.n
        if kind == PRESS and 1 <= level <= 3:
            n = n[:]
            n[level - 1] += 1
        pack(out, kind, self.boot, self._next, up_ms, n, level, reason, held, flags, data)
        out[PACKED : PACKED + 8] = tag = next_tag(self._key, self._tag, self._packed)
        struct.pack_into("<HB", out, PACKED + 8, crc32(self._sealed) & 0xFFFF, 0xFF)
        while True:
            if not ring.left():
                self._open_block()
            ring.slot += 1
            if ring.burn(ring.head, ring.slot - 1, out):
                break
        self.n, self._tag = n, tag
        self.newest = self._next
        self._next += 1
        return self.newest

    def _admit_owed(self):
        while self._losses.owed:
            self._admit(self._losses.owed)

    def _admit(self, queue):
        reason, flags, first, last, *lost = queue[0]
        if last > self.newest:
            self.ring.void(self.newest)  # a torn end
        self._write(LOSS, self._up_ms, 0, reason, 0, flags, loss_data(first, last, lost))
        queue.pop(0)
        if reason == TORN:
            self.unknown += last - first + 1
        elif not flags:
            self.lost = [self.lost[k] + lost[k] for k in range(3)]

    def _open_block(self):
        ring = self.ring
        for _ in range(BLOCK_TRIES):
            b = ring.spare
            if b < 0:
                b = ring.target()
                if b < 0:
                    break
                if self._waits(b):
                    self._condemn(b)  # no slot was left to say so first
                if not ring.prepare(b):
                    continue
            if ring.open(self.life, self._next, self._tag, self.n, self.lost, self.unknown, self.boot):
                return
        raise JournalFault("flash")

    # ---- giving up

    # The last slots of a full ring's newest block must hold the admission of what is erased next.
    def _make_room(self):
        ring = self.ring
        b = ring.target()
        if ring.left() <= RESERVE and ring.spare < 0 <= b and self._waits(b):
            self._give_up(b)

    def _give_up(self, b):
        self._condemn(b)
        self._admit_owed()

    def _condemn(self, b):
        self.acked = self._losses.condemn(b, self.acked, self._next, self.n)

    # Does block b, not the newest, hold what nobody has heard of or what is still to be admitted?
    def _waits(self, b):
        return self.ring.waits(b, self._losses.heard(self.acked))

    # One piece of idle work: one admission, one look, or one block given up or erased ahead. -> True: it did something.
    def tidy(self, up_ms=0):
        self._up_ms = max(up_ms, self._up_ms)
        ring, losses = self.ring, self._losses
        try:
            if losses.owed:
                owed = losses.owed[0]
                if owed[0] == TORN and owed[3] - owed[2] >= TORN_MAX:
                    return False
                self._admit(losses.owed)
            elif losses.gaps:
                self._make_room()
                if losses.gaps:
                    self._admit(losses.gaps)
            elif losses.suspect:
                losses.sweep(losses.suspect, self._next, self.n)
            elif ring.spare >= 0 or ring.target() < 0:
                return False
            elif not self._waits(ring.target()):
                ring.prepare(ring.target())
            elif ring.left() <= GIVE_UP_AT:
                self._give_up(ring.target())
            else:
                return False
            return True
        except JournalFault:
            return False

    # ---- sending

    # The slot of seq into buf (64 bytes) -> False: not held, torn or rotten.
    def read(self, seq, buf):
        if not self.base <= seq <= self.newest:
            return False
        if self.ring.find(seq) < 0:
            self._doubt(seq)
            return False
        buf[:] = self.ring.buf
        return True

    def _doubt(self, seq):
        self.ring.marks[self.ring.block_of(seq)] = UNREADABLE
        self._losses.suspect = min(seq, self._losses.suspect or seq)

    # -> (the oldest seq from which an unbroken run reaches seq, the tag before seq). seq may be newest + 1.
    def run(self, seq):
        prev = self._tag if seq > self.newest else tag_before(self.ring, self._key, seq, self._first_tag)
        return run_base(self.ring, seq), prev

    # The collector's head (docs/WIRE.md, ack) -> the seq to send next, or None: it is not about this journal.
    def ack(self, seq, tag):
        if seq < self.base:
            return self.base
        if seq >= self._next:
            return None
        a = self.ring.find(seq)
        if a < 0:
            if seq <= self.newest:
                self._doubt(seq)
            return seq + 1  # rotten: nothing to compare with, so nothing is freed, and the box goes on
        if self.ring.buf[PACKED : PACKED + 8] != tag:
            return None
        if seq > self.acked:
            # Not in flash while something before it waits to be admitted: a reboot must find that again.
            if self._losses.heard(seq) == seq:
                self.ring.flash.program(a + ACK, b"\0")
            self.acked = seq
        return seq + 1
