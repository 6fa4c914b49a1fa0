"""What somebody on the network could do with an MQTT client: publish anything, and play back what was heard."""

from __future__ import annotations

import itertools
from types import TracebackType
from typing import Any

import paho.mqtt.client as mqtt
import paho.mqtt.publish

_names = itertools.count()


def publish(port: int, topic: str, payload: str | bytes) -> None:
    """Returns when the broker has it."""
    paho.mqtt.publish.single(topic, payload, qos=1, hostname="127.0.0.1", port=port)


class Echo:
    """Plays every batch back: the one before last first, then the last one, so order and number are wrong."""

    def __init__(self, port: int) -> None:
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, f"echo-{next(_names)}")
        self._client.on_connect = lambda client, *_: client.subscribe("manyi/1/+/record", 1)
        self._client.on_message = self._heard
        self._client.connect("127.0.0.1", port)
        self._last: tuple[str, bytes] | None = None
        self._played: set[bytes] = set()

    def __enter__(self) -> Echo:
        self._client.loop_start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.on_message = None
        self._client.disconnect()
        self._client.loop_stop()

    def _heard(self, client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        if message.payload in self._played:
            return
        self._played.add(message.payload)
        if self._last is not None:
            client.publish(*self._last, qos=1)
        client.publish(message.topic, message.payload, qos=1)
        self._last = message.topic, message.payload


class Speaker:
    """Says anything on any topic."""

    def __init__(self, port: int) -> None:
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, f"speaker-{next(_names)}")
        self._client.connect("127.0.0.1", port)

    def __enter__(self) -> Speaker:
        self._client.loop_start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def say(self, topic: str, payload: bytes) -> None:
        """Returns when the broker has it."""
        self._client.publish(topic, payload, qos=1).wait_for_publish(10)
