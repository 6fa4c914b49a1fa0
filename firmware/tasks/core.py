# What the box's tasks share: the journal, the clock, the lamp, the settings and the port, and the few things done to
# them from more than one task. All of it is synchronous: between two awaits nobody sees it half done.
#
# Refuses: to light for a press that is not in flash.

from box import hours, journal, lamp, record, wire
from box.clock import ACK, Clock
from box.keys import Keys
from box.visit import Visit
from tasks.bell import Bell

PROMPT_MS = 30_000  # a visit that is rated later than this is not the one that the prompt was for
INVITE, THANKS = 1, 2  # what a port can say aloud


class Core:
    def __init__(self, port, book, fw, reason):
        self.port, self.journal = port, book
        self.fw, self.reason = fw, reason
        self.keys, self.clock, self.lamp = Keys(), Clock(), lamp.Lamp()
        self.visit = Visit()
        self.staff = None  # tasks/staff.py, where it is of use
        self.settings = dict(wire.DEFAULTS)
        self.settings["beat_s"] = port.ident.get("beat_s", self.settings["beat_s"])
        self.config = ""  # the beat's field: the id in force, or "!id" of one that was refused
        self.online = False  # the collector answers
        self.why = ""  # how the link failed last
        self.failed = False  # the journal did not take the newest record
        self.pressed, self.pressed_at = 0, 0  # seq of the newest press of this boot, and its up_ms
        self.dated = False  # this boot has journalled something that wants a date
        self.link = Bell()  # wakes the link: a record waits
        self.dark = Bell()  # wakes the lamp: it has something else to show
        self._held = 0
        self._prompt, self._prompted = None, 0
        self.only = 0  # the one key whose lamp is lit: a key test
        self._asked = False  # a reason may be given for the newest press
        self._lost = book.lost[0] + book.lost[1] + book.lost[2] + book.unknown

    def now(self):
        return self.port.up_ms()

    # ---- records

    # -> seq, or 0 if it is not in flash
    def write(self, kind, ms, level=0, reason=0, flags=0, data=b""):
        try:
            seq = self.journal.append(
                kind, ms, level=level, reason=reason, held=self._held, flags=flags, data=data
            )
        except journal.JournalFault as e:
            self.failed = True
            self.dark.ring()
            self.port.tell("fault journal=%s" % e)
            return 0
        self._held = 0  # how long the key was held travels once, in the next record of any kind
        self.failed = False
        self.admit()
        self.link.ring()
        return seq

    def press(self, level, ms):
        why = self.visit.reason(level, ms, self.settings)
        data = self._prompt if self.invited(ms) and not why else b""
        flags = record.PROMPTED if data else 0
        seq = self.write(record.PRESS, ms, level=level, reason=why, flags=flags, data=data)
        if seq:
            self.visit.took(ms, self.settings["visit_ms"])
            self._asked = not why  # the one reason is welcome once
            if not why:
                self._prompt = None
            self.pressed, self.pressed_at, self.dated = seq, ms, True
            self.only = 0  # a technician's green light (tasks/bench.py) ends here: every colour has the same
            self.show(lamp.KEPT)
            self.port.say(THANKS, self.settings["volume"])
            self.port.lit(level, seq)
            self.note()

    def released(self, held_ms):
        self._held = min(held_ms, 0xFFFF)

    # Writes a clock record if one is due. After the light, never before it.
    def note(self):
        said = self.port.time()
        if said:
            self.clock.answer(*said)
        if self.clock.due(self.now(), self.dated):
            self.note_now()

    # -> True if this boot's number is in the journal
    def note_now(self):
        if not self.clock.source:
            return False
        ms = self.now()
        if self.clock.source == ACK:
            self.port.wall(self.clock.unix_ms(ms), True)
        return self.write(record.CLOCK, ms, reason=self.clock.source, data=self.clock.note(ms)) > 0

    # Tells of losses that the journal has admitted since the last call.
    def admit(self):
        lost, unknown = self.journal.lost, self.journal.unknown
        total = lost[0] + lost[1] + lost[2] + unknown
        if total != self._lost:
            self._lost = total
            self.port.tell("lost %d,%d,%d unknown=%d" % (lost[0], lost[1], lost[2], unknown))

    # ---- light

    def show(self, sign):
        self._shine(self.lamp.show(sign, self.now()))
        self.dark.ring()

    # -> ms until the lamp has to be looked at again
    def shine(self):
        ms = self.now()
        s = self.settings
        state = lamp.IDLE if self.online else lamp.OFFLINE
        if hours.closed(s["open"], self.clock.unix_ms(ms)):
            state = lamp.CLOSED
        if s["mode"] == "invite" and self.invited(ms):
            state = lamp.INVITE
        if self._asked and s["second"] == "reason" and self.visit.going(ms, s["visit_ms"]):
            state = lamp.INVITE
        if self.only:
            state = lamp.GUIDE
        if self.failed:
            state = lamp.FAULT
        return self._shine(self.lamp.rest(state, ms))

    def _shine(self, step):
        light, sound, wait = step
        s = self.settings
        self.port.lamp(light * s["bright"] // 100, s["volume"] if sound else 0, self.only)
        return wait

    def set_online(self, online):
        if online != self.online:
            self.online = online
            self.dark.ring()

    # ---- orders

    def prompt(self, data):
        self._prompt, self._prompted = data, self.now()
        if self.settings["mode"] == "invite":
            self.port.say(INVITE, self.settings["volume"])
        self.dark.ring()

    # Is a visitor invited whose press has not come yet?
    def invited(self, ms):
        return self._prompt is not None and ms - self._prompted <= PROMPT_MS

    def use(self, settings):
        self.settings = settings
        self.config = settings["id"]
        self.dark.ring()
