"""Ratings added up: which cells one rating belongs to, and a cell as line protocol. Pure.

    rollup_5m,tier=hall,county=..,township=..,hall=.. n=..i,s=..i,...                 <ns of the 5 minutes>
    rollup_day,tier=window,county=..,township=..,hall=..,window=.. n=..i,s=..i,...    <ns of the Beijing midnight>
    summary,tier=city n=..i,rate_s=..,rate_s_lo=..,...,enough=1i                      <the same>

Every tier has its own points, because an interval cannot be added up: a query always says WHERE tier = '...'. A
point has no tags below its tier; `-` is an unknown unit, as in lines.py. Of 5 minutes the lowest tier is the hall: those
of a window would be its single ratings over again. A cell that has lost all its ratings says
n = 0 and knows nothing: its interval is 0 to 1. It refuses the staff tag: person-level figures are not for dashboards.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from manyi.core.days import day_begin
from manyi.core.influx.lines import NS_PER_MS, tag
from manyi.core.rates import FIELDS, NOTHING, tally
from manyi.core.ratings.rating import Rating
from manyi.core.ratings.sums import counted

SHORT, DAY = "rollup_5m", "rollup_day"
SUMMARY = "summary"
SHORT_MS: Final = 300_000  # the finest step of a day's chart; Beijing midnight is a multiple of it

Cell = tuple[str, str, int]
"""Measurement, tags, Unix ms at which it begins."""


class Kind(NamedTuple):
    """What of a rating is added up, and where: `begin_ms` is that of its 5 minutes."""

    begin_ms: int
    county: str
    township: str
    hall: str
    window: str
    level: int
    first: int
    presses: int
    flags: int


def kind(r: Rating) -> Kind:
    begin_ms = r.time_ms - r.time_ms % SHORT_MS
    return Kind(begin_ms, r.county, r.township, r.hall, r.window, r.level, r.first, r.presses, r.flags)


def cells(kinds: Mapping[Kind, int]) -> dict[Cell, tuple[int, ...]]:
    """What so many ratings of each kind (less than none: taken back) add to each cell, in the order of FIELDS.
    Cells to which they add nothing are left out."""
    sums: dict[Cell, Sequence[int]] = {}
    for one, times in kinds.items():
        if not times:
            continue
        more = [times * value for value in counted(one.level, one.first, one.presses, one.flags)]
        of_day = tiers(one.county, one.township, one.hall, one.window)
        own = [(DAY, tags, day_begin(one.begin_ms)) for tags in of_day]
        own += [(SHORT, tags, one.begin_ms) for tags in of_day[:-1]]
        for cell in own:
            sums[cell] = [a + b for a, b in zip(sums.get(cell, NOTHING), more, strict=True)]
    return {cell: tuple(counts) for cell, counts in sums.items() if any(counts)}


@lru_cache(maxsize=16_384)  # a province has fewer windows in use at a time
def tiers(county: str, township: str, hall: str, window: str) -> tuple[str, str, str, str]:
    """The tags of the city, the county, the hall and the window."""
    of_county = f"county={tag(county)}"
    of_hall = f"{of_county},township={tag(township)},hall={tag(hall)}"
    return (
        "tier=city",
        f"tier=county,{of_county}",
        f"tier=hall,{of_hall}",
        f"tier=window,{of_hall},window={tag(window)}",
    )


def lines(cell: Cell, counts: Sequence[int]) -> list[str]:
    """The cell's point, and of a day its summary."""
    name, tags, begin_ms = cell
    fields = ",".join(f"{field}={count}i" for field, count in zip(FIELDS, counts, strict=True))
    out = [f"{name},{tags} {fields} {begin_ms * NS_PER_MS}"]
    if name == DAY:
        out.append(f"{SUMMARY},{tags} {_summary(counts)} {begin_ms * NS_PER_MS}")
    return out


def _summary(counts: Sequence[int]) -> str:
    said = tally(counts)
    rate, first = said["rate"], said["first"]
    return (
        f"n={said['n']}i,{_rate('s', rate['s'])},{_rate('sb', rate['sb'])},enough={int(rate['enough'])}i"
        f",first_s={first[0]}i,first_b={first[1]}i,first_d={first[2]}i,corrected={said['corrected']}i"
    )


def _rate(name: str, found: Sequence[float] | None) -> str:
    value, low, high = found or (0.0, 0.0, 1.0)
    return f"rate_{name}={value:.6f},rate_{name}_lo={low:.6f},rate_{name}_hi={high:.6f}"
