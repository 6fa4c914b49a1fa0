"""Keys of the whole box: light in time, a box that stands still, furniture against a key. Compiled firmware, simulated."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.firmware.conftest import micropython
from tests.firmware.fake_collector import FakeCollector
from tests.firmware.simbox import BLOCKED_MS, SimBox, acked, lit_at_once
from tests.services.mosquitto import Mosquitto

pytest_plugins = ["tests.firmware.simfixtures"]
pytestmark = pytest.mark.skipif(micropython() is None, reason="no micropython on this platform")

HASTE = 20  # times as fast as a minute of furniture lasts


def test_light_comes_within_20_ms(box: SimBox) -> None:
    lit_at_once([box.press(1) for _ in range(9)], 20)


def test_a_blocked_vm_misses_no_key(box: SimBox, collector: FakeCollector) -> None:
    box.say("tap 2 60", "block 400")
    assert 300 < float(box.wait("light")["ms"]) < BLOCKED_MS
    box.say("tap 3 60", "block 400")
    box.wait("light", 2)
    acked(box, 4)
    assert collector.presses() == [2, 3]


def test_the_tap_after_one_that_was_seen_late_has_its_light(box: SimBox, collector: FakeCollector) -> None:
    for seq in (2, 4):  # the second tap 120 ms after the first, and 40 ms after the box could see that one
        box.say("tap 1 60", "block 80", "tap 3 60")
        box.wait("light", seq)
    collector.until("all of it", lambda: collector.presses() == [1, 3, 1, 3])


def test_furniture_against_a_key_is_told_silences_no_other_and_ends(
    mosquitto: Mosquitto, collector: FakeCollector, make_box: Callable[..., SimBox]
) -> None:
    box = make_box(mosquitto.port, speed=HASTE, beat_s=10, ack_ms=10_000)
    box.say("down 2")
    box.wait("light")  # a hand at first, for all that the box can know
    collector.until("a beat that tells of it", lambda: collector.heard["beat"][-1:] and stuck(collector) == 2)
    box.press(1, 200)
    box.press(3, 200)
    box.say("up 2")
    collector.until("a beat after it", lambda: stuck(collector) == 0)
    collector.until("what the others pressed", lambda: collector.presses() == [2, 1, 3])


def stuck(collector: FakeCollector) -> int:
    return int(collector.heard["beat"][-1]["stuck"])
