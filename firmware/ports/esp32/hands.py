# Three keys on pins: what is down now, and what went down since the last look, and when.
#
# Pin.irq is soft and its queue holds 8 (micropython #14330): the handler only latches the time of the first edge, and
# box/keys.py believes a latch without a key only after a blocked moment. Each key has a latch of its own, set by the
# handler and cleared by `read` only after it was seen set, so that an edge between two instructions is never lost.
# Between two bytecodes it runs at once; edges within one call of C that takes long, a TLS handshake, have the time of
# its end, all of them: one hand.

import time

from machine import Pin


class Hands:
    # pins: three numbers; down: a pin's level with its key down
    def __init__(self, pins, down, pull_up):
        self._down = down
        self._latch = [0, 0, 0]  # ticks of the first edge; 0: none
        self.ago = [0, 0, 0]  # of the edges that `read` told: ms since then
        self._pins = [Pin(n, Pin.IN, Pin.PULL_UP if pull_up else None) for n in pins]
        edge = Pin.IRQ_RISING if down else Pin.IRQ_FALLING
        for i, pin in enumerate(self._pins):
            pin.irq(handler=self._latcher(i), trigger=edge)

    def _latcher(self, i):
        latch = self._latch

        def on_edge(_):
            if not latch[i]:
                latch[i] = time.ticks_ms() or 1

        return on_edge

    # bit 0 to 2: down now, bit 3 to 5: went down since the last call. No heap: it runs 200 times a second.
    def read(self):
        seen, latch = 0, self._latch  # four in one line would be a tuple
        pins, down = self._pins, self._down
        for i in (0, 1, 2):
            if latch[i]:
                self.ago[i] = time.ticks_diff(time.ticks_ms(), latch[i])
                latch[i] = 0
                seen |= 8 << i
            if pins[i].value() == down:
                seen |= 1 << i
        return seen
