"""Rates that admit what a sample cannot carry. Pure.

Both rates have names and are never mixed: `s` 满意率 (green only) and `sb` 满意及基本满意率 (green and
yellow), each with its Wilson 95 % interval. `enough` is false (样本不足) below 59 ratings: the fewest that, all green,
can support "at least 95 %" (0.95^59 < 0.05). It looks at n alone, so that more ratings never become too few.
"""

from collections.abc import Sequence
from math import sqrt
from typing import Any

Z = 1.959_963_984_540_054  # two-sided 95 %
FEWEST = 59  # ratings that can support the target with 95 % confidence

FIELDS = ("n", "s", "b", "d", "first_s", "first_b", "first_d", "corrected", "presses", "flagged")
NOTHING = (0,) * len(FIELDS)


def wilson(k: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share of which `k` of `n` were seen. Raises ValueError for n = 0."""
    if n <= 0:
        raise ValueError("no interval of nothing")
    p, zz = k / n, Z * Z / n
    middle, half = p + zz / 2, Z * sqrt(p * (1 - p) / n + zz / n / 4)
    low = 0.0 if k == 0 else (middle - half) / (1 + zz)
    high = 1.0 if k == n else (middle + half) / (1 + zz)
    return low, high


def tally(counts: Sequence[int]) -> dict[str, Any]:
    """Counts in the order of FIELDS as the wall's JSON."""
    n, s, b, d, first_s, first_b, first_d, corrected, presses, flagged = counts
    return {
        "n": n,
        "level": [s, b, d],
        "first": [first_s, first_b, first_d],
        "corrected": corrected,
        "presses": presses,
        "flagged": flagged,
        "rate": {"s": _rate(s, n), "sb": _rate(s + b, n), "enough": enough(n)},
    }


def enough(n: int) -> bool:
    """Whether a rate of `n` ratings may stand without 样本不足 beside it."""
    return n >= FEWEST


def _rate(k: int, n: int) -> list[float] | None:
    return [round(v, 6) for v in (k / n, *wilson(k, n))] if n else None
