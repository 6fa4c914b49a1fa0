# What the box says with light and sound. One light and one sound for all three keys together: nobody at the window may
# learn from the box which colour was pressed, so no function here is even told.
#
# Refuses: to touch a pin, to know the time, to be late: `show` answers at once with what to switch on.
#
# light: percent of the configured brightness; sound: 0 or 1 at the configured volume.

IDLE, OFFLINE, INVITE, FAULT = "idle", "offline", "invite", "fault"  # states: they last
KEPT, CONFIRMED, IDENTIFY = "kept", "confirmed", "identify"  # signs: they end, and the state shows again

FOREVER = 0
PATTERNS = {  # steps of (light, sound, ms), repeated
    IDLE: ((15, 0, FOREVER),),  # the keys glow, so that they are found
    OFFLINE: ((15, 0, 2900), (0, 0, 100)),  # for the technician; to a citizen it still just glows
    INVITE: ((70, 0, 500), (15, 0, 500)),
    FAULT: ((60, 0, 120), (0, 0, 120)),  # the journal takes nothing: do not trust this box
    KEPT: ((100, 1, 80), (100, 0, 420), (0, 0, 120)),  # it is in flash
    CONFIRMED: ((45, 0, 60), (0, 0, 60)),  # the collector has it
    IDENTIFY: ((100, 1, 150), (0, 0, 350)),  # "which box is this?"
}
LASTS_MS = {KEPT: 620, CONFIRMED: 240, IDENTIFY: 5000}


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
    if len(steps) == 1:
        return steps[0]
    elapsed %= sum([ms for _, _, ms in steps])
    i = 0
    while elapsed >= steps[i][2]:
        elapsed -= steps[i][2]
        i += 1
    light, sound, ms = steps[i]
    return light, sound, ms - elapsed
