"""NOR flash in memory, as unkind as the real thing. Refuses nothing that hardware would do.

A program only clears bits; an erase takes a whole block; a cut leaves either half done; bits rot and get stuck.
Runs on both interpreters.
"""

BLOCK = 4096
TEARS = ("nothing", "all", "start", "front", "back", "bits")


class PowerCut(Exception):
    pass


class NorFlash:
    block = BLOCK

    def __init__(self, blocks=5):
        self.size = blocks * BLOCK
        self.cells = bytearray(b"\xff" * self.size)
        self.programs = self.erases = self.reads = 0
        self.cuts = []  # [in which program or erase from now (1: the next), tear]; then from the next power_on
        self.dead = False
        self.stuck_low = {}  # address -> bits that read 0 whatever is done
        self.stuck_high = {}  # address -> bits that cannot be cleared
        self._seed = 1

    def power_on(self):
        self.dead = False

    def rot(self, address, mask):
        self.cells[address] ^= mask

    # ---- what a port offers

    def read(self, address, buf):
        self._alive()
        self.reads += 1
        buf[:] = self.cells[address : address + len(buf)]
        if self.stuck_low:
            for i in range(len(buf)):
                buf[i] &= ~self.stuck_low.get(address + i, 0) & 0xFF

    def program(self, address, data):
        assert address // BLOCK == (address + len(data) - 1) // BLOCK, "a program crosses a block"
        self._alive()
        self.programs += 1
        for i in self._touched(len(data)):
            new = data[i] | self.stuck_high.get(address + i, 0) if self.stuck_high else data[i]
            self.cells[address + i] &= new | self._weak()
        self._fall()

    def erase(self, number):
        self._alive()
        self.erases += 1
        start = number * BLOCK
        if not self._tear():
            self.cells[start : start + BLOCK] = b"\xff" * BLOCK
        else:
            for i in self._touched(BLOCK):
                self.cells[start + i] |= 0xFF ^ self._weak()
        self._fall()

    # ---- cuts

    def _alive(self):
        if self.dead:
            raise PowerCut

    # The tear of the operation that is under way; None: it will not be cut.
    def _tear(self):
        return self.cuts[0][1] if self.cuts and self.cuts[0][0] <= 1 else None

    def _fall(self):
        if self.cuts:
            if self._tear():
                self.cuts.pop(0)
                self.dead = True
                raise PowerCut
            self.cuts[0][0] -= 1

    # Which bytes an operation reaches: all, unless it is torn.
    def _touched(self, size):
        tear = self._tear()
        if tear == "nothing":
            return range(0)
        if tear == "start":
            return range(min(6, size))
        if tear == "front":
            return range(size // 2)
        return range(size // 2 if tear == "back" else 0, size)

    # Bits of a byte that a torn operation does not reach.
    def _weak(self):
        if self._tear() != "bits":
            return 0
        self._seed = (self._seed * 1103515245 + 12345) & 0x7FFFFFFF
        return (self._seed >> 16) & 0xFF
