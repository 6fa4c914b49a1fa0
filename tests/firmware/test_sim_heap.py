"""The whole firmware in the heap that budget.toml gives it, through a day that flaps: no growth, and room to spare."""

from __future__ import annotations

import tomllib
from collections.abc import Callable

import pytest

from tests.firmware.conftest import FIRMWARE, micropython
from tests.firmware.fake_collector import FakeCollector
from tests.firmware.simbox import SimBox, acked
from tests.services.mosquitto import Mosquitto

pytest_plugins = ["tests.firmware.simfixtures"]
pytestmark = [
    pytest.mark.skipif(micropython() is None, reason="no micropython on this platform"),
]

BUDGET = tomllib.loads((FIRMWARE / "budget.toml").read_text())["heap"]
ROUNDS, PRESSES = 4, 24
LONG_MS = 160  # a busy host may look late, and the next press is still not of the same hand (box/keys.py)


@pytest.mark.parametrize("heap", [BUDGET["soak"], BUDGET["smallest"]])
def test_the_heap_does_not_grow_while_the_link_flaps(
    heap: str, mosquitto: Mosquitto, make_box: Callable[..., SimBox], collector: FakeCollector
) -> None:
    box = make_box(mosquitto.port, heap=heap, beat_s=1)
    free = []
    for i in range(ROUNDS):
        mosquitto.kill()
        for k in range(PRESSES):
            box.press(k % 3 + 1, LONG_MS)
        mosquitto.start()
        box.wait("link up", i + 1)
        acked(box, 2 + (i + 1) * PRESSES)
        beats = len(collector.heard["beat"])
        collector.until("two beats", lambda n=beats: len(collector.heard["beat"]) > n + 1)
        free.append(collector.heard["beat"][-1]["heap"])
    assert len(collector.presses()) == ROUNDS * PRESSES
    if heap == BUDGET["soak"]:
        assert min(free) > BUDGET["free_bytes"], free
    assert free[-1] > free[0] - 1024, free
    assert not box.said("fault")
