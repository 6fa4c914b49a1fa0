# The clerk's side of the box: signing in by badge, closing time, the guided key test. Decided in box/duty.py and
# box/keytest.py; journalled here. Synchronous, like core.py.
#
# Refuses: to show who is signed in, and to begin a test unasked: the day's first sign-in asks, a command does, or a key
# held while the box is switched on, and never while a visitor may be at the keys. What a test does not take is a visitor's press.

from box import hours, lamp, record
from box.duty import CLOSING, IN, Duty, data
from box.keytest import ABANDONED, PASSED, KeyTest

CALM_MS = 10_000  # without a press before a test begins
WAIT_MS = 60_000  # a test that found no calm moment by then is not begun


class Staff:
    def __init__(self, core):
        self.core = core
        self.duty = Duty(core.port.load("duty"))
        self.test = None
        self._wanted = 0  # up_ms until which a test waits for a calm moment
        self._tested = None  # Beijing day of the newest test of this boot
        self._shown = None

    # ---- badges

    def badge(self, badge, ms):
        reason = self.duty.touched(badge, ms)
        if not (reason and self._write(reason, badge, ms)):
            return
        if reason == IN and self._today(ms) != self._tested:
            self.want(ms)
        self.core.show(lamp.WELCOME if reason == IN else lamp.FAREWELL)

    def _write(self, reason, badge, ms):
        core = self.core
        if not core.write(record.DUTY, ms, reason=reason, data=data(badge)):
            return False
        core.dated = True
        self.duty.took(reason, badge, ms)
        core.port.tell("duty reason=%d" % reason)
        return True

    # ---- the test

    # As soon as nobody is at the keys.
    def want(self, ms):
        self._wanted = ms + WAIT_MS

    def calm(self, ms):
        core = self.core
        return (
            core.keys.quiet()
            and not core.invited(ms)
            and (not core.pressed or ms - core.pressed_at >= CALM_MS)
        )

    # -> "" begun, or why not
    def begin(self, ms):
        if self.test or not self.calm(ms):
            return "a visitor may be at the keys"
        self.test, self._wanted = KeyTest(self.core.port.chance(), ms), 0
        self._guide()
        return ""

    # -> True if the press was the test's
    def press(self, level, ms):
        if not self.test:
            return False
        ended = self.test.press(level)
        if ended:
            self._end(ended, ms)
        else:
            self._guide()
        return ended != ABANDONED

    def _guide(self):
        self.core.only = self.test.wanted()
        self.core.show(lamp.STEP)

    def _end(self, how, ms):
        test, self.test, self.core.only = self.test, None, 0
        self._tested = self._today(ms)
        self.core.write(record.KEYTEST, ms, reason=how, data=test.data())
        self.core.show(lamp.PASSED if how == PASSED else lamp.FAILED)
        self.core.port.tell("keytest reason=%d" % how)

    def _today(self, ms):
        now = self.core.clock.unix_ms(ms)
        return 0 if now is None else hours.day(now)

    # ---- from time to time

    def look(self, ms):
        core, duty = self.core, self.duty
        if self.test:
            ended = self.test.late(ms)
            if ended:
                self._end(ended, ms)
        elif ms < self._wanted:
            self.begin(ms)
        if duty.look(ms, core.clock.unix_ms(ms), core.settings["open"]) == CLOSING:
            self._write(CLOSING, duty.who, ms)
        if bool(duty.who) != self._shown:
            self._shown = bool(duty.who)
            core.port.signed_in(self._shown)

    # Files are slow: while no key is down.
    def save(self, ms):
        if self.duty.unsaved and self.core.clock.unix_ms(ms) is not None:
            self.core.port.save("duty", self.duty.packed())
