# One MQTT connection: open it, say hello, carry bytes both ways, notice that it is dead. A new one after every failure.
#
# Refuses: to keep anything that must not be lost, to decide what is sent (tasks/link.py does), to read from two places
# (a timed-out read may lose bytes), and to wait for ever: every wait has an end.
#
# The listener is the only task made outside main.py: it lives exactly as long as its connection.

import asyncio
import gc

from box import mqtt, wire

CONNECT_MS = 15_000  # TCP; TLS shakes hands with the first words
HELLO_MS = 10_000  # CONNACK, and again SUBACK
WRITE_MS = 10_000  # 4 KB that the network does not take in this time it will not take
GOODBYE_MS = 2000
FULL_MS = 20  # before a network that takes nothing is asked again
KEEPALIVE_S = 60
PING_MS = 30_000  # without a word said, or without one heard
DEAD_MS = 15_000  # after a ping that nothing answered
LOOK_MS = 1000  # the supervisor wants to hear from a waiting task at least this often
OWED_MAX = 8  # acknowledgements owed; with more nothing is read, so that a flood waits in the network and not in the heap
CHUNK = 256  # bytes a read, an ack at once: one byte at a time cost three times the CPU
PACKET_MAX = wire.INCOMING_MAX + 64  # with topic and MQTT's head

# EOFError is no OSError in MicroPython; a certificate that fails is a ValueError. Without memory for a message the
# connection goes, with all that it holds: a box that cannot talk can still count, and it tries again.
ERRORS = (OSError, EOFError, ValueError, MemoryError)
OPEN = 1  # what has come of a connection: this, then MQTT's CONNACK and SUBACK

EARS = (("ack", 0), ("config", 1), ("cmd", 1), ("chunk", 0), ("prompt", 1))


