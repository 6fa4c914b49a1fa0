# The hotspot: for ten minutes the box is a Wi-Fi of its own with one page (box/page.py), because somebody held two keys
# for 10 s. Keys, light and journal go on; only the way to the broker waits.
#
# Refuses: to open without a PIN in the box's identity, a second visitor at a time, more than TRIES wrong PINs.

import asyncio

from box import page

OPEN_MS = 600_000
LOOK_MS = 250
PATIENCE_MS = 10_000  # for one request
TRIES = 5
PORT = 80
CHUNK = 256


class Hotspot:
    def __init__(self, pin, tell):
        self.chosen = None  # (ssid, key)
        self.wrong = 0
        self._pin, self._tell = pin, tell
        self._visitor = None  # the task that answers
        self._left = 0  # looks until it is sent away

    # Until a network was chosen, too many wrong PINs, or the time is up, and whoever is there has his answer.
    # mark(): called while it lasts
    async def serve(self, up_ms, mark, port=PORT):
        end = up_ms() + OPEN_MS
        server = await asyncio.start_server(self._visit, "0.0.0.0", port, backlog=1)
        try:
            while up_ms() < end and self.wrong < TRIES and self.chosen is None:
                await self._look(mark)
        finally:
            server.close()
            await server.wait_closed()
        while self._visitor:
            await self._look(mark)
        return self.chosen

    async def _look(self, mark):
        mark()
        await asyncio.sleep_ms(LOOK_MS)
        if self._visitor:
            self._left -= 1
            if self._left == 0:
                self._visitor.cancel()

    async def _visit(self, reader, writer):
        try:
            if not self._visitor:
                self._visitor, self._left = asyncio.current_task(), PATIENCE_MS // LOOK_MS
                try:
                    await self._answer(reader, writer)
                finally:
                    self._visitor = None
        except (OSError, ValueError, asyncio.CancelledError) as e:
            self._tell("hotspot why=%r" % e)
        finally:
            await writer.wait_closed()

    async def _answer(self, reader, writer):
        request = b""
        while not page.whole(request):
            more = await reader.read(CHUNK)
            if not more:
                return
            request += more
        answer, what, chosen = page.respond(request, self._pin)
        if what == page.WRONG_PIN:
            self.wrong += 1
        if what == page.OK:
            self.chosen = chosen
        writer.write(answer)
        await writer.drain()
