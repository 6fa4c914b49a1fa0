"""600 boxes on one thread: MQTT connections that speak the wire as paper boxes (box_double.py, speaking.py), for benches
that need a city's number of boxes and not their firmware. Refuses TLS and everything a bench does not need of MQTT.
"""

from __future__ import annotations

import asyncio
import json
import struct
import time

from manyi.core import record

from tests.collector.box_double import BoxDouble
from tests.collector.speaking import spoken

CONNECT, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 1, 3, 4, 8, 9
KEEPALIVE_S = 600  # longer than a bench


def packet(kind: int, body: bytes, flags: int = 0) -> bytes:
    size, rest = b"", len(body)
    while True:
        size += bytes([rest % 128 | (128 if rest > 127 else 0)])
        rest //= 128
        if not rest:
            return bytes([kind << 4 | flags]) + size + body


def text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack(">H", len(raw)) + raw


class Speaker:
    """One box: connected, it writes a record and sends what the collector has not acknowledged."""

    def __init__(self, name: str) -> None:
        self.box = BoxDouble(name)
        self._began = time.monotonic()
        self._acked = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None

    async def connect(self, port: int) -> None:
        """Returns when the collector has the box's clock record: what it presses then has a date at once."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
        self._send(
            CONNECT, text("MQTT") + bytes([4, 2]) + struct.pack(">H", KEEPALIVE_S) + text(self.box.box)
        )
        await self._packet()
        self._send(SUBSCRIBE, struct.pack(">H", 1) + text(f"manyi/1/{self.box.box}/ack") + b"\0", 2)
        await self._packet()
        self._reading = asyncio.create_task(self._listen())
        self._now()
        unix_ms = time.time_ns() // 1_000_000
        self.box.write(record.CLOCK, reason=1, data=unix_ms.to_bytes(8, "little") + bytes(4))
        await self.send()

    def press(self, level: int) -> None:
        self._now()
        self.box.press(level)

    async def send(self, patience_s: float = 30.0) -> None:
        """Sends the batch that is due, and again until the collector has all of it."""
        while self.box.cursor <= self.box.newest:
            self._acked.clear()
            topic, payload = spoken(self.box.batch())
            self._send(PUBLISH, text(topic) + struct.pack(">H", 7) + payload, 2)
            await asyncio.wait_for(self._acked.wait(), patience_s)

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
        self._writer.close()

    def _now(self) -> None:
        self.box.up_ms = int((time.monotonic() - self._began) * 1000) - 700  # what write() adds

    def _send(self, kind: int, body: bytes, flags: int = 0) -> None:
        self._writer.write(packet(kind, body, flags))

    async def _packet(self) -> tuple[int, bytes]:
        head = (await self._reader.readexactly(1))[0]
        size, shift = 0, 0
        while True:
            byte = (await self._reader.readexactly(1))[0]
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return head, await self._reader.readexactly(size)

    async def _listen(self) -> None:
        while True:
            head, body = await self._packet()
            if head >> 4 == PUBLISH:
                told = json.loads(body[2 + struct.unpack(">H", body[:2])[0] :])
                if told["life"] == self.box.life:
                    self.box.take_ack(told["seq"], bytes.fromhex(told["tag"]))
                    self._acked.set()
