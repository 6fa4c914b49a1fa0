# The keys, pressed by a script. The latch works as hardware's does: the first edge and its time are remembered until they
# are read, however long the VM was blocked. `down` and `up` are as many fingers as there are keys; `tap` is one finger,
# which cannot be on two keys at once.

import asyncio
import time

NEVER = None  # a key held until further notice
UP = 0
ALL_UP = [UP, UP, UP]
STROKE_MS = 120  # from one tap to the next: no finger is faster
LIFT_MS = 40  # between the end of a tap and the next


class Fingers:
    def __init__(self):
        self._until = [UP, UP, UP]  # us at which the finger leaves
        self._edge = [0, 0, 0]  # us of the newest down edge, for the figure on the `light` line
        self._latched = 0
        self._first = [0, 0, 0]  # us of the first down edge since the last read
        self.ago = [0, 0, 0]  # of those that `read` told: ms since that edge
        self._free = time.ticks_us()  # when the tapping finger can tap again
        self.broken = False

    # Returns when the finger is down.
    async def tap(self, level, for_ms):
        await asyncio.sleep_ms(max(0, time.ticks_diff(self._free, time.ticks_us()) // 1000))
        self.down(level, for_ms)
        self._free = time.ticks_add(time.ticks_us(), max(STROKE_MS, for_ms + LIFT_MS) * 1000)

    # for_ms None: until `up`
    def down(self, level, for_ms=None):
        now = time.ticks_us()
        i = level - 1
        if not self._is_down(i, now):
            if not self._latched & 1 << i:
                self._first[i] = now
            self._latched |= 1 << i
            self._edge[i] = now
        self._until[i] = NEVER if for_ms is None else time.ticks_add(now, for_ms * 1000)

    def up(self, level):
        self._until[level - 1] = UP

    # No heap: it runs 200 times a second.
    def read(self):
        if self.broken:
            raise OSError("keys")
        seen, self._latched = self._latched << 3, 0
        if seen or self._until != ALL_UP:
            now = time.ticks_us()
            for i in (0, 1, 2):
                if seen & 8 << i:
                    self.ago[i] = time.ticks_diff(now, self._first[i]) // 1000
                if self._is_down(i, now):
                    seen |= 1 << i
        return seen

    def since_ms(self, level):
        return time.ticks_diff(time.ticks_us(), self._edge[level - 1]) / 1000

    def _is_down(self, i, now):
        until = self._until[i]
        if until == UP:
            return False
        if until is not NEVER and time.ticks_diff(until, now) <= 0:
            self._until[i] = UP
            return False
        return True
