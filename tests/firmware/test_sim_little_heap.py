"""A key test is begun only where a press still finds heap beside it; where there is too little, presses go on as ever."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable

import pytest

from tests.firmware.conftest import FIRMWARE, micropython
from tests.firmware.simbox import SimBox, another_hand
from tests.firmware.test_sim_staff import BADGE
from tests.services.processes import free_port

pytest_plugins = ["tests.firmware.simfixtures"]
pytestmark = pytest.mark.skipif(micropython() is None, reason="no micropython on this platform")

SMALLEST = tomllib.loads((FIRMWARE / "budget.toml").read_text())["heap"]["smallest"]
PLENTY = 8000  # bytes left: a test begins
BARELY = (
    4800,
    4700,
    4600,
    4500,
    4400,
)  # it may; without a look at the heap one of the presses then ended the box
TOO_LITTLE = 4000
SPEED = 10
CALM_S = 2.0  # of ours; a test begins after 10 s of the box's
LONG_MS = 160  # a busy host may look late, and the next press is still not of the same hand (box/keys.py)


@pytest.mark.parametrize("left", [PLENTY, *BARELY, TOO_LITTLE])
def test_a_key_test_leaves_heap_for_a_press(left: int, make_box: Callable[..., SimBox]) -> None:
    box = make_box(free_port(), heap=SMALLEST, reader=True, tell_lamp=True, speed=SPEED)
    box.say(f"hog {left}", f"badge {BADGE}")
    box.wait("duty reason=1")
    if left == PLENTY:
        box.until("a lamp alone", lambda: begun(box))
    else:
        time.sleep(CALM_S)
    for key in (1, 2, 3):
        box.say(*another_hand(LONG_MS), f"tap {key} {LONG_MS}")
    box.until("an answer to the last tap", lambda: answers(box) >= 3 or bool(box.said("fault")))
    assert not box.said("fault")
    assert left != TOO_LITTLE or not begun(box)


def begun(box: SimBox) -> bool:
    return any("only=" in line for line in box.said("lamp"))


def answers(box: SimBox) -> int:
    """Lights, or a key test that took the taps up to its end. Every tap has one: where a test ended, those before are its."""
    return 3 if box.said("keytest") else len(box.said("light"))
