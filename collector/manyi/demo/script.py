"""Who presses what and when: a day of a service hall, compressed, from a seed. Pure: the same seed, the same day.

Visitors come to each box by chance, more of them at the compressed morning and afternoon peaks, and one at a time: the
next one's first press is never within the visit of the one before, or two citizens would settle to one rating and look
like a correction. Most press once; some press twice, and some correct themselves.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

GREEN, YELLOW, RED = 1, 2, 3
MIX = (85, 10, 5)  # percent green, yellow, red
VISIT_MS = 5_500  # from a visitor's first press until the next one may press: [policy] visit_ms, and a little
MEAN_GAP_MS = 3_500  # until he does; 12 boxes make about 1.5 presses a second
DAY_MS = 60_000  # a service day of 8 hours is shown in a minute
PEAK = 0.6  # how much busier than the mean a peak is, and how much quieter noon
DOUBLE = 0.06  # of visitors press the same key twice
CORRECTION = 0.05  # of visitors press another key after the first
SECOND_MS = (500, 2_500)  # until a second press of the same visit: the longest hold and a little
HOLD_MS = (80, 350)  # how long a key is held down


@dataclass(frozen=True, slots=True)
class Press:
    at_ms: int
    box: int
    level: int
    hold_ms: int


def presses(seed: int, box: int) -> Iterator[Press]:
    """The presses at one box, for ever, in order of time."""
    chance = random.Random(f"{seed}/{box}")
    now = chance.uniform(0, MEAN_GAP_MS)
    while True:
        for offset, level in _visit(chance):
            yield Press(int(now + offset), box, level, chance.randint(*HOLD_MS))
        now += VISIT_MS
        now += chance.expovariate(busyness(now) / MEAN_GAP_MS)


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
        others = [level for level in (GREEN, YELLOW, RED) if level != first]
        yield chance.uniform(*SECOND_MS), chance.choice(others)


def _level(chance: random.Random) -> int:
    return chance.choices((GREEN, YELLOW, RED), MIX)[0]
