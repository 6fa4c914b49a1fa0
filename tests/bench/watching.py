"""Browsers as a collector sees them, without a browser: logged-in event streams, compressed, on one thread, each noting when
its wall first showed every press. Refuses to draw and to parse more of a picture than its newest total.
"""

from __future__ import annotations

import asyncio
import re
import time
import zlib

TOTAL = re.compile(rb'"total":\{.*?"presses":(\d+)')
CONNECT_S = 60.0  # a loaded machine judges fifty logins at once


class Watcher:
    """One stream of the wall; `place` is the county that it sees, "" the city."""

    def __init__(self, cookie: str, place: str = "") -> None:
        self.cookie, self.place = cookie, place
        self.seen: list[
            float
        ] = []  # when the wall's total first reached 1, 2, 3 and so on of what came since clear()
        self.bytes = self.frames = 0
        self._presses = self._before = 0
        self._first = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None

    async def connect(self, port: int) -> None:
        """Returns with the first picture."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
        asked = f"GET /events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: manyi={self.cookie}\r\n"
        asked += "Accept-Encoding: gzip\r\n\r\n"
        self._writer.write(asked.encode())
        head = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), CONNECT_S)
        if b" 200 " not in head.split(b"\r\n", 1)[0]:
            raise ConnectionError(head.decode())
        self._reading = asyncio.create_task(self._listen())
        await asyncio.wait_for(self._first.wait(), CONNECT_S)
        self.clear()

    def clear(self) -> None:
        self.seen, self._before, self.bytes, self.frames = [], self._presses, 0, 0

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
        self._writer.close()

    async def _listen(self) -> None:
        unpack = zlib.decompressobj(zlib.MAX_WBITS | 16)
        while size := int(await self._reader.readline(), 16):
            chunk = unpack.decompress((await self._reader.readexactly(size + 2))[:-2])
            self.bytes += size
            if b"event: wall" not in chunk or (told := TOTAL.search(chunk)) is None:
                continue
            now, self.frames = time.perf_counter(), self.frames + 1
            self._presses = int(told[1])
            self.seen += [now] * (self._presses - self._before - len(self.seen))
            self._first.set()
