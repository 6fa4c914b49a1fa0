# The journal's own partition as box/ring.py wants flash: bytes at addresses, blocks that are erased.
#
# A program or an erase that the driver gives up (no memory of its own just then, a time-out) is one that did not happen:
# the ring reads back whatever it writes, and takes the next slot.
#
# Refuses: every other partition, and the two-argument writeblocks, which erases first: a program here only clears bits.
# In-place acks need that, and rule out flash encryption (facts.md).

from esp32 import Partition

BLOCK = 4096
ERASE = 6  # the block protocol's ioctl


class Flash:
    def __init__(self, label="journal"):
        found = Partition.find(Partition.TYPE_DATA, label=label)
        if not found:
            raise OSError("no partition " + label)
        self._part = found[0]
        _, _, _, self.size, _, encrypted = self._part.info()
        if encrypted:
            raise OSError("journal encrypted")
        self.block = BLOCK

    def read(self, addr, buf):
        self._part.readblocks(addr // BLOCK, buf, addr % BLOCK)

    def program(self, addr, data):
        try:
            self._part.writeblocks(addr // BLOCK, data, addr % BLOCK)
        except OSError:
            pass

    def erase(self, block):
        try:
            self._part.ioctl(ERASE, block)
        except OSError:
            pass
