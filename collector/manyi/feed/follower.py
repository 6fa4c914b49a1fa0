"""The service of an inner zone: projections of a ledger that comes in files; no broker, no boxes, nothing to collect.

Takes files in by itself every TAKE_S, as `manyi feed in` does by hand. A file that is
refused is said once, and everything before it stays shown. Has the face of core.service.Service.
"""

from __future__ import annotations

import sqlite3
from threading import Event
from typing import Final

import structlog

from manyi.core import projector
from manyi.core.checking import Checking
from manyi.core.config import Config
from manyi.core.errors import ManyiError
from manyi.core.ledger import schema
from manyi.core.pipeline import unix_ms
from manyi.core.running import Running, hold
from manyi.core.workings import Workings
from manyi.feed import cli, receiver

TAKE_S: Final = 2.0
FEED: Final = "feed"

log = structlog.get_logger(area="feed")


class Follower(Running):
    """`start()`, wait on `stop`, `close()`. `failed` names a thread that died."""

    def __init__(self, config: Config) -> None:
        super().__init__(log)
        self._config = config
        self._key = cli.key_of(config)
        self._workings = Workings(started_ms=unix_ms())
        self._wake = Event()
        self._told = ""
        self._lock = hold(config.data.dir)
        schema.open_for_writing(config.data.ledger, copy=True).close()
        self._thread("projector", self._project)
        self._thread("feed", self._take)
        self._thread("check", lambda: Checking(config.data, seals=False).run(self.stop))

    def start(self) -> None:
        self._begin_threads()

    def close(self) -> None:
        self.stop.set()
        self._wake.set()
        self._end_threads()
        self._lock.close()
        log.info("stopped")

    def _project(self) -> None:
        projector.run(self.stop, self._wake, self._config, self._workings)

    def _take(self) -> None:
        assert self._config.feed.in_dir is not None
        while True:
            try:
                taken = receiver.receive(
                    self._config, self._config.feed.in_dir, unix_ms(), self._key, self.stop
                )
                self._say("")
                if taken.rows:
                    self._wake.set()
            except (
                ManyiError,
                OSError,
                sqlite3.Error,
            ) as error:  # a gap, a file half carried over: tried again
                self._say(str(error))
            if self.stop.wait(TAKE_S):
                return

    def _say(self, trouble: str) -> None:
        if trouble != self._told:
            if trouble:
                log.error("file_refused", why=trouble)
                self._workings.fails(FEED, trouble, unix_ms())
            else:
                log.info("files_come_in_again")
                self._workings.well(FEED)
            self._told = trouble
