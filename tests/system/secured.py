"""A secured broker, as `manyi broker init` makes it, on the real Mosquitto; and clients that say what they see.

As root, Mosquitto drops to its own account, as it does in production: a file that only root can read fails here.
Another release than the installed one is tried by putting it first on PATH; from 2.1 on it is given its own form.
Nothing is waited for by sleeping: a client that must hear nothing is asked for a later message that it must hear.
"""

from __future__ import annotations

import json
import os
import pwd
import queue
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

import paho.mqtt.client as mqtt
from manyi.broker import ca, install, mosquitto
from manyi.broker.names import COLLECTOR, WINDOW
from paho.mqtt.enums import CallbackAPIVersion

from tests.services.processes import Server, find, free_port, listens, missing

WAIT_S = 60.0  # for something that must happen; on an idle machine it takes milliseconds
HOST = "127.0.0.1"
NAMES = ["localhost", HOST]


def account() -> str:
    """Mosquitto's own account where we are root and it exists; otherwise whoever we are."""
    if os.geteuid() == 0 and any(entry.pw_name == "mosquitto" for entry in pwd.getpwall()):
        return "mosquitto"
    return pwd.getpwuid(os.geteuid()).pw_name


def plugins_of(program: str) -> str | None:
    """Where this Mosquitto has its plugins; None if it is 2.0, which has passwords and access list built in."""
    said = subprocess.run([program, "-h"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"version (\d+)\.(\d+)", said)
    assert found is not None, f"{program} -h does not say its version: {said[:200]}"
    if (int(found[1]), int(found[2])) < (2, 1):
        return None
    (plugin,) = list(Path(program).resolve().parents[1].glob("lib/**/mosquitto_password_file.so"))[:1]
    return str(plugin.parent)


def until(true: Callable[[], bool], what: str) -> None:
    """Waits for a state that can only be asked for."""
    deadline = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < deadline, f"still not: {what}"
        time.sleep(0.02)


class Secured(Server):
    """`folder`, `authority`, `port`, `passwords`, `add()`, `hup()`."""

    def __init__(
        self, names: list[str] = NAMES, *, signed: datetime | None = None, metrics: bool = False
    ) -> None:
        program = find("mosquitto")
        if program is None:
            missing("Mosquitto", "sudo apt install mosquitto (or: make services)")
        assert program is not None
        # Not pytest's folder: that is root's alone, and the broker's account has to come through.
        self.base = Path(tempfile.mkdtemp(prefix="manyi-broker-"))
        self.base.chmod(0o711)
        self.folder, self.authority, self.port = self.base / "broker", self.base / "ca", free_port()
        now = datetime.now(UTC)
        ca.create(self.authority, "test root", [], None, now)
        plugins = plugins_of(program)
        setup = mosquitto.Setup(
            str(self.folder),
            port=self.port,
            bind=HOST,
            account=account(),
            log="stderr",
            metrics=metrics,
            plugins=plugins or "/usr/lib",
        )
        install.init(self.folder, setup, install.Signing(self.authority, names, None), signed or now)
        handover = self.folder / install.HANDOVER
        self.passwords = {
            user: (handover / f"{user}.password").read_text().strip() for user in (COLLECTOR, WINDOW)
        }
        command = [program, "-c", str(self.folder / (mosquitto.CONF_21 if plugins else mosquitto.CONF))]
        super().__init__("mosquitto", command, self.base / "log", lambda: listens(self.port))

    @property
    def root(self) -> Path:
        return self.folder / ca.CA_PEM

    def add(self, *boxes: str) -> None:
        out = self.base / f"{boxes[0]}.jsonl"
        install.add(self.folder, list(boxes), out, None, None)
        for line in out.read_text().splitlines():
            one = json.loads(line)
            self.passwords[one["user"]] = one["password"]
        out.unlink()

    def hup(self) -> None:
        os.kill(self.pid, signal.SIGHUP)

    def remove_all(self) -> None:
        self.kill()
        shutil.rmtree(self.base, ignore_errors=True)

    def context(self) -> ssl.SSLContext:
        """As strict as Python can be, like the collector's."""
        context = ssl.create_default_context(cafile=str(self.root))
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    def client(
        self,
        user: str | None,
        password: str | None = None,
        *,
        client_id: str = "",
        context: ssl.SSLContext | None = None,
        will: str = "",
    ) -> Client:
        """One that has said CONNECT over TLS; `password` is the account's own unless given. Look at `.said`."""
        if password is None and user is not None:
            password = self.passwords[user]
        return Client(self.port, user, password, client_id or f"id-{user}", context or self.context(), will)


class Client:
    """One connection; it never tries again by itself. `said`: the broker's answer, "" if it hung up."""

    def __init__(  # what MQTT's CONNECT has
        self,
        port: int,
        user: str | None,
        password: str | None,
        client_id: str,
        context: ssl.SSLContext | None,
        will: str = "",
        host: str = "localhost",
    ) -> None:
        self._mqtt = mqtt.Client(CallbackAPIVersion.VERSION2, client_id, reconnect_on_failure=False)
        self._mqtt.connect_timeout = WAIT_S
        if user is not None:
            self._mqtt.username_pw_set(user, password)
        if context is not None:
            self._mqtt.tls_set_context(context)
        if will:
            self._mqtt.will_set(will, b"will", qos=1)
        self._heard: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._answered, self._acked = threading.Event(), threading.Event()
        self.gone = threading.Event()
        self.said = ""
        self._mqtt.on_connect = lambda _c, _u, _f, reason, _p: self._on_connect(str(reason))
        self._mqtt.on_disconnect = lambda *_: self._on_disconnect()
        self._mqtt.on_subscribe = lambda *_: self._acked.set()
        self._mqtt.on_message = lambda _c, _u, message: self._heard.put((message.topic, message.payload))
        self._mqtt.connect(host, port)
        self._mqtt.loop_start()
        assert self._answered.wait(WAIT_S), "neither an answer nor an end"

    def _on_connect(self, reason: str) -> None:
        self.said = reason
        self._answered.set()

    def _on_disconnect(self) -> None:
        self.gone.set()
        self._answered.set()

    def hears(self, *topics: str) -> Client:
        for topic in topics:
            self._acked.clear()
            self._mqtt.subscribe(topic, qos=1)
            assert self._acked.wait(WAIT_S), f"no answer to subscribing {topic}"
        return self

    def says(self, topic: str, payload: bytes = b"x", *, retain: bool = False) -> None:
        """Published with QoS 1, and taken by the broker, which says nothing of whether it passed it on."""
        self._mqtt.publish(topic, payload, qos=1, retain=retain).wait_for_publish(WAIT_S)

    def sends(self, topic: str, payload: bytes) -> None:
        """Published, and no answer is waited for."""
        self._mqtt.publish(topic, payload, qos=0)

    def heard_until(self, topic: str, payload: bytes = b"x") -> list[tuple[str, bytes]]:
        """Everything heard so far, up to and with this message, which must come."""
        heard = []
        while (topic, payload) not in heard:
            heard.append(self._heard.get(timeout=WAIT_S))
        return heard

    def hears_next(self) -> tuple[str, bytes]:
        """The next message, which must come."""
        return self._heard.get(timeout=WAIT_S)

    def heard_nothing(self) -> bool:
        """Whether nothing has come so far. Ask it only after something that came later was heard elsewhere."""
        return self._heard.empty()

    def cut(self) -> None:
        """The network is gone, without a word: the broker sends the will."""
        sock = self._mqtt.socket()
        assert sock is not None
        sock.shutdown(socket.SHUT_RDWR)
        assert self.gone.wait(WAIT_S)
        self._mqtt.loop_stop()

    def close(self) -> None:
        self._mqtt.disconnect()
        self._mqtt.loop_stop()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