class Line:
    # heard(name, payload, retained): a message came; the payload is a view of the reader's buffer, and must not be kept.
    # wake: a Bell, rung whenever something did. sheet: what is sent; only the task that owns the link writes on it.
    def __init__(self, port, alive, wake, heard, sheet):
        self._port, self._alive, self._wake, self._tell = port, alive, wake, heard
        self._sheet = sheet
        self._in = mqtt.Reader(PACKET_MAX)
        self._chunk = memoryview(bytearray(CHUNK))
        self._stream = self._listener = None
        self._whole = False  # the stream stands between two packets
        self._write_ms = WRITE_MS
        self._pid = 0

    # Made anew each time: ten of them for ever would be a kilobyte.
    def topic(self, name):
        return wire.topic(self._port.ident["box"], name)

    def up(self):
        return self._stream is not None and self._hello == mqtt.SUBACK

    # ---- opening and closing

    async def open(self):
        self._in.reset()
        self._broken = None
        self._hello = 0  # the newest of OPEN, CONNACK, SUBACK
        self._owed = []  # packet ids to acknowledge
        self._pinged, self.doubted = None, False  # doubted: ask at once whether anybody is there
        gc.collect()  # TLS wants room in large pieces
        self._listener = asyncio.create_task(self._listen())
        await self._until(OPEN, CONNECT_MS)
        self.heard_at = self._port.up_ms()
        who, sheet = self._port.ident, self._sheet
        mqtt.connect(
            sheet, KEEPALIVE_S, who["box"], self.topic("state"), wire.OFFLINE, who["user"], who["password"]
        )
        await self.put(sheet.text())
        await self._until(mqtt.CONNACK, HELLO_MS)
        mqtt.subscribe(sheet, self._next_pid(), [(self.topic(name), qos) for name, qos in EARS])
        await self.put(sheet.text())
        await self._until(mqtt.SUBACK, HELLO_MS)

    async def close(self):
        if self._listener is None:
            return
        listener, self._listener = self._listener, None
        listener.cancel()
        try:
            await listener
        except asyncio.CancelledError:
            pass
        self._whole = False
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    async def _until(self, kind, ms):
        end = self._port.up_ms() + ms
        while self._hello != kind:
            left = end - self._port.up_ms()
            if left <= 0:
                raise OSError("no hello")
            await self._wake.wait(min(LOOK_MS, left))
            self._alive.mark()
            self.check()

    # Of two tasks that meet a bad certificate one is told what is bad about it (a ValueError), the other only that it is.
    def blame(self, error):
        return self._broken if isinstance(self._broken, ValueError) else error

    # What the listener met ends the connection here; what is no error of a link ends the box.
    def check(self):
        if self._broken is not None:
            raise self._broken

    # ---- saying

    # A packet that another task has not finished, or a closed stream, takes no word more: only `leave` can meet that.
    async def put(self, data):
        if not self._whole:
            raise OSError("closed")
        stream, self._whole = self._stream, False
        self._said_at = self._port.up_ms()
        sent = stream.write(data)
        rest = memoryview(data)
        while sent < len(rest):
            rest = rest[sent:]
            if self._port.up_ms() - self._said_at > self._write_ms:
                raise OSError("silent")
            await asyncio.sleep_ms(FULL_MS)
            self._alive.mark()
            sent = stream.write(rest)
        self._whole = True

    # A body that is short or, without one, what is on the sheet; sealed, but for the state.
    async def publish(self, name, body=None, sure=False, retain=False):
        sheet, topic = self._sheet, self.topic(name)
        if body:
            sheet.begin(body)
        if not retain:
            wire.seal(sheet, self._port.ident["k_link"], topic)
        mqtt.publish(sheet, topic, self._next_pid() if sure else 0, retain)
        await self.put(sheet.text())

    # Acknowledges what came, asks whether anybody is there. Raises if nobody was.
    async def upkeep(self, now):
        self.check()
        while self._owed:
            await self.put(mqtt.puback(self._owed.pop(0)))
        if self._pinged is not None:
            if now - self._pinged > DEAD_MS:
                raise OSError("silent")
        elif self.doubted or now - min(self._said_at, self.heard_at) > PING_MS:
            self._pinged, self.doubted = now, False
            await self.put(mqtt.PING)

    async def leave(self):
        if not self._whole:
            raise OSError("closed")  # the sheet is still being sent
        self._write_ms = GOODBYE_MS
        await self.publish("state", wire.OFFLINE, True, True)
        await self.put(mqtt.DISCONNECT)

    def _next_pid(self):
        self._pid = self._pid % 0xFFFF + 1
        return self._pid

    # ---- hearing

    async def _listen(self):
        chunk = self._chunk
        try:
            self._stream = stream = await self._port.connect()
            self._whole, self._hello = True, OPEN
            self._wake.ring()
            while True:
                while len(self._owed) > OWED_MAX:
                    await asyncio.sleep_ms(FULL_MS)
                n = await stream.readinto(chunk)
                if n is None:
                    continue  # TLS: a record that is not whole yet
                if not n:
                    raise EOFError("closed")
                self.heard_at = self._port.up_ms()
                self._pinged = None
                for head, body in self._in.packets(chunk[:n]):
                    self._packet(head, body)
        except Exception as e:
            self._broken = e
            self._wake.ring()

    def _packet(self, head, body):
        kind = head >> 4
        if kind == mqtt.PUBLISH:
            topic, payload, pid, retained = mqtt.published(head, body)
            if pid:
                self._owed.append(pid)
                self._wake.ring()
            for name, _ in EARS:
                if topic == self.topic(name):
                    self._tell(name, payload, retained)
        elif kind in (mqtt.CONNACK, mqtt.SUBACK):
            why = mqtt.refusal(kind, body)
            if why:
                raise OSError(why)
            self._hello = kind
            self._wake.ring()
        elif kind not in (mqtt.PUBACK, mqtt.PINGRESP):
            raise mqtt.Broken("packet %d" % kind)
