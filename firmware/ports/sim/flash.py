# A file as NOR flash: a program only clears bits, an erase sets a whole block. Every call is durable against a kill of
# the process, and can be the one at which the power is cut.
#
# Refuses: to be kinder than the part: programming a bit from 0 to 1 does nothing, here as there.

import os

SIZE = 512 * 1024
BLOCK = 4096


class Flash:
    # cut: at this program or erase (from 1) only half of it happens, and `cut_power` is called. 0: never.
    def __init__(self, path, cut, cut_power):
        self.block = BLOCK
        self._cut, self._cut_power = cut, cut_power
        try:
            os.stat(path)
        except OSError:
            with open(path, "wb") as f:
                for _ in range(SIZE // 512):
                    f.write(b"\xff" * 512)
        self.size = os.stat(path)[6]  # a file of another size is a smaller or larger part
        self._file = open(path, "r+b")

    def read(self, addr, buf):
        self._file.seek(addr)
        self._file.readinto(buf)

    def program(self, addr, data):
        last = self._last()
        if last:
            data = data[: len(data) // 2]
        old = bytearray(len(data))
        self.read(addr, old)
        for i in range(len(data)):
            old[i] &= data[i]
        self._write(addr, old)
        if last:
            self._cut_power()

    def erase(self, block):
        last = self._last()
        for i in range(0, BLOCK // 2 if last else BLOCK, 512):
            self._write(block * BLOCK + i, b"\xff" * 512)
        if last:
            self._cut_power()

    def _last(self):
        self._cut -= 1
        return self._cut == 0

    def _write(self, addr, data):
        self._file.seek(addr)
        self._file.write(data)
        self._file.flush()
