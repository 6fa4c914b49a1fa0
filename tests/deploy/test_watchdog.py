"""A service that hangs is ended by systemd: what counts as hanging, and what systemd hears."""

from __future__ import annotations

import configparser
import os
import socket
import subprocess
import sys
import time
import types
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Semaphore

import pytest
import structlog
from manyi import notify
from manyi.core import mqtt
from manyi.core.config import Broker
from manyi.core.inbox import Inbox
from manyi.core.running import HANGS_S, Running, Stop

from tests.deploy.town import Town
from tests.services.mosquitto import Mosquitto
from tests.services.processes import free_port

PATIENCE_S = 60
UNIT = Path(__file__).resolve().parents[2] / "collector" / "deploy" / "systemd" / "manyi.service"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Work(Running):
    """One thread that goes round as often as it may, one that is stuck behind a wall, one that has announced a pause."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(structlog.get_logger())
        self.stop = Stop(clock)
        self.rounds, self.begun, self.wall, self.pause = Semaphore(0), Semaphore(0), Event(), 2 * HANGS_S
        self._thread("works", self._works)
        self._thread("stuck", self._stuck)
        self._thread("pauses", self._pauses)
        self._begin_threads()
        for _ in range(3):
            assert self.begun.acquire(timeout=PATIENCE_S)

    def _works(self) -> None:
        self.begun.release()
        while not self.stop.is_set():
            self.rounds.release()
            self.wall.wait(0.001)

    def _stuck(self) -> None:
        self.stop.is_set()
        self.begun.release()
        self.wall.wait()

    def _pauses(self) -> None:
        self.begun.release()
        self.stop.wait(self.pause)

    def end(self) -> None:
        self.stop.set()
        self.wall.set()
        self._end_threads()


def test_the_thread_that_hangs_is_named_and_neither_the_busy_nor_the_one_that_pauses() -> None:
    clock = Clock()
    work = Work(clock)
    try:
        assert work.late() == []
        clock.now += HANGS_S + 1
        while work.rounds.acquire(blocking=False):
            pass
        for _ in range(2):  # one round that began after the clock moved
            assert work.rounds.acquire(timeout=PATIENCE_S)
        assert work.late() == ["stuck"]
        clock.now += 2 * HANGS_S + 1
        assert {"stuck", "pauses"} <= set(work.late())
    finally:
        work.end()


def test_whoever_asked_once_and_is_no_thread_of_the_service_is_not_waited_for() -> None:
    clock = Clock()
    running = Running(structlog.get_logger())
    running.stop = Stop(clock)
    assert not running.stop.is_set()
    clock.now += 10 * HANGS_S
    assert running.late() == []


def test_a_link_that_is_up_and_hears_nothing_hangs(
    mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = mqtt.Mqtt(Broker("127.0.0.1", mosquitto.port, "", None, True, None), Inbox())
    assert not link.hangs, "not connected: it tries again by itself"
    connected = Event()
    link.on_connected = connected.set
    link.start()
    try:
        assert connected.wait(PATIENCE_S)
        assert not link.hangs
        now = time.monotonic() + 4 * mqtt.KEEPALIVE_S
        monkeypatch.setattr(mqtt, "time", types.SimpleNamespace(monotonic=lambda: now))
        assert link.hangs
    finally:
        monkeypatch.undo()
        link.stop()


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(PATIENCE_S + notify.EVERY_S)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield sock


def heard(systemd: socket.socket, *words: bytes) -> None:
    """Waits until each has come, in any order."""
    missing = set(words)
    while missing:
        word = systemd.recv(100)
        assert word in {b"READY=1", b"WATCHDOG=1", b"STOPPING=1"}, word
        missing.discard(word)


def test_systemd_hears_that_all_is_well_only_while_it_is(systemd: socket.socket) -> None:
    clock, late = Clock(), list[str]()
    with structlog.testing.capture_logs() as said:
        watchdog = notify.Watchdog(late.copy, structlog.get_logger(), clock)
        watchdog()
        watchdog()
        assert systemd.recv(100) == b"WATCHDOG=1"
        late.append("projector")
        for _ in range(3):
            clock.now += notify.EVERY_S
            watchdog()
        late.clear()
        clock.now += notify.EVERY_S
        watchdog()
    assert systemd.recv(100) == b"STATUS=hangs: projector"
    assert systemd.recv(100) == b"WATCHDOG=1"
    systemd.setblocking(False)
    with pytest.raises(BlockingIOError):
        systemd.recv(100)
    assert [entry["threads"] for entry in said] == ["projector"], "once, not once every ten seconds"


def test_the_unit_waits_for_some_missed_words_and_not_for_one() -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.read(UNIT, encoding="utf-8")
    assert float(unit["Service"]["WatchdogSec"]) >= 5 * notify.EVERY_S


def test_the_real_service_says_that_it_lives(systemd: socket.socket, tmp_path: Path) -> None:
    town = Town(
        tmp_path / "town", port=free_port(), web=free_port()
    )  # no broker there: it lives all the same
    town.conn.close()
    command = [sys.executable, "-m", "manyi", "-c", str(town.file), "serve"]
    log = (tmp_path / "log").open("wb")
    process = subprocess.Popen(
        command, env={**os.environ, "WATCHDOG_USEC": "60000000"}, stdout=log, stderr=subprocess.STDOUT
    )
    try:
        heard(systemd, b"READY=1", b"WATCHDOG=1")
        process.terminate()
        heard(systemd, b"STOPPING=1")
        assert process.wait(PATIENCE_S) == 0
        process = subprocess.Popen(
            command, env={**os.environ, "WATCHDOG_USEC": "60000000"}, stdout=log, stderr=subprocess.STDOUT
        )
        heard(systemd, b"READY=1")
        process.send_signal(6)  # what systemd does when it has waited long enough
        process.wait(PATIENCE_S)
        assert "core/pipeline.py" in (tmp_path / "log").read_text(), "where every thread stood"
    finally:
        process.kill()
        process.wait()
        log.close()
