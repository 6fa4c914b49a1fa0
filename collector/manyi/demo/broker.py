"""The demo's broker in a process of its own: amqtt on loopback, a password for everybody, nothing kept.

Safe here only because the collector's acknowledgement is end to end: it may be killed at any time. Never for
production (slow, and it forgets). It ends when its standard input does, so it cannot outlive the demo.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amqtt.broker import Broker
from amqtt.plugins.authentication import BaseAuthPlugin


class Passwords(BaseAuthPlugin):  # type: ignore[misc]  # amqtt has no types
    """User and password from a JSON object in a file. amqtt's own plug-in hashes with argon2, 12 boxes' worth
    of CPU at every restart, and its anonymous one drops sessions."""

    @dataclass
    class Config:
        file: str = ""

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self._known: dict[str, str] = json.loads(Path(self.config.file).read_text())

    async def authenticate(self, *, session: Any) -> bool:
        known = self._known.get(session.username or "")
        return known is not None and hmac.compare_digest(known, session.password or "")


async def serve(port: int, passwords: str) -> None:
    config = {
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
        "plugins": {"manyi.demo.broker.Passwords": {"file": passwords}},
    }
    broker = Broker(config)
    await broker.start()
    try:
        await _end_of_stdin()
    finally:
        await broker.shutdown()


async def _end_of_stdin() -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    await reader.read()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(int(sys.argv[1]), sys.argv[2]))
