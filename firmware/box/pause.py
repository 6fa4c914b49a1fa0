# How long to wait before trying again: doubles up to a limit, with jitter, so that a county does not return all at once.
#
# Refuses: to sleep, and to make its own chance: the caller brings 32 random bits.

MOST_MS = 300_000  # WIRE.md: 5 minutes


class Pause:
    def __init__(self, first_ms, most_ms=MOST_MS):
        self._first = first_ms
        self._most = max(first_ms, most_ms)
        self._next = first_ms

    def again(self):
        self._next = self._first

    # -> between half of the pause and the whole of it
    def ms(self, chance):
        pause = self._next
        self._next = min(pause * 2, self._most)
        return pause // 2 + (pause - pause // 2) * (chance & 0xFFFF) // 0xFFFF
