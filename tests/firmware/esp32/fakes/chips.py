# Chips as their registers: an MFRC522 with a badge in its field, a DS3231. Each does what its data sheet says of what the
# drivers use, and nothing kinder: a register not set right is a badge not seen.
# Runs on CPython and on MicroPython.


def crc_a(data):  # bit by bit, as ISO 14443-3 defines it; the driver's is another algorithm
    crc = 0x6363
    for byte in data:
        for i in range(8):
            bit = (byte >> i ^ crc) & 1
            crc = crc >> 1 ^ (0x8408 if bit else 0)
    return bytes((crc & 255, crc >> 8))


class Badge:
    def __init__(self, uid):
        self.parts = []  # what each cascade level answers: four bytes
        while len(uid) > 4:
            self.parts.append(b"\x88" + uid[:3])
            uid = uid[3:]
        self.parts.append(uid)
        self.level = None  # None: idle
        self.halted = False
        self.spoil = None  # a function of the answer: noise

    # frame as it was sent, bits of its last byte (0: all) -> answer or None
    def hear(self, frame, bits):
        answer = self._hear(frame, bits)
        return self.spoil(answer) if answer and self.spoil else answer

    def _hear(self, frame, bits):
        if bits == 7 and frame == b"\x26" and not self.halted:
            self.level = 0
            return b"\x44\x00"
        level = self.level
        if level is None or bits:
            self.level = None
            return None
        part = self.parts[level]
        check = bytes((part[0] ^ part[1] ^ part[2] ^ part[3],))
        code = (0x93, 0x95, 0x97)[level]
        if frame == bytes((code, 0x20)):
            return part + check
        chosen = bytes((code, 0x70)) + part + check
        if frame == chosen + crc_a(chosen):
            more = level + 1 < len(self.parts)
            self.level = level + 1 if more else level
            sak = b"\x04" if more else b"\x08"
            return sak + crc_a(sak)
        if frame == b"\x50\x00" + crc_a(b"\x50\x00"):
            self.halted, self.level = True, None
            return None
        self.level = None
        return None


class Reader:
    """The MFRC522 on an SPI bus; `cs` is its chip select. `late`: looks at COM_IRQ before anything has happened."""

    def __init__(self, version=0x92, late=1):
        self.version, self.late = version, late
        self.badge = None
        self.accesses = 0
        self.cs = self
        self.selected = False
        self._clear()

    def _clear(self):
        self.regs = bytearray(64)
        self.fifo = b""
        self.irq_in, self.irq_next = 0, 0

    def value(self, level=None):
        if level is not None:
            self.selected = not level
        return not self.selected

    def write(self, out):
        assert self.selected
        assert not out[0] & 0x80
        self._set(out[0] >> 1, out[1])

    def write_readinto(self, out, got):
        assert self.selected
        assert out[0] & 0x80
        got[0], got[1] = 0, self._get(out[0] >> 1 & 0x3F)

    def _get(self, reg):
        self.accesses += 1
        if self.version in (0, 255):
            return self.version
        if reg == 0x37:
            return self.version
        if reg == 0x09:
            first, self.fifo = self.fifo[:1], self.fifo[1:]
            return first[0] if first else 0
        if reg == 0x0A:
            return len(self.fifo)
        if reg == 0x04:
            if self.irq_in:
                self.irq_in -= 1
            else:
                self.regs[4] |= self.irq_next
                self.irq_next = 0
        return self.regs[reg]

    def _set(self, reg, value):
        self.accesses += 1
        if reg == 0x01 and value & 15 == 15:
            self._clear()
        elif reg == 0x04:
            self.regs[4] = self.regs[4] | value & 0x7F if value & 0x80 else self.regs[4] & ~value & 0x7F
        elif reg == 0x09:
            self.fifo += bytes((value,))
        elif reg == 0x0A:
            self.fifo = b"" if value & 0x80 else self.fifo
        else:
            self.regs[reg] = value
            if reg == 0x0D and value & 0x80 and self.regs[1] & 15 == 0x0C:
                self._exchange(value & 7)

    def _exchange(self, bits):
        r = self.regs
        on = r[0x14] & 3 == 3 and r[0x15] == 0x40 and r[0x11] & 3 == 1
        answer = self.badge.hear(self.fifo, bits) if self.badge and on else None
        self.fifo = answer or b""
        self.irq_in = self.late
        if answer:
            self.irq_next = 0x20
        elif r[0x2A] & 0x80 and r[0x2C] << 8 | r[0x2D]:
            self.irq_next = 0x01  # the timer ran out


class Clock:
    """The DS3231 on an I2C bus, at 0x68. `dead`: the battery is empty, the oscillator has stood."""

    def __init__(self):
        self.regs = bytearray(0x13)
        self.regs[0x0F] = 0x88
        self.there = True

    def readfrom_mem_into(self, address, at, buf):
        self._answer(address)
        buf[:] = self.regs[at : at + len(buf)]

    def writeto_mem(self, address, at, data):
        self._answer(address)
        self.regs[at : at + len(data)] = data

    def _answer(self, address):
        if address != 0x68 or not self.there:
            raise OSError(19)
