"""A box that starts again and again all night: the ring must not fill, so the whole firmware may write nothing for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.firmware.conftest import micropython
from tests.firmware.fake_collector import FakeCollector
from tests.firmware.simbox import SimBox, acked
from tests.services.mosquitto import Mosquitto
from tests.services.processes import free_port

pytest_plugins = ["tests.firmware.simfixtures"]
pytestmark = pytest.mark.skipif(micropython() is None, reason="no micropython on this platform")

STARTS = 8


def test_a_boot_loop_with_the_collector_in_reach_writes_nothing(
    mosquitto: Mosquitto, collector: FakeCollector, make_box: Callable[..., SimBox]
) -> None:
    box = make_box(mosquitto.port)
    box.press(1)
    acked(box, 3)
    box.kill()
    flash = (box.folder / "flash.bin").read_bytes()
    for _ in range(STARTS):
        box.boot().wait("ack")  # it even says hello, and is told the time
        box.kill()
    assert (box.folder / "flash.bin").read_bytes() == flash
    assert box.boot().wait("ready")["boot"] == "2"  # boots of which nothing is written have no number
    box.press(2)
    collector.until("the press", lambda: collector.presses() == [1, 2])


def test_a_boot_loop_without_a_network_writes_nothing(make_box: Callable[..., SimBox]) -> None:
    box = make_box(free_port())
    box.press(3)
    box.kill()
    flash = (box.folder / "flash.bin").read_bytes()
    for _ in range(STARTS):
        box.boot().wait("link down")
        box.kill()
    assert (box.folder / "flash.bin").read_bytes() == flash


def test_a_task_that_dies_at_every_start_fills_nothing(make_box: Callable[..., SimBox]) -> None:
    box = make_box(free_port())
    box.press(3)
    box.kill()
    flash = (box.folder / "flash.bin").read_bytes()
    for _ in range(STARTS):
        box.boot().say("die")
        assert box.ended() == 3
        assert box.said("fault task=hand")
    assert (box.folder / "flash.bin").read_bytes() == flash
