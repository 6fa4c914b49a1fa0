# A message as it is written: in pieces, into one block of memory that is there from the start. A small heap that has run
# for a month has room everywhere, and nowhere three hundred bytes in one piece.
#
# Refuses: to grow, and to take half a piece.

FRONT = 216  # bytes kept free before the first piece, for what is only known with the last: MQTT's head and a batch's


class Sheet:
    def __init__(self, buf):
        self._buf = memoryview(buf)
        self.size = len(buf)

    # Forgets what was written.
    def begin(self, piece):
        self.start = self.end = FRONT
        self.add(piece)

    # -> False: there is no room for it
    def add(self, piece):
        end = self.end + len(piece)
        if end > self.size:
            return False
        self._buf[self.end : end] = piece
        self.end = end
        return True

    # In front of all that is there. Raises ValueError if there is no room.
    def before(self, piece):
        start = self.start - len(piece)
        self._buf[start : self.start] = piece
        self.start = start

    # What is written, valid until `begin`.
    def text(self):
        return self._buf[self.start : self.end]
