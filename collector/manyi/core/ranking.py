"""Places that admit ties: who stands before whom only where the samples can tell them apart. Pure.

Two units cannot be told apart if the Wilson 95 % intervals of their 满意率 overlap. That alone is no rule for a
list (a may overlap b, and b c, but not a c), so whoever is linked by a chain of overlaps shares one place. Hence the
rule is transitive, needs no tie-breaker, and a different place always means intervals that do not touch. Its price
is coarse lists of small samples; that is what small samples say.

A unit below 59 ratings (rates.enough) has no place: 样本不足, listed last. It refuses to rank by the bare rate.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from manyi.core.rates import enough, wilson

NO_PLACE = 0


class Sums(NamedTuple):
    """Ratings of a unit in a period: all, green, green and yellow."""

    unit: Any
    n: int
    s: int
    sb: int


class Standing(NamedTuple):
    sums: Sums
    order: int
    """Line of the list, from 1: by place, within it by rate, then by size and id; those without a place last."""
    rank: int
    """Place; NO_PLACE below 59 ratings."""
    tied: bool
    lo: float
    hi: float

    @property
    def place(self) -> str:
        """ "1", "2=", or "-" for no place."""
        return f"{self.rank}{'=' * self.tied}" if self.rank else "-"


def standings(units: Sequence[Sums]) -> list[Standing]:
    """The list in its order."""
    between = {u: wilson(u.s, u.n) if u.n else (0.0, 1.0) for u in units}
    ranked = sorted((u for u in units if enough(u.n)), key=lambda u: -between[u][1])
    groups: list[list[Sums]] = []
    reach = 0.0  # the lowest end of the last group
    for unit in ranked:
        low, high = between[unit]
        if groups and high >= reach:
            groups[-1].append(unit)
            reach = min(reach, low)
        else:
            groups.append([unit])
            reach = low
    found: list[Standing] = []
    for group in groups:
        place = len(found) + 1
        for unit in sorted(group, key=_listed):
            found.append(Standing(unit, len(found) + 1, place, len(group) > 1, *between[unit]))
    for unit in sorted((u for u in units if not enough(u.n)), key=lambda u: (-u.n, str(u.unit))):
        found.append(Standing(unit, len(found) + 1, NO_PLACE, False, *between[unit]))
    return found


def _listed(unit: Sums) -> tuple[float, int, str]:
    return -unit.s / unit.n, -unit.n, str(unit.unit)
