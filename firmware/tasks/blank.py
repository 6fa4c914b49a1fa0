# What a box without an identity does: waits at the serial line for one (docs/CONSOLE.md, "A blank box"), and shows that
# it waits. No link, no journal, no presses.
#
# Refuses: to write over an identity, to say it has kept what it has not read back from flash, to start with half of one.
#
# A port for this has .serial (ports/serial.py) .shelf (ports/shelf.py) .flash .board .mac, lamp(light %, sound %) and
# reset(reason, why).

import asyncio
import binascii

from box import talk
from box.ring import BLOCK, MAGIC
from ports.shelf import IDENTITY, Refused

GLOW_MS, DARK_MS = 200, 1800
GLOW = 40  # percent
COMMANDED = 3  # boot reason


async def run(port, fw):
    asyncio.create_task(_glow(port))  # noqa: RUF006  the loop keeps it
    desk = Desk(port, fw)
    while True:
        raw = await port.serial.line()
        if raw is None:
            return
        answer = await desk.hear(raw)
        if answer:
            port.serial.say(answer)
        if desk.done:
            port.reset(COMMANDED, "")


async def _glow(port):
    while True:
        port.lamp(GLOW, 0)
        await asyncio.sleep_ms(GLOW_MS)
        port.lamp(0, 0)
        await asyncio.sleep_ms(DARK_MS)


class Desk:
    def __init__(self, port, fw):
        self.done = False
        self._port, self._shelf, self._fw = port, port.shelf, fw
        self._last = 0, ""  # a line that was asked twice is answered twice and done once

    # -> the answer to a line, "" for noise
    async def hear(self, raw):
        got = talk.opened(raw)
        if got is None:
            return ""
        number, words = got
        if not number:
            return talk.line("@0 no crc")
        if number != self._last[0]:
            try:
                said = "ok " + await self._obey(words)
            except Refused as e:
                said = "no %s" % e
            except (ValueError, IndexError):
                said = "no words"
            except OSError as e:
                said = "no flash-%s" % e.args[0]
            self._last = number, talk.line("@%d %s" % (number, said.rstrip()))
        return self._last[1]

    async def _obey(self, words):  # noqa: PLR0911  one for each verb
        verb, shelf = words[0], self._shelf
        if verb == "hello":
            return "v=1 state=%s board=%s mac=%s fw=%s journal=%d" % (
                "written" if shelf.has(IDENTITY) else "blank", self._port.board, self._port.mac, self._fw, self._used()
            )  # fmt: skip
        if verb == "take":
            shelf.take(words[1], int(words[2]), words[3])
            return ""
        if verb == "more":
            shelf.more(int(words[1]), binascii.unhexlify(words[2]))
            return ""
        if verb == "keep":
            return "size=%d sha256=%s" % shelf.keep()
        if verb == "sum":
            return "size=%d sha256=%s" % shelf.sum(words[1])
        if verb == "wipe":
            return "blocks=%d" % await self._wipe()
        if verb == "start":
            if not shelf.has(IDENTITY):
                raise Refused("blank")
            self.done = True
            return ""
        raise Refused("verb")

    # Blocks of the journal that hold something.
    def _used(self):
        flash, head, used = self._port.flash, bytearray(len(MAGIC)), 0
        for block in range(flash.size // BLOCK):
            flash.read(block * BLOCK, head)
            used += head == MAGIC
        return used

    async def _wipe(self):
        if self._shelf.has(IDENTITY):
            raise Refused("identity")
        flash = self._port.flash
        for block in range(flash.size // BLOCK):
            flash.erase(block)
            await asyncio.sleep_ms(0)
        return flash.size // BLOCK
