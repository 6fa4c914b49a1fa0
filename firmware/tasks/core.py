# What the box's tasks share: the journal, the clock, the lamp, the settings and the port, and the few things done to
# them from more than one task. All of it is synchronous: between two awaits nobody sees it half done.
#
# Refuses: to light for a press that is not in flash.

import asyncio

from box import journal, lamp, record, wire
from box.clock import ACK, Clock
from box.keys import Keys

PROMPT_MS = 30_000  # a visit that is rated later than this is not the one that the prompt was for


class Core:
    def __init__(self, port, book, fw, reason):
        self.port, self.journal = port, book
        self.fw, self.reason = fw, reason
        self.keys, self.clock, self.lamp = Keys(), Clock(), lamp.Lamp()
        self.settings = dict(wire.DEFAULTS)
        self.settings["beat_s"] = port.ident.get("beat_s", self.settings["beat_s"])
        self.config = ""  # the beat's field: the id in force, or "!id" of one that was refused
        self.online = False  # the collector answers
        self.failed = False  # the journal did not take the newest record
        self.pressed, self.pressed_at = 0, 0  # seq of the newest press of this boot, and its up_ms
        self.link = asyncio.Event()  # wakes the link: a record waits
        self.dark = asyncio.Event()  # wakes the lamp: it has something else to show
        self._held = 0
        self._prompt, self._prompted = None, 0
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
            self.dark.set()
            self.port.tell("fault journal=%s" % e)
            return 0
        self._held = 0  # how long the key was held travels once, in the next record of any kind
        self.failed = False
        self.admit()
        self.link.set()
        return seq

    def press(self, level, ms):
        data = self._prompt if self._prompt and ms - self._prompted <= PROMPT_MS else b""
        seq = self.write(record.PRESS, ms, level=level, flags=1 if data else 0, data=data)
        if seq:
            self._prompt = None
            self.pressed, self.pressed_at = seq, ms
            self.show(lamp.KEPT)
            self.port.lit(level, seq)
            self.note()

    def released(self, held_ms):
        self._held = min(held_ms, 0xFFFF)

    # Writes a clock record if one is due. After the light, never before it.
    def note(self):
        said = self.port.time()
        if said:
            self.clock.answer(*said)
        if self.clock.due(self.now(), self.pressed):
            self.note_now()

    # -> True if this boot's number is in the journal
    def note_now(self):
        if not self.clock.source:
            return False
        ms = self.now()
        self.port.wall(self.clock.unix_ms(ms), self.clock.source == ACK)
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
        self.dark.set()

    # -> ms until the lamp has to be looked at again
    def shine(self):
        ms = self.now()
        state = lamp.IDLE if self.online else lamp.OFFLINE
        if self.settings["mode"] == "invite" and self._prompt and ms - self._prompted <= PROMPT_MS:
            state = lamp.INVITE
        if self.failed:
            state = lamp.FAULT
        return self._shine(self.lamp.rest(state, ms))

    def _shine(self, step):
        light, sound, wait = step
        self.port.lamp(light * self.settings["bright"] // 100, self.settings["volume"] if sound else 0)
        return wait

    def set_online(self, online):
        if online != self.online:
            self.online = online
            self.dark.set()

    # ---- orders

    def prompt(self, data):
        self._prompt, self._prompted = data, self.now()
        self.dark.set()

    def use(self, settings):
        self.settings = settings
        self.config = settings["id"]
        self.dark.set()
