# The ring: flash blocks and 64-byte slots, and where each seq lies.
#
# Refuses: to decide what may be given up (journal.py), or to trust a program it has not read back.
#
# Block  = header slot, then 63 record slots.
# Slot   = packed record 53 | tag 8 | crc u16 (crc32 of the 61 before, low half) | ack u8.
# Header = magic | erases u32 | life 8 | first seq u32 | tag before it 8 | n 3 x u32 | lost 3 x u32 | unknown u32 |
#          boot u16 | mark u16 | crc32. n, lost, unknown and boot are as they stood when the block was opened.
#
# A record carries its own seq, so a slot that cannot be written is skipped and the same bytes go into the next one: no
# seq is spent and nothing is lost. A seq thus lies at slot (seq - first + 1) of its block or a few behind, never before.
#
# An erase takes 45 ms, and a cut in it leaves anything. So it is fenced: the header is programmed to zero first (what
# is half erased is never taken for records), and magic, erases and mark are written when it has ended (what has no mark
# is erased again). The mark is a crc of the 8 bytes before it, and keeps the erase count over a power cut.

import struct
from array import array
from binascii import crc32

BLOCK = 4096  # bytes, the smallest erase of NOR flash
SLOT = 64  # bytes
SLOTS = 63  # records in a block
MIN_BLOCKS = 4  # the newest, an erased one, and two to hold something
MAGIC = b"MYJ1"
HEADER = "<4sI8sI8s3I3IIHHI"
ACK = 63  # place of the ack byte in a slot
ACKED_ONES = 3  # an ack byte with at most so many ones says acked: one rotten bit of eight neither frees nor takes back
BLANK = b"\xff" * SLOT
ZEROS = b"\0" * SLOT

UNREADABLE, BAD = 1, 2  # ring.marks: some seq of this block cannot be read; this block cannot be written


