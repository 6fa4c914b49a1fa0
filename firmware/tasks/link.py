# The one owner of the link: sends the journal's records and the beats, hears the answers, connects again.
#
#   connected: state online, then a batch at once (empty if nothing waits): "where are you, and what time is it?"
#   from then on one batch in flight; the next as soon as its ack is in; a beat every beat_s
#
# Refuses: to free a record for anything but the collector's own ack (a PUBACK frees nothing), to have two batches in
# flight, and to make a key wait: it only ever waits for events itself.

from box import lamp, record, wire
from box.pause import MOST_MS, Pause
from box.sheet import Sheet
from tasks import line

ACK_MS = 10_000  # WIRE.md: ACK_TIMEOUT_MS
FIRST_PAUSE_MS = 1000
CONFIRM_MS = 3000  # a light that comes later than this after a press means nothing to anybody
REPLIES_MAX = 8  # that wait for the network; nobody who means it asks more between two rounds
STALLS = 2  # answers in a row that move nothing forward; after them a pause, or it would be a tight loop


class Link:
    # buf: what is sent is written there, wire.BUFFER bytes at most
    def __init__(self, core, orders, ident, alive, buf):
        self.refused = 0  # messages forged, not for this box, or not understood
        self._core, self._orders, self._ident, self._alive = core, orders, ident, alive
        self._sheet = Sheet(buf)
        self._line = line.Line(core.port, alive, core.link, self._heard, self._sheet)
        self._ack_ms = ident.get("ack_ms", ACK_MS)
        pauses = ident.get("backoff_ms", FIRST_PAUSE_MS), ident.get("backoff_max_ms", MOST_MS)
        self._dial, self._again = Pause(*pauses), Pause(*pauses)  # to connect; to send the same records again
        self._slot = bytearray(64)
        self._next = core.journal.acked + 1  # where the next batch starts
        self._up_ms = 0  # of the newest batch: each has its own, or an old ack would answer a new one
        self._reset()

    def _reset(self):
        self._asked = None  # up_ms of the batch in flight
        self._sent = (0, 0)  # its first and last seq
        self._ask = True  # a batch is wanted even if it is empty
        self._hold = 0  # no batch before this
        self._stalls = 0
        self._beat_at = 0
        self._asked_since_beat = False
        self._replies = []

    async def run(self):
        core = self._core
        while True:
            why = None
            try:
                await self._line.open()
                await self._talk()
            except line.ERRORS as e:
                why = self._line.blame(e)
            finally:
                await self._line.close()
            core.set_online(False)
            core.why = ("%r" % why).replace(" ", "-")
            core.port.tell("link down why=" + core.why)
            self._reset()
            await self._sleep(self._dial.ms(core.port.chance()))

    async def goodbye(self):
        if self._line.up():
            await self._line.leave()

    async def _sleep(self, ms):
        now = self._core.now
        until = now() + ms
        while now() < until and not self._core.port.fresh():
            self._alive.mark()
            await self._core.link.wait(min(line.LOOK_MS, until - now()))

    async def _talk(self):
        core, book = self._core, self._core.journal
        core.port.tell("link up")
        await self._line.publish("state", wire.online(core.fw, book, core.reason), True, True)
        while True:
            self._alive.mark()
            now = core.now()
            await self._line.upkeep(now)
            if self._asked is None and self._orders.late:
                self._heard(*self._orders.late.popitem())
            fetch, over = self._orders.look(now)
            self._reply(over)
            if fetch:
                await self._line.publish("fetch", fetch)
            while self._replies:
                await self._line.publish("reply", self._replies.pop(0), True)
            if self._orders.reboot:
                core.port.leaving.ring()
            if self._batch(now):
                await self._line.publish("record", None, True)
            if now >= self._beat_at:
                self._beat(now)
                await self._line.publish("beat")
            await core.link.wait(self._idle_ms(core.now()))

    # ms until something is due
    def _idle_ms(self, now):
        due = min(now + line.LOOK_MS, self._beat_at)
        if self._asked is not None:
            due = min(due, self._asked + self._ack_ms)
        elif self._wanted():
            due = min(due, self._hold)
        return max(0, due - now)

    # ---- saying

    def _wanted(self):
        return self._ask or self._next <= self._core.journal.newest

    # Writes a batch, or the same records again, if it is time. No coroutine: its variables would be one piece of heap.
    # -> is it on the sheet
    def _batch(self, now):
        book = self._core.journal
        if self._asked is not None:
            if now - self._asked < self._ack_ms:
                return False
            self._asked, self._ask = None, True
            self._hold = now + self._again.ms(self._core.port.chance())
            self._line.doubted = (
                self._line.heard_at < now - self._ack_ms
            )  # is the collector away, or everybody?
        if now < self._hold or not self._wanted():
            return False
        while self._next <= book.newest and not book.read(self._next, self._slot):
            self._next += 1  # rotten: the batch begins behind it
        base, prev = book.run(self._next)
        self._up_ms = max(now, self._up_ms + 1)
        last = wire.batch(self._sheet, book, self._up_ms, base, self._next, prev, self._write_record)
        self._asked, self._sent = self._up_ms, (self._next, last)
        self._ask, self._asked_since_beat = False, True
        return True

    def _write_record(self, seq):
        return self._core.journal.read(seq, self._slot) and record.write(self._sheet, self._slot)

    def _beat(self, now):
        core, book, port = self._core, self._core.journal, self._core.port
        self._beat_at = now + core.settings["beat_s"] * 1000
        depth = book.newest + 1 - self._next
        wire.beat(
            self._sheet, book, now, depth, self._oldest_ms(now), core.clock.source, core.keys.stuck, port.heap(),
            port.rssi(), core.config,
        )  # fmt: skip
        if not self._asked_since_beat:
            self._ask = True  # it goes out in the next round, which starts at once
            core.link.ring()
        self._asked_since_beat = False

    def _oldest_ms(self, now):
        book = self._core.journal
        if self._next > book.newest or not book.read(self._next, self._slot):
            return 0
        oldest = record.unpack(self._slot)
        return now - oldest[4] if oldest[2] == book.boot else 0

    # ---- hearing

    def _heard(self, name, payload, retained=False):
        core, orders = self._core, self._orders
        try:
            if name == "ack":
                self._ack(wire.ack(wire.opened(self._ident["k_link"], self._line.topic("ack"), payload)))
            elif name == "config":
                self._reply(orders.obey(name, payload))
                self._beat_at = 0  # says at once what is in force, not in a minute
                core.link.ring()
            elif retained:
                pass  # a command or a visit of another day
            elif name == "cmd":
                self._reply(orders.obey(name, payload))
            elif name == "chunk":
                orders.chunk(payload)
            elif name == "prompt":
                orders.prompt(payload)
        except (wire.Unreadable, MemoryError) as e:
            if orders.late.get(name) == payload:
                return  # no heap now: in a later round
            self.refused += 1
            core.port.tell("refused topic=%s why=%s" % (name, e))

    def _reply(self, body):
        if body and len(self._replies) < REPLIES_MAX:
            self._replies.append(body)
            self._core.link.ring()

    # WIRE.md, ack: only the answer to the batch in flight moves on from it and may say what time it is; another valid
    # one frees what it proves, and moves on only if nothing is in flight.
    def _ack(self, ack):
        core, book = self._core, self._core.journal
        life, seq, tag, boot, up_ms, unix_ms = ack
        then = book.ack(seq, tag) if life == book.life else None
        if then is None:
            raise wire.Unreadable("tag" if life == book.life else "life")
        if boot == book.boot and up_ms == self._asked:
            core.clock.answer(up_ms, self._line.heard_at, unix_ms)
            core.note()
            self._asked = None
            self._answered(then, core.now())
        elif self._asked is None:
            self._next, self._hold = then, 0
        core.port.tell("ack seq=%d depth=%d" % (seq, book.newest + 1 - then))
        core.link.ring()

    def _answered(self, then, now):
        core = self._core
        first, last = self._sent
        self._again.again()
        self._dial.again()
        core.set_online(True)
        self._next = then
        self._stalls = 0 if then > first or last < first else self._stalls + 1
        if self._stalls >= STALLS:
            self._hold = now + self._again.ms(core.port.chance())
        if first <= core.pressed < then and now - core.pressed_at <= CONFIRM_MS:
            core.show(lamp.CONFIRMED)
