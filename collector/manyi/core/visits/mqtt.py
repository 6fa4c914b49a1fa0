"""Visits over MQTT, and prompts to boxes: a client of its own, so that a hall's backlog never waits before a press.

    manyi/1/visits/<source> ─▶ intake ─▶ ledger ─▶ confirmed to the broker ─▶ manyi/1/visits/<source>/answer
    ledger rows of visits, however they came ─▶ manyi/1/<box>/prompt, if it is wanted and the visit just ended

Subscribed at QoS 1 with a session that lasts, and each message is confirmed only after the ledger's commit, so the
broker keeps (in memory) what comes while the service is away. paho's thread only hands over. Refuses a topic whose
source is not in the list: its account may be a box's.
"""

from __future__ import annotations

import json
import queue
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any, Final

import structlog
from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from manyi.core.config import Broker, secret
from manyi.core.errors import InputError, LedgerError, SetupError
from manyi.core.ledger import schema
from manyi.core.mqtt import KEEPALIVE_S, VISITS, tls_of
from manyi.core.roster.facts import KEYS
from manyi.core.roster.model import Roster
from manyi.core.roster.rows import fact_rows
from manyi.core.visits import report as visits
from manyi.core.visits.intake import Intake, Sources

PREFIX: Final = VISITS.removesuffix("+")
ACCOUNT: Final = "manyi_visits"  # on the broker, and the client's name: the session is kept under it
LOOK_S: Final = 0.2  # how soon a prompt follows a visit that came over HTTP
AGAIN_S: Final = 5.0  # a ledger that cannot be written is tried again
FRESH_MS: Final = 30_000  # who was served longer ago has left the window
WAITING_MAX: Final = 1_000  # messages not confirmed yet; the broker holds the rest
_ROWS: Final = "SELECT id, at_ms, body FROM row WHERE kind <> 'record' AND kind = 'visit' AND head IS NULL AND id > ? ORDER BY id"
_NEWEST: Final = (
    f"SELECT coalesce(max(id), 0) FROM row WHERE kind <> 'record' AND kind IN ({','.join('?' * len(KEYS))})"
)

log = structlog.get_logger(area="visits")

Publish = Callable[[str, bytes], None]


class Prompter:
    """Follows the ledger from its end on; what was told before the start is nobody's to invite any more."""

    def __init__(self, ledger: sqlite3.Connection, publish: Publish, now_ms: Callable[[], int]) -> None:
        self._ledger, self._publish, self._now_ms = ledger, publish, now_ms
        self._at = int(ledger.execute("SELECT coalesce(max(id), 0) FROM row").fetchone()[0])
        self._facts_at, self._roster = -1, Roster.from_facts(())

    def look(self) -> int:
        """Publishes what is wanted; gives how many prompts."""
        rows = self._ledger.execute(_ROWS, (self._at,)).fetchall()
        sent = 0
        for row_id, at_ms, body in rows:
            source, told = visits.said(body) or ("", [])
            now_ms = self._now_ms()
            wanted = [v for v in told if v.prompt and now_ms - min(at_ms, v.finished_ms) <= FRESH_MS]
            for visit in wanted:
                payload = prompt(visits.key(source, visit.id), visit.biz)
                for box in sorted(self._boxes(visit.window, now_ms)):
                    self._publish(f"manyi/1/{box}/prompt", payload)
                    sent += 1
            self._at = row_id
        return sent

    def _boxes(self, window: str, now_ms: int) -> set[str]:
        newest = self._ledger.execute(_NEWEST, tuple(KEYS)).fetchone()[0]
        if newest != self._facts_at:
            self._roster = Roster.from_facts(fact_rows(self._ledger, up_to_row=newest))
            self._facts_at = newest
        boxes = self._roster.boxes_at(window)
        return {box for box in boxes if self._roster.where(box, now_ms).window == window}


def prompt(key: str, biz: int) -> bytes:
    """As docs/WIRE.md has it."""
    return json.dumps({"v": 1, "visit": key, "biz": biz}, separators=(",", ":")).encode()


class VisitsLink:
    """`start()`, `run(stop)` in a thread of its own, `stop()`."""

    def __init__(
        self, broker: Broker, data_dir: Path, sources: Path, password_file: Path | None,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:  # fmt: skip
        """Raises SetupError if a password or certificate file, or the list of sources, cannot be read."""
        self._broker, self._now_ms = broker, now_ms
        self._ledger_file = data_dir / "ledger.db"
        self._sources, self._intake = Sources(sources), Intake(data_dir)
        self._sources.all()
        self._come: queue.SimpleQueue[MQTTMessage] = queue.SimpleQueue()
        client = Client(CallbackAPIVersion.VERSION2, client_id=ACCOUNT, clean_session=False, manual_ack=True)
        if password_file is not None:
            client.username_pw_set(ACCOUNT, secret(password_file, "broker password"))
        if not broker.plain:
            client.tls_set_context(tls_of(broker))
        client.max_inflight_messages_set(WAITING_MAX)
        client.on_connect = self._on_connect
        client.on_message = lambda _client, _userdata, message: self._come.put(message)
        self._client = client

    def start(self) -> None:
        self._client.connect_async(self._broker.host, self._broker.port, KEEPALIVE_S)
        self._client.loop_start()

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def run(self, stop: Event) -> None:
        with closing(schema.open_for_reading(self._ledger_file)) as ledger, closing(self._intake):
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

    def _until_taken(self, message: MQTTMessage, stop: Event) -> None:
        """One message after the other: unconfirmed, it comes again after a restart too."""
        while not self._take(message):
            if stop.wait(AGAIN_S):
                return
        self._client.ack(message.mid, message.qos)

    def _take(self, message: MQTTMessage) -> bool:
        """Whether nothing more can be done for it."""
        name = message.topic.removeprefix(PREFIX)
        try:
            source = self._sources.all().get(name)
            if source is None:
                log.warning("visits_of_nobody", source=name)
                return True
            answer: dict[str, Any] = self._intake.take(
                source, bytes(message.payload), self._now_ms()
            ).as_dict()
        except InputError as error:
            answer = {"error": str(error)}
        except (LedgerError, SetupError, sqlite3.Error) as error:
            log.error("visits_not_taken", source=name, why=str(error))
            self._intake.close()
            return False
        self._publish(f"{message.topic}/answer", json.dumps(answer, ensure_ascii=False).encode())
        return True

    def _publish(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload, qos=1)

    def _on_connect(
        self, client: Client, _userdata: Any, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:  # fmt: skip
        if not reason.is_failure:
            client.subscribe(VISITS, qos=1)
