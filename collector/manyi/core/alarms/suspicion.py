"""Tests on counts: a window with too many reds, a box with none at all, each with its rate of false alarms; and a window
with more ratings than visitors can have given. Pure.

**Dissatisfied share.** At least FEWEST_REDS reds today, and the Wilson 95 % interval of their share lies wholly above the
stated percentage. At a true share of exactly that percentage one look in 40 is a false alarm; a sample of a few
presses never is one, because its interval is wide.

**Red key silent against its peers.** How often red is pressed differs from window to window, so the share of reds is taken as
beta distributed over the city's boxes (beta-binomial, fitted by moments to all boxes with enough ratings). A box
without one red in the last DAYS is suspicious if that has a chance below FALSE_ALARM / (2 x number of boxes): once by
the city's spread alone, and once by that and what the box itself had in the DAYS_BEFORE. So in one look over the whole
city there is a false alarm with a chance of at most FALSE_ALARM, as far as the model holds. Where windows differ
widely the first test is blind by honesty: a window of pensions may well have no red. The second then finds a key that
has stopped. Both point; neither proves.

**Pressed without pause.** A window has some 16 visits a day (domain: 26,400 visits, 1,699 people). At least RHYTHM_LEAST ratings
today, and RHYTHM_TIMES the median of the windows that have any, is no busy day but a finger or a machine. Refuses to look
at persons.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import exp, lgamma
from statistics import median
from typing import Final, NamedTuple

from manyi.core.rates import wilson

FEWEST_REDS: Final = 3
RHYTHM_LEAST, RHYTHM_TIMES = 200, 10  # one every 144 seconds for eight hours
FALSE_ALARM: Final = 0.05  # one look over the city; looks share their days, so about once in 20 months
DAYS: Final = 30  # a month of presses: fewer cannot tell, more would hide a key that broke lately
DAYS_BEFORE: Final = 90  # what a box itself was like
FEWEST_RATINGS: Final = 30  # a box with fewer says nothing about the city's shares
FEWEST_PEERS: Final = 10  # boxes from which the spread can be fitted
SPREAD_LEAST, SPREAD_MOST = 0.001, 0.5  # intra-class correlation: at least a little, whatever the sample says


class Keys(NamedTuple):
    """A box's ratings of the last DAYS, and in how many of them red was pressed, first or last; the same of the
    DAYS_BEFORE."""

    box: str
    n: int
    red: int
    n_before: int = 0
    red_before: int = 0


class Suspect(NamedTuple):
    box: str
    n: int
    expected: float


def is_too_many(n: int, d: int, percent: int) -> bool:
    return d >= FEWEST_REDS and wilson(d, n)[0] > percent / 100


def pressed_without_pause(ratings: Mapping[str, int]) -> list[tuple[str, int, int]]:
    """(window, ratings, median) of each window with far more than the others; `ratings`: of each window that has any."""
    if len(ratings) < FEWEST_PEERS:
        return []
    usual = int(median(ratings.values()))
    most = max(RHYTHM_LEAST, RHYTHM_TIMES * usual)
    return sorted((window, n, usual) for window, n in ratings.items() if n >= most)


def silent_reds(boxes: Iterable[Keys]) -> list[Suspect]:
    """Boxes whose red key is suspicious, by name."""
    peers = [b for b in boxes if b.n >= FEWEST_RATINGS]
    if len(peers) < FEWEST_PEERS or not any(b.red for b in peers):
        return []
    a, b = _fit(peers)
    limit = FALSE_ALARM / len(peers) / 2
    found = []
    for box, n, red, n_before, red_before in peers:
        own = (a + red_before, b + n_before - red_before)
        likely = [(x, y) for x, y in ((a, b), own) if chance_of_none(n, x, y) < limit]
        if red == 0 and likely:
            found.append(Suspect(box, n, max(n * x / (x + y) for x, y in likely)))
    return sorted(found)


def chance_of_none(n: int, a: float, b: float) -> float:
    """P(no red in n) under beta-binomial(a, b)."""
    return exp(lgamma(b + n) - lgamma(a + b + n) + lgamma(a + b) - lgamma(b))


def _fit(peers: Sequence[Keys]) -> tuple[float, float]:
    """(a, b) by the moments of the shares, weighted by ratings (the ANOVA estimate of the intra-class correlation)."""
    total = sum(k.n for k in peers)
    p = sum(k.red for k in peers) / total
    between = sum(k.n * (k.red / k.n - p) ** 2 for k in peers)
    groups = len(peers) - 1
    within = sum(k.n * (k.red / k.n) * (1 - k.red / k.n) for k in peers) / (total - len(peers))
    size = (total - sum(k.n**2 for k in peers) / total) / groups
    between /= groups
    both = between + (size - 1) * within
    spread = (between - within) / both if both else SPREAD_LEAST
    spread = min(max(spread, SPREAD_LEAST), SPREAD_MOST)
    return p * (1 - spread) / spread, (1 - p) * (1 - spread) / spread
