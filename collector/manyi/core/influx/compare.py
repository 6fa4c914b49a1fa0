"""A day beside others: baseline, profile and ranking as line protocol. Pure.

    baseline,tier=hall,county=..,township=..,hall=.. n=..,s=..,b=..,d=..,n_cum=..,...,days=4i    <ns of the half-hour>
    profile,tier=hall,...,weekday=3,hour=09 n=..i,d=..i,days=8i                                  <ns of the day>
    ranking,tier=hall,county=..,hall=..,period=week rank=2i,tied=1i,place="2=",...               <ns of the day>

Days before a unit's first rating are not compared with: a hall that opened last week is not below its usual. A point
that has lost its sense (the unit moved away) becomes zeros. It refuses to say which days are like which (workdays.py)
and who stands before whom (ranking.py).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple

from manyi.core import workdays
from manyi.core.days import midnight_ms
from manyi.core.influx.lines import NS_PER_MS, tag
from manyi.core.influx.told import Point
from manyi.core.ranking import Standing, Sums, standings

BASELINE, PROFILE, RANKING = "baseline", "profile", "ranking"
HALF_MS: Final = 1_800_000
HALVES = 48
WEEKS = 8
PERIODS: Final = {"day": 1, "week": 7, "month30": 30}
"""Days, the last of them the day itself."""
LEVELS = ("n", "s", "b", "d")
ZEROS: Final = {
    BASELINE: ",".join(f"{name}=0" for name in (*LEVELS, *(f"{x}_cum" for x in LEVELS))) + ",days=0i,calendar=0i",
    PROFILE: "n=0i,d=0i,days=0i",
    RANKING: 'order=0i,rank=0i,tied=0i,place="-",n=0i,rate_s=0,rate_sb=0,lo=0,hi=1,enough=0i,name="",name_en=""',
}  # fmt: skip


class Named(NamedTuple):
    """A unit that is ranked."""

    county: str
    hall: str
    """Empty for a county."""
    zh: str
    en: str


def baseline(
    tags: str, today: date, days: int, halves: Mapping[int, Sequence[int]], calendar: bool
) -> list[Point]:
    """Today's 48 half-hours. `halves`: sums n, s, b, d over `days` like days by half-hour of the day."""
    out, cum = [], [0] * len(LEVELS)
    for i in range(HALVES):
        sums = halves.get(i, (0, 0, 0, 0))
        cum = [a + b for a, b in zip(cum, sums, strict=True)]
        fields = [f"{name}={_mean(value, days)}" for name, value in zip(LEVELS, sums, strict=True)]
        fields += [f"{name}_cum={_mean(value, days)}" for name, value in zip(LEVELS, cum, strict=True)]
        fields += [f"days={days}i", f"calendar={int(calendar)}i"]
        ns = (midnight_ms(today) + i * HALF_MS) * NS_PER_MS
        out.append(Point(f"{BASELINE},{tags}", ",".join(fields), ns))
    return out


def profile(tags: str, today: date, first: date, hours: Iterable[tuple[date, int, int, int]]) -> list[Point]:
    """Ratings of the eight weeks before today by weekday and hour: (day, hour, n, d) each. Hours outside of those in
    which the unit was ever rated are left out; `first` is the day of its first rating."""
    days = [0] * 8
    since = max(first, today - timedelta(weeks=WEEKS))
    for back in range((today - since).days):
        if weekday := workdays.counts_as(since + timedelta(days=back)):
            days[weekday] += 1
    sums: dict[tuple[int, int], list[int]] = {}
    for day, hour, n, d in hours:
        if (weekday := workdays.counts_as(day)) and since <= day < today:
            cell = sums.setdefault((weekday, hour), [0, 0])
            cell[0] += n
            cell[1] += d
    seen = [hour for _, hour in sums]
    ns = midnight_ms(today) * NS_PER_MS
    return [
        Point(
            f"{PROFILE},{tags},weekday={weekday},hour={hour:02}", f"n={n}i,d={d}i,days={days[weekday]}i", ns
        )
        for weekday in range(1, 8)
        if days[weekday]
        for hour in (range(min(seen), max(seen) + 1) if seen else ())
        for n, d in (sums.get((weekday, hour), (0, 0)),)
    ]


def ranking(
    tier: str, day: date, units: Sequence[Named], sums: Mapping[tuple[str, str], Mapping[date, Sequence[int]]]
) -> list[Point]:
    """The three lists of one tier at the end of `day`. `sums` by the tags (county, hall): n, s, b of each day."""
    ns = midnight_ms(day) * NS_PER_MS
    out = []
    for period, length in PERIODS.items():
        since = day - timedelta(days=length - 1)
        totals = []
        for unit in units:
            of = (tag(unit.county), tag(unit.hall) if unit.hall else "")
            found = [x for d, x in sums.get(of, {}).items() if since <= d <= day]
            n, s, b = (sum(x[i] for x in found) for i in range(3))
            totals.append(Sums(unit, n, s, s + b))
        out += [_standing(tier, period, each, ns) for each in standings(totals)]
    return out


def zeros(at: str, ns: int) -> Point:
    """What takes back the point at these tags and this time."""
    return Point(at, ZEROS[at.split(",", 1)[0]], ns)


def text(value: str) -> str:
    """A string field, quoted."""
    clean = "".join(" " if c < " " else c for c in value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{clean}"'


def _standing(tier: str, period: str, one: Standing, ns: int) -> Point:
    unit: Named = one.sums.unit
    hall = f",hall={tag(unit.hall)}" if unit.hall else ""
    n = one.sums.n
    return Point(
        f"{RANKING},tier={tier},county={tag(unit.county)}{hall},period={period}",
        f"order={one.order}i,rank={one.rank}i,tied={int(one.tied)}i,place={text(one.place)},n={n}i"
        f",rate_s={one.sums.s / n if n else 0:.6f},rate_sb={one.sums.sb / n if n else 0:.6f}"
        f",lo={one.lo:.6f},hi={one.hi:.6f},enough={int(one.rank > 0)}i,name={text(unit.zh)},name_en={text(unit.en)}",
        ns,
    )


def _mean(total: int, days: int) -> str:
    return f"{total / days if days else 0:.4f}"
