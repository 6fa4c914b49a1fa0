# The serial console of a box that has an identity: locked. It says who it is and opens for the box's own key alone; what
# it can do then is in tasks/bench.py, which is loaded only then. docs/CONSOLE.md
#
# Refuses: to say anything about presses while it is locked (whoever sits beside the box could count colours), to give
# out a key, to take a new identity (only a blank box does, tasks/blank.py), to be guessed: TRIES a boot.

from box import talk
from ports.serial import Serial

TRIES = 5
IDLE_MS = 600_000  # open without a word for so long: somebody forgot it
NONCE_BYTES = 8
LOCKED, OPEN = "locked", "open"


async def run(source, sink, port, core, orders):
    serial, desk = Serial(source, sink, talk.MOST), Desk(port, core, orders)
    while True:
        raw = await serial.line()
        if raw is None:
            return  # the line is gone
        answer = desk.hear(raw)
        if answer:
            serial.say(answer)
        if desk.leave:
            port.leaving.ring()


class Desk:
    def __init__(self, port, core, orders):
        self.leave = False
        self._port, self._core, self._orders = port, core, orders
        self._nonce = port.random(NONCE_BYTES)
        self._bench, self._at, self._tries = None, 0, TRIES
        self._last = 0, ""  # a line that was asked twice is answered twice and done once

    # -> the answer to a line, "" for noise
    def hear(self, raw):
        got = talk.opened(raw)
        if got is None:
            return ""
        number, words = got
        if not number:
            return talk.line("@0 no crc")
        if number != self._last[0]:
            try:
                said = self._obey(words)
            except (ValueError, IndexError):
                said = "no words"
            except MemoryError:
                said = "no memory"  # and all is as it was: nothing takes another's place before it is whole
            except Exception as e:
                said = "no " + repr(e).replace(" ", "-")  # a cable does not reset the box
            self._last = number, talk.line("@%d %s" % (number, said))
        return self._last[1]

    def _obey(self, words):
        now, verb = self._core.now(), words[0]
        if self._bench and now - self._at > IDLE_MS:
            self._lock()
        self._at = now
        if verb == "hello":
            port = self._port
            return "ok v=1 state=%s box=%s board=%s mac=%s fw=%d.%d.%d nonce=%s" % (
                OPEN if self._bench else LOCKED, port.ident["box"], port.board, port.mac,
                self._core.fw[0], self._core.fw[1], self._core.fw[2], self._nonce.hex(),
            )  # fmt: skip
        if verb == "unlock":
            return self._unlock(words[1])
        if self._bench is None:
            return "no locked"
        if verb == "lock":
            self._lock()
            return "ok"
        said = self._bench.obey(words)
        self.leave = self._bench.leave
        return said

    def _unlock(self, code):
        if self._tries <= 0:
            return "no later"  # after the next start
        ident = self._port.ident
        if code != talk.code(ident["k_link"], ident["box"], self._nonce):
            self._tries -= 1
            return "no key"
        from tasks.bench import Bench  # noqa: PLC0415  its heap is paid for only by who uses it

        self._tries, self._nonce = TRIES, self._port.random(NONCE_BYTES)
        self._bench = Bench(self._port, self._core, self._orders)
        return "ok"

    def _lock(self):
        self._bench = None
