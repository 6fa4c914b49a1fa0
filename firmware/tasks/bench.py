# What an open console can ask of a running box: how it is, to show itself, to test its keys, to give up its identity.
#
# Refuses: to tell which keys were pressed by visitors, to retire while a record waits (unless forced: docs/CONSOLE.md).

import gc

from box import record
from box.chain import hmac_sha256
from ports.shelf import Shelf

GREEN = 1
SEALED = b"manyi/1/%s/acceptance\0"
MAC_BYTES = 16
LOOK_BACK = 40  # records; a test's own record is among the newest
FORGET = ("config", "wifi", "address", "duty", "slot", "a", "b")  # what the box has learned, and its updates
RENEWAL = ("take", "more", "keep", "sum", "renew", "start")


class Bench:
    def __init__(self, port, core, orders):
        self.leave = False
        self._port, self._core, self._orders = port, core, orders
        self._renewal = None

    # -> the answer without its number
    def obey(self, words):  # noqa: PLR0911  one for each verb
        verb = words[0]
        if verb == "status":
            return "ok " + self._status()
        if verb in ("show", "keytest"):
            why = self._orders.obey("do", "identify" if verb == "show" else "keytest")
            return "no " + why.replace(" ", "-") if why else "ok"
        if verb == "passed":  # the one green light, until a press
            self._core.only = GREEN
            self._core.dark.ring()
            return "ok"
        if verb == "newest":
            return self._newest(int(words[1]))
        if verb == "retire":
            waiting = self._core.journal.depth
            if waiting and words[1:] != ["force"]:
                return "no waiting=%d" % waiting
            return self._retire(waiting)
        if verb == "vouch":
            return "ok mac=" + self._vouch(words[1])
        if verb in RENEWAL:
            return self._renew(words)
        return "no verb"

    # The box's own word for a test's record, of which it is told the SHA-256: whoever tests need not hold its key.
    def _vouch(self, digest):
        ident = self._port.ident
        return hmac_sha256(ident["k_link"], SEALED % ident["box"].encode(), digest.encode())[:MAC_BYTES].hex()

    def _renew(self, words):
        gc.collect()  # a line is 64 bytes of a file, in pieces of text: what they leave is taken away at once
        if self._renewal is None:
            from tasks.renew import Renewal  # noqa: PLC0415  once in years, and only then on the heap

            self._renewal = Renewal(self._port)
        said = self._renewal.obey(words)
        if self._renewal.done:
            self.leave = self._orders.reboot = True
        return said

    def _status(self):
        core, book, port = self._core, self._core.journal, self._port
        link = "online=%d why=%s clock=%d rssi=%d" % (
            core.online,
            core.why or "-",
            core.clock.source,
            port.rssi(),
        )
        kept = "life=%s boot=%d newest=%d acked=%d depth=%d room=%d" % (
            book.life.hex(), book.boot, book.newest, book.acked, book.depth, book.room
        )  # fmt: skip
        health = "heap=%d faults=%d stuck=%d up=%d parts=%s" % (
            port.heap(), book.faults, core.keys.stuck, core.now() // 1000, port.parts()
        )  # fmt: skip
        return link + " " + kept + " " + health

    # The newest record of a kind that this boot has written.
    def _newest(self, kind):
        book, slot = self._core.journal, bytearray(64)
        if kind == record.PRESS:
            return "no kind"
        for seq in range(book.newest, max(0, book.newest - LOOK_BACK), -1):
            if book.read(seq, slot):
                fields = record.unpack(slot)
                if fields[1] == kind and fields[2] == book.boot:
                    return "ok seq=%d reason=%d data=%s" % (seq, slot[29], bytes(slot[33:39]).hex())
        return "no record"

    # The identity goes first and at once: with it, nobody else can be this box any more.
    def _retire(self, waiting):
        Shelf(self._port.root).clear()
        disk = self._port.disk()
        for name in FORGET:
            disk.clear(name)
        self.leave = self._orders.reboot = True
        return "ok lost=%d" % waiting
