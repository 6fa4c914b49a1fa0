"""The real Mosquitto as a fixture: on a free loopback port, without persistence, as production may run it.

Open to everybody unless it is given passwords. With `tls` it listens with a server certificate made for the
test. It keeps no message over a kill, which is the point: nothing that matters may depend on the broker.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.services.certs import Certs
from tests.services.processes import Server, find, free_port, listens, missing


class Mosquitto(Server):
    """`host`, `port`, and `start() kill() stop() restart() freeze() thaw()`."""

    host = "127.0.0.1"

    def __init__(
        self, folder: Path, users: Mapping[str, str] | None = None, tls: Certs | None = None, extra: str = ""
    ) -> None:
        program = find("mosquitto")
        if program is None:
            missing("Mosquitto", "sudo apt install mosquitto (or: make services)")
        assert program is not None
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        lines = [f"listener {self.port} {self.host}", "persistence false", "log_type all", "user root"]
        if users:
            lines += ["allow_anonymous false", f"password_file {_password_file(folder, users)}"]
        else:
            lines.append("allow_anonymous true")
        if tls:
            lines += [f"certfile {tls.server_cert}", f"keyfile {tls.server_key}"]
        config = folder / "mosquitto.conf"
        config.write_text("\n".join([*lines, extra, ""]))
        command = [program, "-c", str(config)]
        ports = [self.port, *(int(port) for port in re.findall(r"^listener (\d+)", extra, re.MULTILINE))]
        super().__init__("mosquitto", command, folder / "mosquitto.log", lambda: all(map(listens, ports)))


def _password_file(folder: Path, users: Mapping[str, str]) -> Path:
    path = folder / "passwords"
    path.write_text("".join(f"{user}:{password}\n" for user, password in users.items()))
    path.chmod(0o600)
    tool = find("mosquitto_passwd")
    assert tool is not None, "mosquitto_passwd comes with Mosquitto"
    subprocess.run([tool, "-U", str(path)], check=True, capture_output=True)
    return path


@pytest.fixture
def make_mosquitto(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    """Makes started brokers: `make_mosquitto(users={...}, tls=certs, extra="...")`."""
    made: list[Mosquitto] = []

    def make(**options: object) -> Mosquitto:
        broker = Mosquitto(tmp_path / f"mosquitto-{len(made)}", **options)  # type: ignore[arg-type]
        made.append(broker)
        broker.start()
        return broker

    yield make
    for broker in made:
        broker.kill()


@pytest.fixture
def mosquitto(make_mosquitto: Callable[..., Mosquitto]) -> Mosquitto:
    """One running broker for this test, open to everybody, on `mosquitto.port`."""
    return make_mosquitto()


@pytest.fixture(scope="module")
def shared_mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """One running broker for a module that does not kill it. Retained messages stay from test to test."""
    broker = Mosquitto(tmp_path_factory.mktemp("mosquitto"))
    broker.start()
    yield broker
    broker.kill()
