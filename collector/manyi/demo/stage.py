"""The demo's folder: configuration, keys, passwords, one folder per box, logs. Written once, before anything starts.

Keys and passwords are random and live as long as the demo. Nothing outside the folder is touched.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from manyi.demo.places import FOLDER, NAME, Place, places
from manyi.demo.words import Failed

HOST = "127.0.0.1"
COLLECTOR = "manyi_collector"  # its account on the broker
WEB_PORT = 8000  # of the wall, if it is free
BEAT_S = 10  # the fastest a box may be told (docs/WIRE.md, config), so that the wall is never an old picture
HEAP = "56wK"  # what an ESP32 has, in words of this machine: see firmware/budget.toml
FIRMWARE = Path(__file__).resolve().parents[3] / "build" / "firmware"

CONFIG = """\
[city]
name = "{zh}"
name_en = "{en}"

[data]
dir = "data"

[broker]
host = "{host}"
port = {broker_port}
username = "{user}"
password_file = "collector.password"
plain = true  # loopback, on one machine

[keys]
link_file = "link.keys"

[web]
host = "{host}"
port = {web_port}
login = false  # no accounts: on this machine alone, and only because every citizen here is invented
"""


@dataclass(frozen=True, slots=True)
class Stage:
    folder: Path
    broker_port: int
    web_port: int
    places: list[Place]

    @property
    def config(self) -> Path:
        return self.folder / "manyi.toml"

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.web_port}"

    def log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"

    def box(self, box: str) -> Path:
        return self.folder / "boxes" / box

    def broker_command(self) -> list[str]:
        passwords = str(self.folder / "broker.passwords")
        return [sys.executable, "-m", "manyi.demo.broker", str(self.broker_port), passwords]

    def manyi_command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "manyi", "--config", str(self.config), *words]

    def import_command(self) -> list[str]:
        return self.manyi_command("roster", "import", str(FOLDER))


def prepare(folder: Path, port: int | None) -> Stage:
    """Writes everything into `folder`. Raises Failed if the wanted port is taken or the broker is not installed."""
    if find_spec("amqtt") is None:
        raise Failed("not_installed", name="amqtt")
    stage = Stage(folder, free_port(), web_port(port), places())
    for name in ("data", "logs", "boxes"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    stage.config.write_text(
        CONFIG.format(
            zh=NAME[0],
            en=NAME[1],
            host=HOST,
            user=COLLECTOR,
            broker_port=stage.broker_port,
            web_port=stage.web_port,
        ),
        encoding="utf-8",
    )
    passwords = {COLLECTOR: secrets.token_hex(16)}
    keys, sealed = [], []
    for place in stage.places:
        k_link, k_chain, password = secrets.token_hex(32), secrets.token_hex(32), secrets.token_hex(16)
        passwords[place.box] = password
        keys.append(f"{place.box} {k_link}\n")
        sealed.append(f"{place.box} {k_chain}\n")
        stage.box(place.box).mkdir(exist_ok=True)
        facts = {
            "box": place.box, "k_link": k_link, "k_chain": k_chain, "host": HOST,
            "port": stage.broker_port, "user": place.box, "password": password, "tls": None, "beat_s": BEAT_S,
        }  # fmt: skip
        _secret(stage.box(place.box) / "box.json", json.dumps(facts))
    _secret(folder / "link.keys", "".join(keys))
    (folder / "auditor").mkdir(exist_ok=True)  # in a city this file is in somebody else's safe
    _secret(folder / "auditor" / "auditor.keys", "".join(sealed))
    _secret(folder / "collector.password", passwords[COLLECTOR])
    _secret(folder / "broker.passwords", json.dumps(passwords))
    return stage


def box_command(micropython: str, home: Path) -> list[str]:
    """One box, whose folder has its identity and its flash. Raises Failed without compiled firmware."""
    return [micropython, "-X", f"heapsize={HEAP}", str(firmware() / "sim.py"), str(home)]


def firmware() -> Path:
    """The compiled firmware. Raises Failed if it is not there."""
    if not (FIRMWARE / "sim.py").exists():
        raise Failed("no_firmware", path=FIRMWARE)
    return FIRMWARE


def micropython() -> str:
    """The interpreter of the boxes: MICROPYTHON, or the one beside this Python. Raises Failed."""
    named = os.environ.get("MICROPYTHON")
    beside = Path(sys.executable).parent / "micropython"
    found = shutil.which(named) if named else str(beside) if beside.exists() else None
    if found is None:
        raise Failed("no_micropython")
    return found


def web_port(wanted: int | None) -> int:
    if wanted is not None:
        if not _free(wanted):
            raise Failed("port_taken", port=wanted)
        return wanted
    return WEB_PORT if _free(WEB_PORT) else free_port()


def free_port() -> int:
    with socket.socket() as s:
        s.bind((HOST, 0))
        return int(s.getsockname()[1])


def _free(port: int) -> bool:
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind((HOST, port))
        except OSError:
            return False
    return True


def _secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
