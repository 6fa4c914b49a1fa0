"""Compiled firmware, simulated boxes and a collector for them, as fixtures: `pytest_plugins` of a module that wants them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.firmware.conftest import FIRMWARE
from tests.firmware.fake_collector import FakeCollector
from tests.firmware.simbox import BOX, K_CHAIN, K_LINK, SimBox
from tests.services.mosquitto import Mosquitto


@pytest.fixture(scope="session")
def firmware() -> Path:
    planted = os.environ.get("MANYI_PLANTED")  # make coverage: the same, with probes
    if planted:
        return Path(planted) / "mpy"
    subprocess.run([sys.executable, FIRMWARE / "build.py"], check=True)
    return FIRMWARE.parent / "build" / "firmware"


@pytest.fixture
def make_box(tmp_path: Path, firmware: Path) -> Iterator[Callable[..., SimBox]]:
    made: list[SimBox] = []

    def make(port: int, folder: str = "box", boot: bool = True, **facts: object) -> SimBox:
        made.append(SimBox(tmp_path / folder, firmware, port, **facts))
        return made[-1].boot() if boot else made[-1].start()

    yield make
    for box in made:
        box.kill()


@pytest.fixture
def make_collector() -> Iterator[Callable[..., FakeCollector]]:
    made: list[FakeCollector] = []

    def make(port: int) -> FakeCollector:
        made.append(FakeCollector(port, BOX, K_LINK, K_CHAIN))
        return made[-1]

    yield make
    for collector in made:
        collector.close()
        assert not collector.wrong


@pytest.fixture
def collector(mosquitto: Mosquitto, make_collector: Callable[..., FakeCollector]) -> FakeCollector:
    return make_collector(mosquitto.port)


@pytest.fixture
def box(mosquitto: Mosquitto, collector: FakeCollector, make_box: Callable[..., SimBox]) -> SimBox:
    box = make_box(mosquitto.port)
    box.wait("ack")
    return box