class Ring:
    def __init__(self, flash):
        self.flash = flash
        self.count = flash.size // BLOCK
        if self.count < MIN_BLOCKS or flash.block != BLOCK:
            raise ValueError("flash")
        self.first = array("I", [0] * self.count)  # first seq of each block; 0: holds nothing
        self.marks = bytearray(self.count)
        self.head = -1  # the newest block
        self.slot = 1  # the next free slot in it
        self._tail = 0  # not behind the oldest block: oldest() moves it on
        self.spare = -1  # the block that is erased and marked
        self.erases = 0
        self.faults = 0
        self.buf = bytearray(SLOT)  # the slot or header looked at last
        self._sealed = memoryview(self.buf)[:61]
        self._head = memoryview(self.buf)[:60]
        self._check = bytearray(SLOT)

    # ---- where things are

    def left(self):
        return SLOTS + 1 - self.slot

    # The block in use before b, in the order of writing; -1 if b is the oldest.
    def older(self, b):
        for _ in range(self.count):
            b = (b or self.count) - 1
            if b == self.head:
                break
            if self.first[b]:
                return b
        return -1

    # The block in use after b; -1 if b is the newest.
    def newer(self, b):
        while b != self.head:
            b = (b + 1) % self.count
            if self.first[b]:
                return b
        return -1

    def begin_at(self, head):
        self.head, self._tail = head, (head + 1) % self.count

    def oldest(self):
        while not self.first[self._tail]:
            self._tail = (self._tail + 1) % self.count
        return self._tail

    # The block to be written after the newest; -1 if none can be.
    def target(self):
        b = self.head
        for _ in range(self.count - 1):
            b = (b + 1) % self.count
            if self.marks[b] != BAD:
                return b
        return -1

    # The last seq of block b, which is not the newest.
    def last(self, b):
        return self.first[self.newer(b)] - 1

    # Does block b, not the newest, hold a record behind `acked`?
    def waits(self, b, acked):
        return self.first[b] and self.last(b) > acked

    # Slots that can be written before a record behind `acked` must go.
    def free(self, acked):
        free = self.left()
        for b in range(self.count):
            if b != self.head and self.marks[b] != BAD and not self.waits(b, acked):
                free += SLOTS
        return free

    def block_of(self, seq):
        b = self.head
        while b >= 0 and self.first[b] > seq:
            b = self.older(b)
        return b

    # -> address of seq's slot, the slot itself in buf; -1 if it cannot be read.
    def find(self, seq):
        b = self.block_of(seq)
        if b < 0:
            return -1
        for i in range(seq - self.first[b] + 1, SLOTS + 1):
            got = self.load(b, i)
            if got == seq:
                return b * BLOCK + i * SLOT
            if got > seq:
                break
        return -1

    # ---- reading

    # Slot i of block b into buf -> its seq; 0: blank; -1: torn or rotten.
    def load(self, b, i):
        buf = self.buf
        self.flash.read(b * BLOCK + i * SLOT, buf)
        if crc32(self._sealed) & 0xFFFF == buf[61] | buf[62] << 8:
            seq = struct.unpack_from("<I", buf, 4)[0]
            first = self.first[b]
            return seq if first <= seq < first + i else -1
        return 0 if buf == BLANK else -1

    # Header of block b into buf -> True if it is whole (one rotten bit is put right in buf).
    def header(self, b):
        self.flash.read(b * BLOCK, self.buf)
        if self._whole():
            return True
        # Life stands nowhere else: it must survive the likeliest rot. A blank or erased header is no rot.
        if self.buf == ZEROS or self.buf[8:58] == BLANK[8:58]:
            return False
        for bit in range(SLOT * 8):
            self.buf[bit >> 3] ^= 1 << (bit & 7)
            if self._whole():
                return True
            self.buf[bit >> 3] ^= 1 << (bit & 7)
        return False

    def _whole(self):
        return self.buf[:4] == MAGIC and crc32(self._head) == struct.unpack_from("<I", self.buf, 60)[0]

    # (magic, erases, life, first, prev, n1, n2, n3, lost1, lost2, lost3, unknown, boot, mark, crc) of the header in buf
    def fields(self):
        return struct.unpack(HEADER, self.buf)

    # Erase count of the header in buf; -1 if it has no mark.
    def worn(self):
        magic, erases = struct.unpack_from("<4sI", self.buf, 0)
        mark = struct.unpack_from("<H", self.buf, 58)[0]
        return erases if magic == MAGIC and mark == crc32(self.buf[:8]) & 0xFFFF else -1

    # ---- writing

    # Programs one slot or header and reads it back.
    def burn(self, b, i, data):
        self.flash.program(b * BLOCK + i * SLOT, data)
        self.flash.read(b * BLOCK + i * SLOT, self._check)
        if self._check == data:
            return True
        self.faults += 1
        return False

    # Zeroes what lies behind the newest readable record, `known`, in the newest block. A bit in doubt reads now one way
    # and now the other: what was once taken for torn must not come back when the chain has gone on without it.
    def void(self, known):
        for i in range(self.slot - 1, 0, -1):
            if 0 < self.load(self.head, i) <= known:
                return
            if self.buf != ZEROS:
                self.flash.program(self.head * BLOCK + i * SLOT, ZEROS)

    # Makes block b erased and marked. -> False if it cannot be: it is BAD then.
    def prepare(self, b):
        self.first[b] = 0
        self.flash.read(b * BLOCK, self.buf)
        wear = self.worn()
        if wear >= 0 and self.buf[8:58] == BLANK[8:58] and self.buf[60:] == BLANK[60:]:
            return self._spare(b)
        if wear < 0:
            wear = 0
            if self.head >= 0 and self.header(self.head):
                wear = self.worn()  # the ring wears evenly
        if not self._blank(b):
            self.flash.program(b * BLOCK, ZEROS)
            self.flash.erase(b)
            self.erases += 1
            wear += 1
        struct.pack_into("<4sI", self.buf, 0, MAGIC, wear)
        mark = struct.pack("<H", crc32(self.buf[:8]) & 0xFFFF)
        if self.burn(b, 0, bytes(self.buf[:8]) + BLANK[8:58] + mark + BLANK[60:]):
            return self._spare(b)
        self.marks[b] = BAD
        return False

    def _spare(self, b):
        self.spare = b
        self.marks[b] = 0
        return True

    def _blank(self, b):
        for i in range(SLOTS + 1):
            self.flash.read(b * BLOCK + i * SLOT, self.buf)
            if self.buf != BLANK:
                return False
        return True

    # Makes the spare block the newest. n, lost, unknown and boot as of before its first record.
    def open(self, life, first, prev, n, lost, unknown, boot):
        b, self.spare = self.spare, -1
        self.flash.read(b * BLOCK, self.buf)
        mark = struct.unpack_from("<H", self.buf, 58)[0]
        wear = struct.unpack_from("<I", self.buf, 4)[0]
        struct.pack_into(
            HEADER, self.buf, 0, MAGIC, wear, life, first, prev, n[0], n[1], n[2],
            lost[0], lost[1], lost[2], unknown, boot, mark, 0,
        )  # fmt: skip
        struct.pack_into("<I", self.buf, 60, crc32(self._head))
        if not self.burn(b, 0, self.buf):
            self.marks[b] = BAD
            return False
        if self.head >= 0:
            self.oldest()  # moves off b before b holds something again
        self.head, self.slot, self.first[b] = b, 1, first
        return True
