# What the box says with light and sound. One light and one sound for all three keys together: nobody at the window may
# learn from the box which colour was pressed, so no function here is even told.
#
# Refuses: to touch a pin, to know the time, to be late: `show` answers at once with what to switch on.
#
# light: percent of the configured brightness; sound: 0 or 1 at the configured volume.

IDLE, OFFLINE, CLOSED, INVITE, GUIDE, FAULT = 1, 2, 3, 4, 5, 6  # states: they last
KEPT, CONFIRMED, IDENTIFY = 11, 12, 13  # signs: they end, and the state shows again
WELCOME, FAREWELL, STEP, PASSED, FAILED = 14, 15, 16, 17, 18  # to a clerk

FOREVER = 0
PATTERNS = {  # light, sound, ms; light, sound, ms; ... repeated. Flat: a tuple in a tuple costs 64 bytes of heap
    IDLE: (15, 0, FOREVER),  # the keys glow, so that they are found
    OFFLINE: (15, 0, 2900, 0, 0, 100),  # for the technician; to a citizen it still just glows
    CLOSED: (0, 0, FOREVER),  # outside opening hours; the keys are live all the same
    GUIDE: (100, 0, FOREVER),  # a key test: only the asked key's lamp is lit at all
    INVITE: (70, 0, 500, 15, 0, 500),
    FAULT: (60, 0, 120, 0, 0, 120),  # the journal takes nothing: do not trust this box
    KEPT: (100, 1, 80, 100, 0, 420, 0, 0, 120),  # it is in flash
    CONFIRMED: (45, 0, 60, 0, 0, 60),  # the collector has it
    IDENTIFY: (100, 1, 150, 0, 0, 350),  # "which box is this?"
    WELCOME: (100, 1, 80, 0, 0, 120),  # twice: somebody is signed in
    FAREWELL: (100, 1, 400, 0, 0, 200),  # nobody is, any more
    STEP: (100, 1, 60, 100, 0, 60),
    PASSED: (100, 1, 100, 0, 0, 100),  # five times
    FAILED: (100, 1, 700, 0, 0, 300),
}
LASTS_MS = {
    KEPT: 620, CONFIRMED: 240, IDENTIFY: 5000, WELCOME: 400, FAREWELL: 600, STEP: 120, PASSED: 1000, FAILED: 2000,
}  # fmt: skip


class Lamp:
    def __init__(self):
        self.state = IDLE
        self.sign = None
        self._next = None  # a CONFIRMED that waits for KEPT to end
        self._since = 0

    # A press always wins; a confirmation never cuts the light of a press short; anything else replaces what was there.
    def show(self, sign, ms):
        if sign == CONFIRMED and self.sign is not None:
            if self.sign == KEPT:
                self._next = CONFIRMED
        else:
            self.sign, self._next, self._since = sign, None, ms
        return self.at(ms)

    def rest(self, state, ms):
        if state != self.state:
            self.state = state
            if self.sign is None:
                self._since = ms
        return self.at(ms)

    # -> (light, sound, ms until it changes; FOREVER: until told)
    def at(self, ms):
        if self.sign is not None and ms - self._since >= LASTS_MS[self.sign]:
            self.sign, self._next, self._since = self._next, None, ms
        elapsed = ms - self._since
        if self.sign is None:
            return _step(PATTERNS[self.state], elapsed)
        light, sound, wait = _step(PATTERNS[self.sign], elapsed)
        return light, sound, min(wait, LASTS_MS[self.sign] - elapsed)


def _step(steps, elapsed):
    if len(steps) > 3:
        elapsed %= sum([steps[i] for i in range(2, len(steps), 3)])
    i = 0
    while steps[i + 2] and elapsed >= steps[i + 2]:
        elapsed -= steps[i + 2]
        i += 3
    return steps[i], steps[i + 1], steps[i + 2] and steps[i + 2] - elapsed
