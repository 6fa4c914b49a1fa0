# Which step brings a lost network back: wait, join, radio off and on, reset. Pure; ports/esp32/net.py takes the steps.
#
# A driver may say "connected" and carry nothing, or "connecting" for ever (micropython #12315, #7139), so what counts is
# what was heard, and after every step that did not help comes a stronger one:
#   join     the network that worked last, then the others in order of preference, TRY_MS each
#   cycle    the radio off and on, after each such round; and every DEAF_MS while there is an address but not a word
#   reset    the box, if the radio finds no network for RESET_MS in a boot that had one; otherwise after PATIENCE_MS, as
#            a router that is off at night or a broker that is away is no reason to reset all night. Not while somebody is
#            at the keys; until he has gone the other steps go on
#
# Refuses: to scan (it blocks the keys for two seconds), and to leave a network that works for one that it likes better.

WAIT, JOIN, CYCLE, RESET = 0, 1, 2, 3  # CYCLE: and join afterwards

TRY_MS = 20_000  # association, WPA and DHCP in a bad corner
DEAF_MS = 660_000  # the link's longest pause is 5 minutes, and one attempt may fail by itself
RESET_MS = 1_800_000
PATIENCE_MS = 21_600_000


class Radio:
    # count: networks known, in order of preference
    def __init__(self, count, ms):
        self._heard = ms
        self._ever = False
        self.renew(count, ms)

    # Other networks, or another order: begin with the first at once.
    def renew(self, count, ms):
        self.network = 0  # the one that is joined, or tried
        self._count = count
        self._queue = None  # those still to try in this round; None: none has begun
        self._at = ms - TRY_MS  # of the newest step

    # linked: there is an address. heard: ms of the newest word from the network. quiet: nobody is at the keys.
    # -> what to do now
    def step(self, linked, heard, quiet, ms):
        if heard > self._heard:
            self._heard, self._ever = heard, True
        silent = ms - self._heard
        if quiet and silent >= (RESET_MS if self._ever and not linked else PATIENCE_MS):
            return RESET
        if linked:
            self._queue = None
            if silent < DEAF_MS or ms - self._at < DEAF_MS:
                return WAIT
        elif not self._count or ms - self._at < TRY_MS:
            return WAIT
        elif self._queue is None:
            self._queue = [self.network] + [i for i in range(self._count) if i != self.network]
        self._at = ms
        action = JOIN
        if not self._queue:
            self._queue = list(range(self._count))
            action = CYCLE
        self.network = self._queue.pop(0)
        return action
