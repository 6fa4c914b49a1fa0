"""Sends what is wanted: every box's settings, retained, at each connection (the broker keeps nothing over a restart) and
when they change; commands when they are given, and again after a connection until they are old. Answers fetches.

A command is for one boot and its id is done once, so sending it twice does nothing. Refuses to wait for an answer.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Final, Protocol

import structlog

from manyi.core.orders.store import Orders
from manyi.core.wire import Fetch, LinkKeys, write_chunk, write_cmd, write_config

LOOK_S: Final = 0.5  # how soon an order goes out
OLD_MS: Final = 600_000  # a command that was not delivered by then is nobody's wish any more
PIECE_BYTES: Final = 256  # a box takes messages of at most 512 bytes

log = structlog.get_logger(area="orders")


class Publish(Protocol):
    def __call__(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None: ...


def unix_ms() -> int:
    return time.time_ns() // 1_000_000


class Sender:
    """`look()` is one round of its thread, `run()` goes round; `connected()` and `fetched()` are other threads'."""

    def __init__(
        self, path: Path, keys: LinkKeys, publish: Publish, now_ms: Callable[[], int] = unix_ms
    ) -> None:
        self._orders, self._pieces = Orders(path), Orders(path)
        self._keys, self._publish, self._now_ms = keys, publish, now_ms
        self._anew = Event()
        self._configs: dict[str, str] = {}
        self._done = 0

    def connected(self) -> None:
        self._anew.set()

    def run(self, stop: Event) -> None:
        try:
            while not stop.wait(LOOK_S):
                try:
                    self.look()
                except sqlite3.Error as error:  # a full disk: it is tried again
                    log.error("orders_not_read", why=str(error))
        finally:
            self._orders.close()

    def look(self) -> None:
        if self._anew.is_set():
            self._anew.clear()
            self._configs, self._done = {}, 0
        for wanted in self._orders.wanted().values():
            key = self._keys.link(wanted.box)
            if key is not None and self._configs.get(wanted.box) != wanted.id:
                self._publish(*write_config(wanted.box, key, {"id": wanted.id, **wanted.settings}), 1, True)
                self._configs[wanted.box] = wanted.id
        for command in self._orders.commands(self._now_ms() - OLD_MS):
            key = self._keys.link(command.box)
            if key is not None and command.n > self._done:
                topic, payload = write_cmd(
                    command.box, key, command.id, command.boot, command.do, arg=command.arg
                )
                self._publish(topic, payload, 1, False)
            self._done = max(self._done, command.n)

    def fetched(self, fetch: Fetch) -> None:
        """In the pipeline's thread: one small read, so that an update is a matter of seconds."""
        key = self._keys.link(fetch.box)
        try:
            data = self._pieces.piece(fetch.box, fetch.id, fetch.at, PIECE_BYTES)
        except sqlite3.Error as error:
            log.error("stream_not_read", why=str(error))
            return
        if key is not None and data:
            self._publish(*write_chunk(fetch.box, key, fetch.id, fetch.at, data))
