# MFRC522, a reader of 13.56 MHz badges (ISO 14443 A), over an SPI object (write_readinto, write) and a chip-select pin.
# `poll` does one step and returns: it never waits for a badge, because a key may be pressed meanwhile.
#
#   REQA → any badge there?  ANTICOLLISION, and SELECT while the number goes on (4, 7 or 10 bytes)  HALT
# A badge is halted when it has been read, and answers again only after it was taken away: one reading for one touch.
#
# Refuses: to write to a badge or to read anything but its number, and to believe a number whose check byte is wrong.

COMMAND, COM_IRQ, ERROR, FIFO, FIFO_LEVEL, CONTROL, BIT_FRAMING, COLL = (
    0x01,
    0x04,
    0x06,
    0x09,
    0x0A,
    0x0C,
    0x0D,
    0x0E,
)
MODE, TX_CONTROL, TX_ASK, T_MODE, T_PRESCALER, T_RELOAD_H, T_RELOAD_L, VERSION = (
    0x11, 0x14, 0x15, 0x2A, 0x2B, 0x2C, 0x2D, 0x37,
)  # fmt: skip
IDLE, TRANSCEIVE, SOFT_RESET = 0x00, 0x0C, 0x0F
RX_IRQ, IDLE_IRQ, TIMER_IRQ = 0x20, 0x10, 0x01
START = 0x80  # BIT_FRAMING: send what is in the FIFO
ANTENNA = 0x03
FLUSH = 0x80
BAD = 0x1B  # ERROR: buffer overflow, collision, parity, protocol

REQA, HALT = 0x26, b"\x50\x00"
LEVELS = (0x93, 0x95, 0x97)  # a number of 4, 7, 10 bytes has one, two, three levels
CASCADE = 0x88  # stands before the first three bytes of a number that goes on
UID_MAX = 10  # bytes
PATIENCE = 8  # polls without any interrupt: the chip has lost its way, and is set up anew

ASKING, NUMBER, CHOOSING = 0, 1, 2


def crc_a(data):
    crc = 0x6363
    for byte in data:
        b = byte ^ crc & 0xFF
        b = (b ^ b << 4) & 0xFF
        crc = crc >> 8 ^ b << 8 ^ b << 3 ^ b >> 4
    return bytes((crc & 0xFF, crc >> 8 & 0xFF))


class MFRC522:
    def __init__(self, spi, cs):
        self._spi, self._cs = spi, cs
        self._two, self._got = bytearray(2), bytearray(2)
        self._cs.value(1)
        self.start()

    # False: no chip answers (0x00 and 0xFF are an open or a shorted line)
    def present(self):
        return self._read(VERSION) not in (0x00, 0xFF)

    def start(self):
        self._write(COMMAND, SOFT_RESET)
        for reg, value in (
            (T_MODE, 0x80),  # the timer starts with the end of a transmission,
            (T_PRESCALER, 0xA9),  # counts in 25 us,
            (T_RELOAD_H, 0x00),
            (T_RELOAD_L, 0xC8),  # and gives up after 5 ms: a badge answers within 0.1 ms
            (TX_ASK, 0x40),
            (MODE, 0x3D),  # CRC preset 6363
            (TX_CONTROL, 0x80 | ANTENNA),
        ):
            self._write(reg, value)
        self._state, self._uid, self._level, self._polls = None, b"", 0, 0

    # One step. -> a badge's number (4, 7 or 10 bytes) once for each touch, else None
    def poll(self):
        if self._state is None:
            self._ask()
            return None
        irq = self._read(COM_IRQ)
        if not irq & (RX_IRQ | IDLE_IRQ | TIMER_IRQ):
            self._polls += 1
            if self._polls >= PATIENCE:
                self.start()
            return None
        answer = self._answer() if irq & RX_IRQ else None
        if answer is None:
            self._state = None
            return None
        return self._next(answer)

    def _next(self, answer):
        if self._state == ASKING and len(answer) == 2:
            self._uid, self._level = b"", 0
            return self._number()
        if self._state == NUMBER and len(answer) == 5:
            if answer[0] ^ answer[1] ^ answer[2] ^ answer[3] == answer[4]:
                chosen = bytes((LEVELS[self._level], 0x70)) + answer
                self._uid += answer[1:4] if answer[0] == CASCADE else answer[:4]
                self._more = answer[0] == CASCADE
                self._send(CHOOSING, chosen + crc_a(chosen))
                return None
        elif self._state == CHOOSING and len(answer) == 3 and crc_a(answer[:1]) == answer[1:]:
            if self._more and self._level < 2:
                self._level += 1
                return self._number()
            if not self._more:
                self._send(None, HALT + crc_a(HALT))  # nothing answers a halt
                return self._uid
        self._state = None
        return None

    def _ask(self):
        self._send(ASKING, bytes((REQA,)), bits=7)

    def _number(self):
        self._send(NUMBER, bytes((LEVELS[self._level], 0x20)))

    # ---- registers

    def _send(self, state, data, bits=0):
        self._write(COMMAND, IDLE)
        self._write(COM_IRQ, 0x7F)
        self._write(FIFO_LEVEL, FLUSH)
        self._write(COLL, 0)  # bits after a collision are cleared
        for byte in data:
            self._write(FIFO, byte)
        self._write(COMMAND, TRANSCEIVE)
        self._write(BIT_FRAMING, START | bits)
        self._state, self._polls = state, 0

    # -> what came, or None
    def _answer(self):
        self._write(BIT_FRAMING, 0)
        n = self._read(FIFO_LEVEL)
        if self._read(ERROR) & BAD or self._read(CONTROL) & 7 or not 0 < n <= UID_MAX:
            return None
        return bytes([self._read(FIFO) for _ in range(n)])

    def _write(self, reg, value):
        self._two[0], self._two[1] = reg << 1, value
        self._cs.value(0)
        self._spi.write(self._two)
        self._cs.value(1)

    def _read(self, reg):
        self._two[0], self._two[1] = 0x80 | reg << 1, 0
        self._cs.value(0)
        self._spi.write_readinto(self._two, self._got)
        self._cs.value(1)
        return self._got[1]
