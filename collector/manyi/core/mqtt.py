"""The MQTT shell: a paho client whose thread only puts messages into the inbox. Holds no `if` about meaning.

Subscribed at QoS 0, with a clean session: a record is safe when the ledger has it and our own ack says so, so the
broker's handshakes would prove nothing and cost as much again (53 us instead of 26 us of CPU a message). A message
that is lost on the way is sent again by its box. Without `plain`, the broker's certificate and name are checked.
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from manyi.core import metrics
from manyi.core.config import Broker, secret
from manyi.core.errors import SetupError
from manyi.core.inbox import Inbox
from manyi.core.pipeline import unix_ms
from manyi.core.wire import SUBSCRIPTION
from manyi.core.workings import BROKER, Workings
from manyi.words import both

KEEPALIVE_S: Final = 30
# Queue and personnel systems'; taken by a client of its own (told/mqtt.py).
TOLD: Final = ("manyi/1/visits/+", "manyi/1/duty/+")
RECONNECT_MIN_S, RECONNECT_MAX_S = 1, 15  # a broker that comes back finds its collector within 15 s

log = structlog.get_logger(area="mqtt")


class Mqtt:
    """`start` returns at once and keeps connecting for ever; `publish` drops what cannot be sent now."""

    def __init__(self, broker: Broker, inbox: Inbox, workings: Workings | None = None) -> None:
        """Raises SetupError if a password or certificate file cannot be read."""
        self._broker, self._inbox, self._workings = broker, inbox, workings or Workings()
        # A name of its own each time: two collectors with one name would throw each other out for ever.
        client = Client(CallbackAPIVersion.VERSION2, client_id=f"manyi-collector-{secrets.token_hex(4)}")
        admit(client, broker, broker.username, broker.password_file)
        client.reconnect_delay_set(RECONNECT_MIN_S, RECONNECT_MAX_S)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_connect_fail = self._on_connect_fail
        client.on_message = self._on_message
        for topic in TOLD:
            client.message_callback_add(topic, lambda *_: None)
        client.on_socket_open = _at_once
        self._client = client
        self._complained = False
        self.on_connected: Callable[[], None] = lambda: None

    def start(self) -> None:
        self._client.connect_async(self._broker.host, self._broker.port, KEEPALIVE_S)
        self._client.loop_start()

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def lives(self) -> bool:
        """Whether paho's thread runs. It mends connections by itself; what it cannot mend ends it without a word."""
        return self._client._thread is not None

    @property
    def hangs(self) -> bool:
        """Connected by its own word, and nothing heard for three keep-alives: paho asks the broker after one, and hangs
        up after two."""
        client = self._client
        return client.is_connected() and time.monotonic() - client._last_bytes_received > 3 * KEEPALIVE_S

    def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None:
        """An ack (QoS 0) that cannot be sent now is dropped: the batch comes again."""
        self._client.publish(topic, payload, qos, retain)

    def _on_message(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = "\N{REPLACEMENT CHARACTER}"
        self._inbox.put(topic, bytes(message.payload))

    def _on_connect(
        self,
        client: Client,
        _userdata: Any,
        _flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._complain(str(reason))
            return
        client.subscribe(SUBSCRIPTION, qos=0)
        metrics.CONNECTED.set(1)
        self._workings.listening_ms = unix_ms()
        self._workings.broker_ends_ms = _ends_ms(client.socket())
        self._workings.well(BROKER)
        self.on_connected()
        self._complained = False
        log.info("connected", host=self._broker.host, port=self._broker.port, tls=not self._broker.plain)

    def _on_disconnect(
        self,
        _client: Client,
        _userdata: Any,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        metrics.CONNECTED.set(0)
        if reason.is_failure:
            self._complain(str(reason))

    def _on_connect_fail(self, _client: Client, _userdata: Any) -> None:
        self._complain(both("连不上消息服务器", "no connection to the broker"))

    def _complain(self, why: str) -> None:
        """Once per outage, not once per attempt."""
        if not self._complained:
            log.error("broker_away", host=self._broker.host, port=self._broker.port, why=why)
        self._complained = True
        self._workings.fails(BROKER, why, unix_ms())


def _ends_ms(sock: Any) -> int:
    """When the server's certificate ends, which has been checked; 0 without TLS."""
    shown = sock.getpeercert() if isinstance(sock, ssl.SSLSocket) else None
    return ssl.cert_time_to_seconds(str(shown["notAfter"])) * 1000 if shown else 0


def _at_once(_client: Client, _userdata: Any, sock: Any) -> None:
    """No waiting for company on the way to the broker: two acks in a row would cost the second one 40 ms."""
    with contextlib.suppress(OSError, AttributeError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def admit(client: Client, broker: Broker, account: str, password_file: Path | None) -> None:
    """Gives the client its account and the server's verification. Raises SetupError if a file cannot be read."""
    if password_file is not None:
        client.username_pw_set(account, secret(password_file, "broker password"))
    if not broker.plain:
        client.tls_set_context(_tls_of(broker))


def _tls_of(broker: Broker) -> ssl.SSLContext:
    """Server certificate and name checked. Raises SetupError if the CA file cannot be read."""
    try:
        context = ssl.create_default_context(cafile=str(broker.ca_file) if broker.ca_file else None)
    except (OSError, ssl.SSLError) as error:
        raise SetupError(
            both(
                f"{broker.ca_file}：无法读取消息服务器的根证书",
                f"the broker's CA file cannot be read ({error}).",
            )
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
