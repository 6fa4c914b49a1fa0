"""The MQTT shell against a real Mosquitto: TLS that is checked, a password from a file, and a broker that comes back."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from manyi.core.alarms import certificates
from manyi.core.config import Broker
from manyi.core.errors import SetupError
from manyi.core.inbox import Inbox
from manyi.core.ledger import schema
from manyi.core.mqtt import Mqtt
from manyi.core.pipeline import Pipeline
from manyi.core.workings import BROKER
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from tests.collector.box_double import BOX, BoxDouble
from tests.collector.speaking import OneKey, spoken
from tests.services.certs import Certs, make_certs
from tests.services.mosquitto import Mosquitto

Make = Callable[..., Mosquitto]
PATIENCE_S = 60


def connected(mqtt: Mqtt) -> bool:
    """Whether its first attempt succeeds."""
    mqtt.start()
    assert until(lambda: mqtt._client.is_connected() or BROKER in mqtt._workings.troubles()), (
        "it does not try"
    )
    return mqtt._client.is_connected() or mqtt._workings.listening_ms > 0


def over_tls(port: int, ca: Path | None, host: str = "127.0.0.1") -> Mqtt:
    return Mqtt(Broker(host, port, "", None, False, ca), Inbox())


def test_a_right_certificate_is_accepted_and_its_end_is_known(make_mosquitto: Make, certs: Certs) -> None:
    mqtt = over_tls(make_mosquitto(tls=certs).port, certs.ca)
    assert connected(mqtt)
    assert until(lambda: mqtt._workings.broker_ends_ms > 0)
    (file,) = certificates.read([("broker", certs.server_cert)])
    assert mqtt._workings.broker_ends_ms == file.expires_ms
    assert certificates.with_brokers([], mqtt._workings.broker_ends_ms) == [file]
    assert certificates.with_brokers([file], 5) == [file]
    mqtt.stop()


def until(what: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE_S
    while not what() and time.monotonic() < end:
        time.sleep(0.02)
    return what()


@pytest.mark.parametrize("wrong", ["authority", "name", "system's authorities"])
def test_a_wrong_certificate_is_never_connected_to(
    make_mosquitto: Make, certs: Certs, tmp_path: Path, wrong: str
) -> None:
    other = make_certs(tmp_path / "other", "elsewhere", "127.0.0.9")
    broker = make_mosquitto(tls=other if wrong == "name" else certs)
    ca = {"authority": other.ca, "name": other.ca, "system's authorities": None}[wrong]
    mqtt = over_tls(broker.port, ca)
    assert not connected(mqtt)
    mqtt.stop()


def test_a_broker_without_tls_is_never_spoken_to_in_the_clear(mosquitto: Mosquitto, certs: Certs) -> None:
    mqtt = over_tls(mosquitto.port, certs.ca)
    assert not connected(mqtt)
    mqtt.stop()


def test_password_from_a_file(make_mosquitto: Make, tmp_path: Path) -> None:
    broker = make_mosquitto(users={"collector": "hush"})
    file = tmp_path / "password"
    file.touch(mode=0o600)
    for password, expected in (("wrong\n", False), ("hush\n", True)):
        file.write_text(password)
        mqtt = Mqtt(Broker("127.0.0.1", broker.port, "collector", file, True, None), Inbox())
        assert connected(mqtt) is expected
        mqtt.stop()


def test_files_that_cannot_be_read_are_a_matter_of_set_up(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="CA file"):
        over_tls(1, tmp_path / "none.pem")
    with pytest.raises(SetupError, match="password"):
        Mqtt(Broker("h", 1, "u", tmp_path / "none", True, None), Inbox())


def test_a_box_is_answered_before_and_after_the_broker_was_killed(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    inbox, box = Inbox(), BoxDouble()
    mqtt = Mqtt(Broker("127.0.0.1", mosquitto.port, "", None, True, None), inbox)
    conn = schema.open_for_writing(tmp_path / "ledger.db")
    pipeline = Pipeline(inbox, OneKey(), conn, mqtt.publish, Event())
    assert connected(mqtt)
    answers: list[bytes] = []
    for _ in range(2):
        client = Client(CallbackAPIVersion.VERSION2)
        subscribed = Event()
        client.on_message = lambda _c, _u, m: answers.append(bytes(m.payload))
        client.on_subscribe = lambda *_, done=subscribed: done.set()
        client.connect("127.0.0.1", mosquitto.port)
        client.subscribe(f"manyi/1/{BOX}/ack")
        client.loop_start()
        assert subscribed.wait(PATIENCE_S)
        box.press(1)
        had, end = len(answers), time.monotonic() + PATIENCE_S
        while len(answers) == had and time.monotonic() < end:
            client.publish(*spoken(box.batch()))  # as a box does: again, until it is answered
            pipeline.turn(0.3)
            pipeline.turn(0)
        client.loop_stop()
        assert len(answers) > had
        mosquitto.kill()
        mosquitto.start()
    mqtt.stop()
    assert conn.execute("SELECT count(*) FROM row").fetchone() == (2,)
