# The guided key test: the lamp of one key at a time asks for it, all three in random order. docs/decisions/006.
#
# PASSED: all three came. FAILED: somebody was there, and then an asked key did not come in time: it may be dead.
# ABANDONED: nobody came, or another key than the asked one did. That press is a visitor's: the caller writes it down as
# a press, with its light, and the test is over.
#
# Refuses: to begin by itself, to take a press that it did not ask for, and to last longer than LIMIT_MS.

PASSED, FAILED, ABANDONED = 1, 2, 3  # reasons of the keytest record
LIMIT_MS = 20_000
KEYS = 3
ORDERS = b"\1\2\3\1\3\2\2\1\3\2\3\1\3\1\2\3\2\1"


class KeyTest:
    # chance: 32 random bits
    def __init__(self, chance, ms):
        i = chance % 6 * KEYS
        self._asked = ORDERS[i : i + KEYS]
        self._pressed = b""
        self._end = ms + LIMIT_MS

    # The key whose lamp is lit.
    def wanted(self):
        return self._asked[len(self._pressed)]

    # -> 0: it goes on; or how it ended
    def press(self, level):
        right = level == self.wanted()
        self._pressed += bytes((level,))
        if not right:
            return ABANDONED
        return PASSED if len(self._pressed) == KEYS else 0

    # -> 0, or how it ended because nobody pressed
    def late(self, ms):
        return 0 if ms < self._end else FAILED if self._pressed else ABANDONED

    # `data` of the record: what was asked, what was pressed, in this order
    def data(self):
        return self._asked + self._pressed
