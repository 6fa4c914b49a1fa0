"""The long-running service without its web face: which threads there are, how they start and how they end.

    mqtt        paho's own thread; puts into the inbox; chores look whether it lives
    pipeline    inbox → ledger → acks
    projector   ledger → ratings → wall, InfluxDB
    orders      settings, commands and updates → boxes
    told        queue and personnel systems → ledger, prompts → boxes; if [visits] names any
    check       the ledger is hashed again: each minute its new rows, each day before its root, then the whole (checking.py)
    chores      once a minute: the MQTT thread, key file

How threads end together, and one service a folder: running.py. Refuses to know anything of the web.
"""

from __future__ import annotations

import sqlite3
from threading import Event
from typing import Final

import structlog

from manyi.core import disk, projector, root
from manyi.core.checking import Checking
from manyi.core.config import Config
from manyi.core.errors import SetupError
from manyi.core.inbox import Inbox
from manyi.core.keys import LinkKeys
from manyi.core.ledger import schema
from manyi.core.mqtt import Mqtt
from manyi.core.orders.sender import Sender
from manyi.core.pipeline import Pipeline, unix_ms
from manyi.core.roster.policy import state_policy
from manyi.core.running import Running, hold
from manyi.core.told.mqtt import Link
from manyi.core.workings import Workings
from manyi.words import both

CHORES_S: Final = 60.0

log = structlog.get_logger(area="service")


class Service(Running):
    """`start()`, then wait on `stop` (set it to end), then `close()`. `failed` names a thread that died."""

    def __init__(self, config: Config) -> None:
        """Opens everything. Raises SetupError or LedgerError before any thread has started."""
        super().__init__(log)
        self._config = config
        self._wake = Event()
        self._lock = hold(config.data.dir)
        self._keys = LinkKeys(config.keys.link_file)
        self._conn = schema.open_for_writing(config.data.ledger)
        try:
            self._begin()
        except (OSError, sqlite3.Error) as error:
            raise SetupError(
                both(
                    f"{config.data.dir}：台账写不进去，磁盘是否满了？评价器会等待",
                    f"the ledger cannot be written ({error}). Is the disk full? The boxes wait.",
                )
            ) from error
        self._inbox = Inbox()
        self._workings = Workings(started_ms=unix_ms())
        self._mqtt = Mqtt(config.broker, self._inbox, self._workings)
        self._told = _told(config)
        self._sender = Sender(config.data.orders, self._keys, self._mqtt.publish)
        self._mqtt.on_connected = self._sender.connected
        self._pipeline = Pipeline(
            self._inbox,
            self._keys,
            self._conn,
            self._mqtt.publish,
            self._wake,
            fetched=self._sender.fetched,
            workings=self._workings,
            free_bytes=lambda: disk.room(config.data.dir).free,
        )
        self._thread("pipeline", lambda: self._pipeline.run(self.stop))
        self._thread("projector", lambda: projector.run(self.stop, self._wake, config, self._workings))
        self._checking = Checking(config.data)
        self._thread("orders", lambda: self._sender.run(self.stop))
        self._thread("check", lambda: self._checking.run(self.stop))
        self._thread("chores", self._chores)
        if (told := self._told) is not None:
            self._thread("told", lambda: told.run(self.stop))

    def start(self) -> None:
        self._begin_threads()
        self._mqtt.start()
        if self._told is not None:
            self._told.start()

    def close(self) -> None:
        """Ends the threads, the link first, and leaves the ledger closed and `latest` up to date."""
        self._mqtt.stop()
        if self._told is not None:
            self._told.stop()
        self.stop.set()
        self._inbox.wake()
        self._wake.set()
        self._end_threads()
        if not self.failed:
            self._checking.note_latest(self._conn)
            self._conn.close()
        self._lock.close()
        log.info("stopped")

    def late(self) -> list[str]:
        return super().late() + (["mqtt"] if self._mqtt.hangs else [])

    def _begin(self) -> None:
        """What has to be in the ledger before the first message."""
        if root.admit_setback(self._conn, self._config.data.roots, unix_ms()):
            log.error("ledger_was_set_back", effect="a setback row says so; the boxes fill it again")
        state_policy(self._conn, unix_ms(), self._config.policy.visit_ms)
        root.write_latest(self._conn, self._config.data.roots, unix_ms())

    def _chores(self) -> None:
        while True:
            self._keys.refresh()
            if self.stop.wait(CHORES_S):
                return
            if not self._mqtt.lives:
                raise RuntimeError("the MQTT client's thread has ended")


def _told(config: Config) -> Link | None:
    """The ear for queue systems, if there are any and the broker lets it in. Raises SetupError."""
    where, broker = config.visits, config.broker
    if where.sources is None:
        return None
    if broker.username and where.password_file is None:
        log.warning("visits_over_http_only", missing="[visits] password_file of the account manyi_visits")
        return None
    return Link(broker, config.data.dir, where.sources, where.password_file)
