# Which step brings a lost network back: wait, join, radio off and on, reset. Pure; ports/esp32/net.py takes the steps.
#
# A driver may say "connected" and carry nothing, or "connecting" for ever (micropython #12315, #7139), so what counts is
# what was heard, and every step has a time after which the next stronger one comes:
#   join     the network that worked last, then all in order of preference, TRY_MS each
#   cycle    the radio off and on, after each such round
#   reset    the box, after RESET_MS without a word if this boot has ever heard one, else after PATIENCE_MS: an office
#            whose router is off at night is no reason to reset all night
#
# Refuses: to scan (it blocks the keys for two seconds), and to leave a network that works for one that it likes better.

WAIT, JOIN, CYCLE, RESET = 0, 1, 2, 3

TRY_MS = 20_000  # association, WPA and DHCP in a bad corner
DEAF_MS = 600_000  # an address, but no word through it: two of the link's longest pauses
RESET_MS = 1_800_000
PATIENCE_MS = 21_600_000


class Radio:
    # count: networks known, in order of preference
    def __init__(self, count, ms):
        self.network = 0  # the one that is joined, or tried
        self._count = count
        self._left = 0  # networks to try before the radio goes off and on
        self._order = -1  # the one tried newest in the order of preference
        self._at = ms - TRY_MS  # of the newest step
        self._heard = ms  # something came, or the boot
        self._ever = False

    # Other networks now, or a new order.
    def renew(self, count, ms):
        self.__init__(count, ms)

    # linked: there is an address. heard: ms of the newest word from the network. -> what to do now
    def step(self, linked, heard, ms):
        if heard > self._heard:
            self._heard, self._ever = heard, True
        silent = ms - self._heard
        if silent >= (RESET_MS if self._ever else PATIENCE_MS):
            return RESET
        if linked and (silent < DEAF_MS or ms - self._at < DEAF_MS):
            self._left, self._order = self._count, -1
            return WAIT
        if not self._count or ms - self._at < TRY_MS:
            return WAIT
        self._at = ms
        if linked or not self._left:  # it lies, or the round is over
            self._left, self._order = self._count, 0
            self.network = 0
            return CYCLE  # and join `network`
        self._left -= 1
        if self._order < 0:
            self._order = 0  # first the one that it was on
            if self.network:
                self._left += 1
            else:
                self._order = 1
        else:
            self.network = self._order % self._count
            self._order += 1
        return JOIN
