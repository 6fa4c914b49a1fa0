"""The beginning of `make soak`: presses without a pause over a TLS link that flaps, at an ESP32's heap and at less."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.firmware.conftest import micropython
from tests.firmware.soak import BUDGET, GROWTH, soak

HASTE_WK = 1  # firmware/ports/sim/haste.py takes 1.9 KB of this heap, and no box in a hall has it
HEAP = BUDGET["heap"]
HEAPS = [HEAP["soak"], f"{int(HEAP['smallest'].removesuffix('wK')) + HASTE_WK}wK"]

pytest_plugins = ["tests.firmware.simfixtures"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(micropython() is None, reason="no micropython on this platform"),
]


@pytest.mark.parametrize("heap", HEAPS)
def test_a_minute_of_pressing_over_a_flapping_tls_link_costs_no_heap_and_no_press(
    heap: str, tmp_path: Path, firmware: Path
) -> None:
    report = soak(tmp_path, firmware, seconds=60, heap=heap)
    print(report)
    assert report.stored == report.pressed > 1000
    assert report.lost == 0
    assert report.unlit <= report.pressed / 1000, "seen: none, at a load of 16 on two cores"
    assert report.outages >= 5
    assert report.resets == 0
    assert report.grown() <= GROWTH, report
    assert not report.worn(), report
