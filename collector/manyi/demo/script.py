"""Who presses what and when: a day of a service hall, compressed, from a seed. Pure: the same seed, the same day.

Visitors arrive at each box by chance (Poisson), more of them at the compressed morning and afternoon peaks. Most
press once; some press twice, some correct themselves within the visit, and now and then a queue empties in a burst.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

GREEN, YELLOW, RED = 1, 2, 3
MIX = (85, 10, 5)  # percent green, yellow, red
MEAN_GAP_MS = 5_000  # between two visitors of one box; 12 boxes make about 2.4 presses a second
DAY_MS = 60_000  # a service day of 8 hours is shown in a minute
PEAK = 0.6  # how much busier than the mean a peak is, and how much quieter noon
DOUBLE = 0.06  # of visitors press the same key twice
CORRECTION = 0.05  # of visitors press another key after the first
BURST = 0.02  # of visitors bring a queue with them
BURST_SIZE = (4, 8)
BURST_GAP_MS = (900, 1_600)
SECOND_MS = (500, 2_500)  # until a second press of the same visit
HOLD_MS = (80, 350)  # how long a key is held down
FREE_MS = 450  # a finger needs this long to come back; the longest hold and a little


@dataclass(frozen=True, slots=True)
class Press:
    at_ms: int
    box: int
    level: int
    hold_ms: int


def presses(seed: int, box: int) -> Iterator[Press]:
    """The presses at one box, for ever, in order of time and never closer than FREE_MS."""
    chance = random.Random(f"{seed}/{box}")
    now = chance.uniform(0, MEAN_GAP_MS)
    free = 0.0
    while True:
        for offset, level in _visit(chance):
            at = max(now + offset, free)
            free = at + FREE_MS
            yield Press(int(at), box, level, chance.randint(*HOLD_MS))
        now = max(now + chance.expovariate(busyness(now) / MEAN_GAP_MS), free)


def busyness(at_ms: float) -> float:
    """1 on average over a day; two peaks a day."""
    return 1 - PEAK * math.cos(4 * math.pi * (at_ms % DAY_MS) / DAY_MS)


def _visit(chance: random.Random) -> Iterator[tuple[float, int]]:
    """(ms after the visitor came, level) of each press."""
    first = _level(chance)
    yield 0, first
    what = chance.random()
    if what < DOUBLE:
        yield chance.uniform(*SECOND_MS), first
    elif what < DOUBLE + CORRECTION:
        yield (
            chance.uniform(*SECOND_MS),
            chance.choice([level for level in (GREEN, YELLOW, RED) if level != first]),
        )
    elif what < DOUBLE + CORRECTION + BURST:
        at = 0.0
        for _ in range(chance.randint(*BURST_SIZE)):
            at += chance.uniform(*BURST_GAP_MS)
            yield at, _level(chance)


def _level(chance: random.Random) -> int:
    return chance.choices((GREEN, YELLOW, RED), MIX)[0]
