"""A board's key latches on MicroPython: the handler runs between any two instructions, ticks wrap, nothing takes heap."""

import pytest

from tests.firmware.conftest import FIRMWARE

WORLD = """
import micropython, sys
PERIOD = 1 << 30  # an ESP32's ticks

class Time:
    now = 0
    after = None  # an edge that comes between two instructions, after the clock was read
    def ticks_ms(self):
        now, after, self.after = self.now, self.after, None
        if after:
            after(None)
        return now
    def ticks_diff(self, a, b):
        return (a - b + PERIOD // 2) % PERIOD - PERIOD // 2

class Pin:
    IN, PULL_UP, IRQ_FALLING, IRQ_RISING = 1, 2, 2, 1
    edges, levels = {}, {1: 1, 2: 1, 3: 1}
    before = None  # an edge just before a level is read
    def __init__(self, number, mode, pull):
        self.number = number
    def irq(self, handler, trigger):
        self.edges[self.number] = handler
    def value(self):
        before, Pin.before = Pin.before, None
        if before:
            before(None)
        return self.levels[self.number]

class Machine:
    pass

Machine.Pin = Pin
sys.modules["machine"] = Machine
from ports.esp32 import hands
hands.time = time = Time()
h = hands.Hands((1, 2, 3), 0, True)
edge = Pin.edges

def told():
    seen = h.read()
    return seen >> 3, seen & 7, [h.ago[i] for i in (0, 1, 2) if seen & 8 << i]
"""
WRAPS = """
time.now = PERIOD - 30
edge[1](0)
time.now = 20
print(told())
"""
AT_NOUGHT = """
time.now = 0
edge[1](0)
print(told()[:2], told())
"""
FIRST_EDGE = """
time.now = 100
edge[2](0)
time.now = 130
edge[2](0)
time.now = 150
print(told(), told())
"""
BETWEEN_CLOCK_AND_CLEAR = """
time.now = 100
edge[3](0)
time.now = 140
time.after = edge[3]
print(told(), told())
"""
AFTER_THE_CLEAR = """
time.now = 100
edge[1](0)
time.now = 140
Pin.before = edge[1]
print(told())
time.now = 145
print(told())
"""
WITHOUT_HEAP = """
Pin.levels[1] = 0
time.now = 7
micropython.heap_lock()
edge[1](0)
seen = h.read()
micropython.heap_unlock()
print(seen, h.ago[0])
"""


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (WRAPS, "(1, 0, [50])"),
        (AT_NOUGHT, "(1, 0) (0, 0, [])"),
        (FIRST_EDGE, "(2, 0, [50]) (0, 0, [])"),
        (BETWEEN_CLOCK_AND_CLEAR, "(4, 0, [40]) (0, 0, [])"),
        (AFTER_THE_CLEAR, "(1, 0, [40]) (1, 0, [5])"),
        (WITHOUT_HEAP, "9 0"),
    ],
)
def test_a_latch(what, said, run_micropython):
    done = run_micropython(WORLD + what, heap="512wK", path=FIRMWARE)
    assert " ".join(done.stdout.split("\n")).strip() == said, done.stderr
