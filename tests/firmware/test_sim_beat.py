"""The beat of the whole box: every field of docs/WIRE.md while records wait, and after a restart. Compiled, simulated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.firmware.conftest import micropython
from tests.firmware.fake_collector import FakeCollector
from tests.firmware.simbox import SimBox, acked
from tests.services.mosquitto import Mosquitto

pytest_plugins = ["tests.firmware.simfixtures"]
pytestmark = pytest.mark.skipif(micropython() is None, reason="no micropython on this platform")

FIELDS = {
    "v", "life", "boot", "up_ms", "seq", "n", "depth", "oldest_ms", "lost", "unknown", "room", "clock", "stuck", "heap",
    "rssi", "erases", "faults", "config", "mac",
}  # fmt: skip
RING = 512 * 1024 // 64  # slots


def beat(collector: FakeCollector, what: str, so: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """The newest beat, once it is `so`."""
    collector.until(what, lambda: collector.heard["beat"] and so(collector.heard["beat"][-1]))
    return dict(collector.heard["beat"][-1])


def test_a_beat_tells_what_waits_and_since_when(
    mosquitto: Mosquitto, collector: FakeCollector, make_box: Callable[..., SimBox]
) -> None:
    box = make_box(mosquitto.port, beat_s=1)
    box.press(1)
    acked(box, 3)
    first = beat(collector, "a beat with all acknowledged", lambda b: b["n"] == [1, 0, 0] and not b["depth"])
    assert first.keys() == FIELDS
    assert (first["oldest_ms"], first["clock"], first["config"]) == (0, 1, "")
    collector.answering = False
    box.press(2)
    box.press(3)
    waits = beat(collector, "two that wait", lambda b: b["depth"] == 2)
    later = beat(collector, "and get older", lambda b: b["up_ms"] > waits["up_ms"])
    assert (later["n"], later["seq"], later["lost"], later["unknown"]) == ([1, 1, 1], 5, [0, 0, 0], 0)
    assert later["oldest_ms"] - waits["oldest_ms"] == later["up_ms"] - waits["up_ms"]
    assert 0 <= waits["oldest_ms"] < waits["up_ms"]
    assert first["room"] == waits["room"] + 2
    assert RING * 0.9 < first["room"] < RING
    assert (later["heap"] > 0, later["faults"], later["stuck"], later["rssi"]) == (True, 0, 0, 0)
    box.process.kill()
    box.ended()
    box.boot()
    again = beat(collector, "the next boot's", lambda b: b["boot"] == waits["boot"] + 1)
    assert (again["depth"], again["n"]) == (2, [1, 1, 1])
    assert again["oldest_ms"] == 0, "up_ms of another boot says nothing"
    assert again["clock"] == 0
