"""What dies when, from a seed. Pure. Boxes most often, then the collector, then the broker; each comes back soon.

It knows no processes and kills nothing itself.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

FIRST_MS = 2_000  # something is under way by then
MEAN_GAP_MS = 1_500  # between two kills: a minute has about 40
DOWN_MS = (50, 2_500)  # until it is started again
WEIGHTS = {"box": 60, "collector": 22, "broker": 18}

Target = Literal["box", "collector", "broker"]


@dataclass(frozen=True, slots=True)
class Fault:
    at_ms: int
    target: Target
    box: int
    down_ms: int


def faults(seed: int, boxes: int) -> Iterator[Fault]:
    """Kills, for ever, in order of time."""
    chance = random.Random(f"{seed}/faults")
    now = float(FIRST_MS)
    while True:
        target: Target = chance.choices(("box", "collector", "broker"), tuple(WEIGHTS.values()))[0]
        yield Fault(int(now), target, chance.randrange(boxes), chance.randint(*DOWN_MS))
        now += chance.expovariate(1 / MEAN_GAP_MS)
