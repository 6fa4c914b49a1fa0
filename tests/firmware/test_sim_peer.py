"""Servers that do a box harm: they hang up, talk nonsense, or say nothing. It closes what it opened, waits for none of
them for ever, and its keys do not mind. Who stops reading: test_line.py. And a file system that takes nothing."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.firmware.conftest import micropython
from tests.firmware.fake_collector import FakeCollector
from tests.firmware.simbox import SimBox
from tests.firmware.test_sim_staff import CONFIG, PLAIN
from tests.services.certs import Certs

pytest_plugins = ["tests.firmware.simfixtures"]
pytestmark = pytest.mark.skipif(micropython() is None, reason="no micropython on this platform")

OFTEN = 1000
FEW_FDS = 12  # console, folder, flash, a socket or two; not a thousand
FAST = 20  # ten seconds in half a one


def hangs_up(sock: socket.socket) -> None:
    sock.close()


def resets(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def talks_nonsense(sock: socket.socket) -> None:
    sock.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n" * 3)
    sock.close()


def says_nothing(sock: socket.socket) -> None:
    SILENT.append(sock)


SILENT: list[socket.socket] = []


class Peer:
    def __init__(self, manner: Callable[[socket.socket], None]) -> None:
        self.dialled = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, args=(manner,), daemon=True)
        self._thread.start()

    def _serve(self, manner: Callable[[socket.socket], None]) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return  # closed: the test is over
            self.dialled += 1
            try:
                manner(sock)
            except OSError:
                sock.close()  # the box was quicker

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)


@pytest.fixture
def make_peer() -> Iterator[Callable[[Callable[[socket.socket], None]], Peer]]:
    made: list[Peer] = []

    def make(manner: Callable[[socket.socket], None]) -> Peer:
        made.append(Peer(manner))
        return made[-1]

    yield make
    for peer in made:
        peer.close()
    while SILENT:
        SILENT.pop().close()


@pytest.fixture
def trusted(certs: Certs, tmp_path: Path) -> dict[str, str]:
    return {"ca": str(shutil.copy(certs.ca_der, tmp_path / "trusted.der")), "name": "localhost"}


@pytest.mark.skipif(sys.platform != "linux", reason="open files are counted in /proc")
@pytest.mark.parametrize("manner", [hangs_up, resets, talks_nonsense])
@pytest.mark.parametrize("tls", [False, True])
def test_a_thousand_connections_leave_no_socket_open(
    tls: bool,
    manner: Callable[[socket.socket], None],
    make_peer: Callable[..., Peer],
    make_box: Callable[..., SimBox],
    trusted: dict[str, str],
) -> None:
    peer = make_peer(manner)
    box = make_box(peer.port, tls=trusted if tls else None, backoff_ms=1, backoff_max_ms=1)
    box.until("many tries", lambda: len(box.said("link down")) >= OFTEN)
    assert len(os.listdir(f"/proc/{box.process.pid}/fd")) <= FEW_FDS
    box.press(2)


@pytest.mark.parametrize(("tls", "why"), [(False, "no-hello"), (True, "silent")])
def test_a_server_that_says_nothing_is_left(
    tls: bool,
    why: str,
    make_peer: Callable[..., Peer],
    make_box: Callable[..., SimBox],
    trusted: dict[str, str],
) -> None:
    peer = make_peer(says_nothing)
    box = make_box(peer.port, tls=trusted if tls else None, speed=FAST)
    box.wait("link down", 2)
    assert why in box.said("link down")[1]
    box.press(1, 200)
    assert not box.said("fault")


def test_a_file_system_that_takes_nothing_costs_the_settings_at_the_next_start_and_no_more(
    box: SimBox, collector: FakeCollector
) -> None:
    (box.folder / "config.new").mkdir()  # so that it cannot be written
    collector.send("config", CONFIG % (PLAIN | {"id": "c7"}), retain=True)
    box.wait("config id=c7")
    assert box.said("fault save=config")
    collector.until("the beat says it", lambda: collector.heard["beat"][-1]["config"] == "c7")
    assert not box.said("link down")
