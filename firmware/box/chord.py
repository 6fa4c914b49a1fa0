# Two keys held together for 10 s: the technician's way to the hotspot page. A citizen's flat hand lets go sooner, and a
# box that leans on all three keys is not two.

HOLD_MS = 10_000
PAIRS = (3, 5, 6)  # bits of exactly two keys


class Chord:
    def __init__(self):
        self.moved = 0  # ms of the newest change: a key that furniture holds is no hand
        self._bits = 0
        self._since = None  # ms; None: this hold has been told

    # bits: keys down now. -> True once for each hold
    def held(self, bits, ms):
        if bits != self._bits:
            self._bits, self.moved = bits, ms
            self._since = ms if bits in PAIRS else None
        if self._since is None or ms - self._since < HOLD_MS:
            return False
        self._since = None
        return True
