"""The fixtures themselves: a service is real, answers when handed over, dies when killed, and comes back."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest

from tests.services.certs import Certs
from tests.services.influx import Influx
from tests.services.mosquitto import Mosquitto
from tests.services.processes import Ports, Server, find, listens

WAIT_S = 20.0


def say_hello(broker: Mosquitto, user: str = "", ca: Path | None = None) -> bool:
    """True if the broker lets us in and takes a QoS 1 message."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    if user:
        client.username_pw_set(*user.split(":"))
    if ca:
        client.tls_set(ca_certs=str(ca))
    client.connect(broker.host, broker.port)
    client.loop_start()
    try:
        message = client.publish("hello", b"x", qos=1)
        message.wait_for_publish(WAIT_S if not user.endswith("wrong") else 1.0)
        return message.is_published()
    except RuntimeError:  # shown out before the message could be queued
        return False
    finally:
        client.disconnect()
        client.loop_stop()


def test_a_broker_is_killed_and_comes_back_on_its_port(mosquitto: Mosquitto) -> None:
    assert say_hello(mosquitto)
    first = mosquitto.pid
    mosquitto.kill()
    assert not listens(mosquitto.port)
    mosquitto.restart()
    assert say_hello(mosquitto)
    assert mosquitto.pid != first


def test_a_broker_with_passwords_and_tls(make_mosquitto: Callable[..., Mosquitto], certs: Certs) -> None:
    broker = make_mosquitto(users={"box": "right"}, tls=certs)
    assert say_hello(broker, "box:right", certs.ca)
    assert not say_hello(broker, "box:wrong", certs.ca)
    with (
        socket.create_connection((broker.host, broker.port)) as plain,
        pytest.raises(ssl.SSLCertVerificationError),  # an authority that nobody knows
    ):
        ssl.create_default_context().wrap_socket(plain, server_hostname="localhost")


def test_ports_of_two_processes_never_meet() -> None:
    one, other = Ports(), Ports()
    ports = [whose.take() for whose in (one, other) for _ in range(Ports.BLOCK + 1)]
    assert len(set(ports)) == len(ports)
    assert max(ports) <= Ports.LAST < 32_768, "from there on Linux hands out ports by itself"


def test_a_port_that_somebody_listens_on_is_passed_over() -> None:
    ours = Ports()
    ports = [ours.take() for _ in range(2)]
    again = Ports()
    again._left = [*ports, ours.take()]
    with socket.create_server(("127.0.0.1", again._left[-1])):
        assert again.take() == ports[1]


def write(influx: Influx, bucket: str, line: str) -> None:
    url = f"{influx.url}/api/v2/write?org={influx.org}&bucket={bucket}"
    request = urllib.request.Request(url, line.encode(), {"Authorization": f"Token {influx.token}"})
    urllib.request.urlopen(request, timeout=WAIT_S).close()


def test_influxd_gives_every_test_its_own_bucket(influx: Influx) -> None:
    one, other = influx.bucket(), influx.bucket()
    write(influx, one, "rating,hall=h1 n=1i,s=1i 1000000000")
    assert influx.query(one, 'SELECT n, s FROM rating GROUP BY "hall"') == [
        {"hall": "h1", "time": 10**9, "n": 1, "s": 1}
    ]
    assert influx.query(other, "SELECT n FROM rating") == []


def test_influxd_keeps_what_it_took_when_it_is_killed(own_influx: Influx) -> None:
    bucket = own_influx.bucket()
    write(own_influx, bucket, "rating n=1i 1000000000")
    own_influx.restart()
    assert own_influx.query(bucket, "SELECT SUM(n) FROM rating")[0]["sum"] == 1


def test_a_server_that_ends_at_once_shows_its_log(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such disk')"]
    server = Server("broken", command, tmp_path / "log", lambda: False)
    with pytest.raises(RuntimeError, match="no such disk"):
        server.start()


def test_a_server_that_ignores_sigterm_is_ended_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.services.processes.STOP_S", 0.2)
    ready = tmp_path / "ready"
    program = "import signal, sys; signal.signal(15, signal.SIG_IGN); open(sys.argv[1], 'w'); signal.pause()"
    command = [sys.executable, "-c", program, str(ready)]
    server = Server("stubborn", command, tmp_path / "log", ready.exists)
    server.start()
    server.stop()
    assert not server.running


@pytest.mark.parametrize("ci", ["true", ""])
def test_a_missing_service_fails_in_ci_and_is_skipped_on_a_laptop(
    ci: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr("tests.services.mosquitto.find", lambda _: None)
    outcome = pytest.fail.Exception if ci else pytest.skip.Exception
    with pytest.raises(outcome, match="sudo apt install mosquitto"):
        Mosquitto(tmp_path)


def test_setup_says_what_is_missing_and_installs_nothing_on_a_laptop(tmp_path: Path) -> None:
    script = Path(__file__).parent / "setup.sh"
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "id", "dirname", "ls", "grep", "uname"):
        program = find(name)
        assert program is not None
        (tools / name).symlink_to(program)
    environment = {"PATH": str(tools), "HOME": str(tmp_path)}
    said = subprocess.run(["sh", script], env=environment, capture_output=True, text=True, check=True).stdout
    assert "make services" in said
    assert not (tmp_path / ".cache").exists()
