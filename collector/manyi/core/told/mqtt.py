"""What other systems tell over MQTT: a client of its own, so that a hall's backlog never waits before a press.

    manyi/1/visits/<source>, manyi/1/duty/<source> ─▶ intake ─▶ ledger ─▶ confirmed to the broker ─▶ <the topic>/answer

Subscribed at QoS 1 with a session that lasts, and each message is confirmed only after the ledger's commit, so the
broker keeps (in memory) what comes while the service is away. paho's thread only hands over. Prompts go out by the same
client (visits/prompts.py). Refuses a topic whose source is not in the list, because its account may be a box's, and what a
source may not tell.
"""

from __future__ import annotations

import json
import queue
import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from threading import Event
from typing import Any, Final

import structlog
from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from manyi.core.config import Broker
from manyi.core.errors import InputError, LedgerError, SetupError
from manyi.core.ledger import schema
from manyi.core.mqtt import KEEPALIVE_S, TOLD, admit
from manyi.core.told.intakes import Intakes
from manyi.core.told.measure import OFTEN
from manyi.core.told.sources import MAY_NOT, Sources
from manyi.core.visits.prompts import Prompter
from manyi.words import both

ACCOUNT: Final = "manyi_visits"  # on the broker, and the client's name: the session is kept under it
LOOK_S: Final = 0.2  # how soon a prompt follows a visit that came over HTTP
AGAIN_S: Final = 5.0  # a ledger that cannot be written is tried again
WAITING_MAX: Final = 1_000  # messages not confirmed yet; the broker holds the rest

log = structlog.get_logger(area="told")


class Link:
    """`start()`, `run(stop)` in a thread of its own, `stop()`."""

    def __init__(
        self, broker: Broker, data_dir: Path, sources: Path, password_file: Path | None,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:  # fmt: skip
        """Raises SetupError if a password or certificate file, or the list of sources, cannot be read."""
        self._broker, self._now_ms = broker, now_ms
        self._ledger_file = data_dir / "ledger.db"
        self._sources = Sources(sources)
        self._intakes = Intakes(data_dir)
        self._sources.all()
        self._come: queue.SimpleQueue[MQTTMessage] = queue.SimpleQueue()
        self._strangers: set[str] = set()
        client = Client(CallbackAPIVersion.VERSION2, client_id=ACCOUNT, clean_session=False, manual_ack=True)
        admit(client, broker, ACCOUNT, password_file)
        client.max_inflight_messages_set(WAITING_MAX)
        client.on_connect = self._on_connect
        client.on_message = lambda _client, _userdata, message: self._arrived(message)
        self._client = client

    def start(self) -> None:
        self._client.connect_async(self._broker.host, self._broker.port, KEEPALIVE_S)
        self._client.loop_start()

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def run(self, stop: Event) -> None:
        with ExitStack() as opened:
            ledger = opened.enter_context(closing(schema.open_for_reading(self._ledger_file)))
            opened.enter_context(closing(self._intakes))
            prompter = Prompter(ledger, self._publish, self._now_ms)
            while not stop.is_set():
                try:
                    message = self._come.get(timeout=LOOK_S)
                except queue.Empty:
                    pass
                else:
                    self._until_taken(message, stop)
                try:
                    prompter.look()
                except sqlite3.Error as error:
                    log.error("prompts_not_sent", why=str(error))

    def _arrived(self, message: MQTTMessage) -> None:
        """At QoS 1 the broker holds what is not confirmed; at QoS 0 nothing but this keeps a loop out of the memory."""
        if message.qos or self._come.qsize() < WAITING_MAX:
            self._come.put(message)

    def _until_taken(self, message: MQTTMessage, stop: Event) -> None:
        """One message after the other: unconfirmed, it comes again after a restart too."""
        while not self._take(message):
            if stop.wait(AGAIN_S):
                return
        self._client.ack(message.mid, message.qos)

    def _take(self, message: MQTTMessage) -> bool:
        """Whether nothing more can be done for it."""
        _, _, what, name = message.topic.split("/")
        try:
            source = self._sources.all().get(name)
            if source is None:
                self._stranger(what, name)
                return True
            if not source.may(what):
                raise InputError(both(*(words.format(what) for words in MAY_NOT)))
            if self._intakes.measure.floods(name, self._now_ms()):
                raise InputError(both(*OFTEN))
            taken = self._intakes.take(what, source, bytes(message.payload), self._now_ms())
            answer: dict[str, Any] = taken.as_dict()
        except InputError as error:
            answer = {"error": str(error)}
        except (LedgerError, SetupError, sqlite3.Error) as error:
            log.error("not_taken", what=what, source=name, why=str(error))
            return False
        self._publish(f"{message.topic}/answer", json.dumps(answer, ensure_ascii=False).encode())
        return True

    def _stranger(self, what: str, name: str) -> None:
        """Said once of each: every box may write there under its own name, and a log is a disk too."""
        if name not in self._strangers and len(self._strangers) < WAITING_MAX:
            self._strangers.add(name)
            log.warning("told_by_nobody", what=what, source=name)

    def _publish(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload, qos=1)

    def _on_connect(
        self, client: Client, _userdata: Any, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:  # fmt: skip
        if not reason.is_failure:
            client.subscribe([(topic, 1) for topic in TOLD])
