# A guided key test while it lasts: the lamp asks for one key at a time, and the end is journalled. Decided in box/keytest.py;
# loaded for these twenty seconds of a day by tasks/staff.py, which also says when one may begin.
#
# Refuses: to take a press that it did not ask for: that one is a visitor's.

from box import lamp, record
from box.keytest import ABANDONED, PASSED, KeyTest


class Guided:
    def __init__(self, core, ms):
        self.over = False
        self._core, self._test = core, KeyTest(core.port.chance(), ms)
        self._ask()

    # -> True if the press was the test's
    def press(self, level, ms):
        how = self._test.press(level)
        if how:
            self._end(how, ms)
        else:
            self._ask()
        return how != ABANDONED

    # From time to time.
    def look(self, ms):
        how = self._test.late(ms)
        if how:
            self._end(how, ms)

    def _ask(self):
        self._core.only = self._test.wanted()
        self._core.show(lamp.STEP)

    def _end(self, how, ms):
        core, self.over = self._core, True
        core.only = 0
        core.write(record.KEYTEST, ms, reason=how, data=self._test.data())
        core.show(lamp.PASSED if how == PASSED else lamp.FAILED)
        core.port.tell("keytest reason=%d" % how)
