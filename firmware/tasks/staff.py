# The clerk's side of the box: signing in by badge, closing time, and when the guided key test (tasks/guided.py) may begin.
# Decided in box/duty.py; journalled here. Synchronous, like core.py.
#
# Refuses: to show who is signed in, and to begin a test unasked: the day's first sign-in asks, a command does, or a key
# held while the box is switched on, and never while a visitor may be at the keys. What a test does not take is a visitor's press.

from box import hours, lamp, record
from box.duty import CLOSING, IN, Duty, data
from tasks.borrowed import forget

CALM_MS = 10_000  # without a press before a test begins
PIECES, PIECE = 10, 150  # of heap, bytes: what sealing a press and its light take at once
WAIT_MS = 600_000  # a test that found no calm moment by then is not begun: whoever asked for it may have gone


class Staff:
    def __init__(self, core):
        self.core = core
        self.duty = Duty(core.port.load("duty"))
        self.test = None  # a Guided, while one goes on
        self._wanted = 0  # up_ms until which a test waits for a calm moment
        self._spare = 0  # up_ms before which no heap is looked for: to load it in vain holds up the keys
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
        try:
            from tasks.guided import Guided  # noqa: PLC0415

            list(map(bytes, (PIECE,) * PIECES))  # without it a press beside the test would end the box
            self.test = Guided(self.core, ms)
            self._wanted = 0  # what there was no heap for is still wanted
        except MemoryError:
            forget("tasks", "guided")
            self._spare = ms + CALM_MS
            return "no memory"
        return ""

    # -> True if the press was the test's
    def press(self, level, ms):
        if not self.test:
            return False
        taken = self.test.press(level, ms)
        self._let_go(ms)
        return taken

    def _let_go(self, ms):
        if self.test.over:
            self.test, self._tested = None, self._today(ms)
            forget("tasks", "guided")

    def _today(self, ms):
        now = self.core.clock.unix_ms(ms)
        return 0 if now is None else hours.day(now)

    # ---- from time to time

    def look(self, ms):
        core, duty = self.core, self.duty
        if self.test:
            self.test.look(ms)
            self._let_go(ms)
        elif self._spare <= ms < self._wanted:
            self.begin(ms)
        closing = duty.look(ms, core.clock.unix_ms(ms), core.settings["open"]) == CLOSING
        if (
            closing and not core.failed
        ):  # each try at a flash that takes nothing costs it blocks (box/journal.py)
            self._write(CLOSING, duty.who, ms)
        if bool(duty.who) != self._shown:
            self._shown = bool(duty.who)
            core.port.signed_in(self._shown)

    # Files are slow: while no key is down.
    def save(self, ms):
        if self.duty.unsaved and self.core.clock.unix_ms(ms) is not None:
            self.core.port.save("duty", self.duty.packed())
