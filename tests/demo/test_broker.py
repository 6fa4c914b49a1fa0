"""The demo's broker: lets in who has a password, passes messages on, comes back on its port, ends with the demo."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest

from tests.services.processes import Server, free_port, listens

WAIT_S = 60.0


class Broker(Server):
    stdin = subprocess.PIPE

    def __init__(self, folder: Path) -> None:
        passwords = folder / "passwords"
        passwords.write_text(json.dumps({"box": "right"}))
        self.port = free_port()
        command = [sys.executable, "-m", "manyi.demo.broker", str(self.port), str(passwords)]
        super().__init__("broker", command, folder / "log", lambda: listens(self.port))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    broker.start()
    yield broker
    broker.kill()


def connect(port: int, password: str) -> tuple[mqtt.Client, str]:
    """A client and the broker's answer."""
    answers: queue.Queue[str] = queue.Queue()
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.username_pw_set("box", password)
    client.on_connect = lambda _c, _u, _f, reason, _p: answers.put(str(reason))
    client.connect("127.0.0.1", port)
    client.loop_start()
    return client, answers.get(timeout=WAIT_S)


def test_a_message_comes_through_after_a_kill(broker: Broker) -> None:
    broker.restart()
    heard: queue.Queue[bytes] = queue.Queue()
    listener, _ = connect(broker.port, "right")
    listener.on_message = lambda _c, _u, message: heard.put(message.payload)
    listener.on_subscribe = lambda *_: heard.put(b"subscribed")
    listener.subscribe("manyi/1/+/record", qos=1)
    assert heard.get(timeout=WAIT_S) == b"subscribed"
    speaker, _ = connect(broker.port, "right")
    speaker.publish("manyi/1/box/record", b"hello", qos=1)
    assert heard.get(timeout=WAIT_S) == b"hello"
    for client in (speaker, listener):
        client.disconnect()
        client.loop_stop()


def test_a_wrong_password_is_refused(broker: Broker) -> None:
    client, answer = connect(broker.port, "wrong")
    client.loop_stop()
    assert answer != "Success"


def test_it_ends_when_the_demo_does(broker: Broker) -> None:
    assert broker.process is not None
    assert broker.process.stdin is not None
    broker.process.stdin.close()
    assert broker.process.wait(WAIT_S) == 0
