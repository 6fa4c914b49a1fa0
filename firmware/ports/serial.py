# The serial line to a technician's computer: whole lines in, lines out.
#
# Reads byte by byte, and only what is there: on a board a read of more blocks the VM until it has all of it. A line that
# is too long is dropped up to its end.

import select

from ports.dial import readable

LF, CR = 10, 13


class Serial:
    # source, sink: streams of bytes, such as sys.stdin.buffer and sys.stdout.buffer. most: bytes a line
    def __init__(self, source, sink, most):
        self._source, self._sink, self._most = source, sink, most
        self._ready = select.poll()
        self._ready.register(source, select.POLLIN)
        self._one = bytearray(1)

    # -> the next line without its end; None: the line is gone for good (never on a board)
    async def line(self):
        text, one = b"", self._one
        while True:
            await readable(self._source)
            n = self._source.readinto(one)
            while n:
                if one[0] in (LF, CR):
                    if text and len(text) <= self._most:
                        return text
                    text = b""
                elif len(text) <= self._most:
                    text += bytes(one)
                if not self._ready.poll(0):
                    break
                n = self._source.readinto(one)
            if not n:
                return None

    def say(self, text):
        self._sink.write((text + "\r\n").encode())
