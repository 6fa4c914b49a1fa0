"""Every query of the dashboards, named by the question it answers. InfluxQL only. Refuses to count points: it sums.

Two tricks, because InfluxQL has no CASE: a rate of a sample that cannot carry it comes out below -1, which every panel
shows as 样本不足; and a period's interval is worked out from its sums (Wilson, as manyi.core.rates), because intervals
cannot be added up. Longer than one screen because it is one list.
"""

from collections.abc import Sequence

from dashboards.influx import Query, Source
from dashboards.theme import FEWEST

WALL, ROLLUP, DAY = Source.WALL, Source.ROLLUP, Source.DAY
TZ = "tz('Asia/Shanghai')"
BEIJING_MS = 8 * 3_600_000
ALIVE = "time >= now() - 2m"  # the collector itself, the city's account and its boxes: said every 10 s
# Boxes, account and alarms are said again every 90 s: older is of a dead collector.
LATELY = "time >= now() - 4m"
DEAD_S = 90  # nothing for so long is the first line of the alarms
ALARM = '"kind", "subject", "county", "name"'  # one of them, in either language
HIDDEN = 9  # taken off a rate that may not be shown: what is below -1 reads 样本不足
Z = 1.959963984540054  # two-sided 95 %, as manyi.core.rates
ZZ = Z * Z

COUNTY = '"county" =~ /^${county:regex}$/'
HALL = COUNTY + ' AND "hall" =~ /^${hall:regex}$/'


# --- the city, today -----------------------------------------------------------------------------------------------

TODAY = "time > now() - 1d"  # of points that stand at a Beijing midnight: of 24 hours exactly one is
CITY_COUNTS = Query(
    WALL,
    'SELECT sum("n") AS "n", sum("s") AS "s", sum("b") AS "b", sum("d") AS "d" FROM "rating" WHERE time > now() - 1d'
    f" GROUP BY time(1d) fill(0) ORDER BY time DESC LIMIT 1 {TZ}",
)


def city_rate(rate: str) -> Query:
    """The rate and its interval, only if the sample carries it: no row reads 样本不足."""
    return Query(
        DAY,
        f'SELECT "rate_{rate}" AS "rate", "rate_{rate}_lo" AS "lo", "rate_{rate}_hi" AS "hi" FROM "summary"'
        f' WHERE "tier" = \'city\' AND "n" > 0 AND "enough" = 1 AND {TODAY}',
    )


CITY_COURSE = Query(
    ROLLUP,
    'SELECT cumulative_sum(sum("n")) FROM "rollup_5m" WHERE "tier" = \'city\' AND $timeFilter AND time <= now()'
    f" GROUP BY time(30m) fill(0) {TZ}",
    "today",
)
CITY_USUAL = Query(
    DAY, 'SELECT "n_cum" FROM "baseline" WHERE "tier" = \'city\' AND "days" > 0 AND $timeFilter', "usual"
)


def ranking(tier: str, name: str) -> Query:
    """Ties are ties: `place` is text like "2="."""
    return _ranking(
        tier, name, 'last("lo") AS "lo", last("hi") AS "hi"', "" if tier == "county" else f" AND {COUNTY}"
    )


def ranking_lines(tier: str, name: str) -> Query:
    """Everywhere, with the interval as per cent: what stands within a text has no format of its own."""
    return _ranking(
        tier, name, ", ".join(f'round(last("{x}") * 1000) / 10 AS "{x}"' for x in ("lo", "hi")), ""
    )


def _ranking(tier: str, name: str, interval: str, where: str) -> Query:
    """Today's."""
    return Query(
        DAY,
        f'SELECT last("order") AS "order", last("place") AS "place", last("{name}") AS "name", last("n") AS "n",'
        f' last("rate_s") - {HIDDEN} * (1 - last("enough")) AS "rate", {interval}'
        f' FROM "ranking" WHERE "tier" = \'{tier}\' AND "period" = \'day\'{where} AND {TODAY} GROUP BY "{tier}"',
    )


def red_lines(lang: str, known: int, limit: int) -> Query:
    """The same as sentences: those that nobody has marked, or those that somebody has."""
    return Query(
        WALL,
        f'SELECT "text_{lang}" AS "text", "hall" FROM "red" WHERE "live" = 1 AND "known" = {known} AND time >= now() - 3d'
        f" ORDER BY time DESC LIMIT {limit}",
    )


def latest_reds(en: str, limit: int, where: str = "") -> Query:
    """The newest dissatisfied ratings, whatever the day: one of yesterday evening is still somebody's to answer."""
    return Query(
        WALL,
        f'SELECT "hall_name{en}" AS "hall_name", "window_name{en}" AS "window_name", "reason", "phone", "leader",'
        f' "leader_phone", "known", "hall" FROM "red" WHERE "live" = 1{where} AND time >= now() - 3d ORDER BY time DESC'
        f" LIMIT {limit}",
    )


def alarms(lang: str) -> Query:
    """What holds now."""
    return _alarms(lang, '"since_ms", "text"', "")


def alarms_about(kinds: Sequence[str], lang: str) -> Query:
    """Of these kinds, in the chosen counties."""
    return _alarms(lang, '"since_ms", "text"', f" AND ({_of(kinds)}) AND {COUNTY}")


def complaints(kinds: Sequence[str]) -> Query:
    """How many of these kinds hold of each box that has one; its column is named as that of BOXES, to be joined by it."""
    each = (
        f'SELECT last("active") AS "active" FROM "alarm" WHERE {LATELY} AND ({_of(kinds)}) GROUP BY {ALARM}'
    )
    return Query(
        WALL,
        'SELECT "complaints", "subject" AS "box" FROM (SELECT sum("active") AS "complaints"'
        f' FROM ({each}) GROUP BY "subject") WHERE "complaints" > 0',
    )


def _of(kinds: Sequence[str], join: str = " OR ", sign: str = "=") -> str:
    return join.join(f"\"kind\" {sign} '{kind}'" for kind in kinds)


def alarm_lines(lang: str, kinds: Sequence[str], but: bool = False) -> Query:
    """Of these kinds only, or of all but these; sort by `order`: what matters most, and of that the newest. The wall is in
    UTC (board.TODAY), so times that it shows are put forward."""
    joined = _of(kinds, " AND ", "!=") if but else _of(kinds)
    shown = (
        f'"since_ms" + {BEIJING_MS} AS "since_ms", "text", "rank" * 10000000000000 - "since_ms" AS "order"'
    )
    return _alarms(lang, shown, f" AND ({joined})")


def more_alarms(room: int) -> Query:
    """How many there are, if there are more than so many."""
    each = f'SELECT last("active") AS "active" FROM "alarm" WHERE {LATELY} GROUP BY {ALARM}'
    return Query(WALL, f'SELECT "n" FROM (SELECT sum("active") AS "n" FROM ({each})) WHERE "n" > {room}')


NO_MORE = Query(  # a row that stands last while the collector speaks: where it is missing too, nobody knows
    WALL,
    'SELECT 0 * last("up_ms") + 1 AS "alive", 0 * last("up_ms") + 9000000000000000 AS "order" FROM "collector" WHERE'
    f" time >= now() - {DEAD_S}s",
)


def _alarms(lang: str, shown: str, which: str) -> Query:
    return Query(
        WALL,
        f'SELECT {shown} FROM (SELECT last("active") AS "active", last("since_ms") AS "since_ms",'
        f' last("text_{lang}") AS "text", last("rank") AS "rank" FROM "alarm" WHERE {LATELY}{which} GROUP BY {ALARM})'
        ' WHERE "active" = 1',
    )


COUNTY_REDS = Query(  # the city's row comes first, without a county: Grafana 9.4's map never paints the first row's area
    DAY,
    'SELECT last("n") AS "n", last("d") AS "d" FROM "rollup_day" WHERE "tier" =~ /^(city|county)$/ AND "n" > 0 AND'
    f' {TODAY} GROUP BY "county"',
)
BOXES_ONLINE = Query(
    WALL,
    'SELECT last("online") AS "online", last("boxes") - last("online") AS "silent", last("boxes") AS "known"'
    f' FROM "account" WHERE "scope" = \'city\' AND {ALIVE}',
)
_SUMS = "pressed stored waiting lost unknown".split()  # noqa: SIM905
ACCOUNT_LINE = Query(
    WALL,
    "SELECT "
    + ", ".join(f'last("{f}") AS "{f}"' for f in [*_SUMS, "shown", "ok"])
    + f' FROM "account" WHERE "scope" = \'city\' AND {ALIVE}',
)
COLLECTOR_ALIVE = Query(
    WALL,
    'SELECT last("up_ms") / 86400000 AS "up_days", last("live_lag_ms") AS "live_lag_ms" FROM "collector" WHERE '
    + ALIVE,
)


def silence(back: str, step: str, seconds: int) -> Query:
    """For how many seconds the collector has written nothing; no row if it is longer than `back`.

    InfluxQL cannot subtract a time from now. But steps are filled up to now with the last value, and with a slope only
    up to the last point: there are as many more of the former as steps have gone by since."""
    of = f'last("up_ms") AS "%s" FROM "collector" WHERE time >= now() - {back} AND time <= now() GROUP BY time({step}) fill(%s)'
    filled, sloped = of % ("filled", "previous"), of % ("sloped", "linear")
    times = "" if seconds == 1 else f" * {seconds}"
    return Query(
        WALL,
        f'SELECT (count("filled") - count("sloped")){times} AS "age" FROM (SELECT {filled}), (SELECT {sloped})',
    )


FRESH = silence("10m", "1s", 1)
DEAD = Query(WALL, f'SELECT "age" FROM ({silence("6h", "30s", 30).text}) WHERE "age" > {DEAD_S}')


# --- a county, a hall, over a period ---------------------------------------------------------------------------------


_K = {"s": 'sum("s")', "sb": '(sum("s") + sum("b"))'}
_N = 'sum("n")'


def _share(k: str) -> str:
    """1.0: the quotient of two sums of whole numbers is cut to a whole number otherwise."""
    return f"1.0 * {_K[k]} / {_N}"


def _bound(k: str, sign: str) -> str:
    """The end of the share's interval, of sums. No inner query: one for each name it is asked by would cost seconds."""
    p = _share(k)
    half = f"{Z} * sqrt({p} * (1 - {p}) / {_N} + {ZZ / 4} / {_N} / {_N})"
    return f"({p} + {ZZ / 2} / {_N} {sign} {half}) / (1 + {ZZ} / {_N})"


def _shown(k: str) -> str:
    """The share, or something below -1 if the sample cannot carry it."""
    return f"{_share(k)} - {HIDDEN} * (1 - ceil(floor(1.0 * {_N} / {FEWEST}) / 1000000000))"


def area_counts(where: str) -> Query:
    return Query(
        DAY,
        'SELECT sum("n") AS "n", sum("s") AS "s", sum("b") AS "b", sum("d") AS "d", sum("corrected") AS "corrected"'
        f' FROM "rollup_day" WHERE "tier" = \'hall\' AND {where} AND $timeFilter',
    )


def area_rate(k: str, where: str) -> Query:
    return Query(
        DAY,
        f'SELECT "rate", "lo", "hi" FROM (SELECT {_N} AS "n", {_share(k)} AS "rate", {_bound(k, "-")} AS "lo",'
        f' {_bound(k, "+")} AS "hi" FROM "rollup_day" WHERE "tier" = \'hall\' AND {where} AND $timeFilter)'
        f' WHERE "n" >= {FEWEST}',
    )


def area_table(group: str, where: str, tier: str) -> Query:
    """One row for each `group` tag, both rates with intervals."""
    counts = ", ".join(f'sum("{x}") AS "{x}"' for x in ("n", "s", "b", "d"))
    rates = ", ".join(
        f'{_shown(k)} AS "rate_{k}", {_bound(k, "-")} AS "rate_{k}_lo", {_bound(k, "+")} AS "rate_{k}_hi"'
        for k in _K
    )
    return Query(
        DAY,
        f'SELECT {counts}, {rates}, sum("corrected") AS "corrected", sum("flagged") AS "flagged" FROM "rollup_day"'
        f' WHERE "tier" = \'{tier}\' AND {where} AND "n" > 0 AND $timeFilter GROUP BY {group}',
    )


def area_days(level: str, where: str) -> Query:
    return Query(
        DAY,
        f'SELECT sum("{level}") FROM "rollup_day" WHERE "tier" = \'hall\' AND {where} AND $timeFilter'
        f" GROUP BY time(1d) fill(0) {TZ}",
        level,
    )


COURSE_STEP = "30m"
COURSE_POINTS = 300  # of Grafana's own steps: half-hours up to nine days, then hours, two hours up to a month
_LONGER_MS = 3 * 3_600_000


def area_course(level: str, where: str) -> list[Query]:
    """In steps that grow with the period; of more than a month in days, from their own bucket: a year of 5 minutes costs
    seconds. Both are asked, and one of them on a condition that is no row's: it answers nothing and costs nothing."""
    of = f"\"tier\" = 'hall' AND {where} AND $timeFilter"
    return [
        Query(
            ROLLUP,
            f'SELECT sum("{level}") FROM "rollup_5m" WHERE $__interval_ms < {_LONGER_MS} AND {of} AND time <= now()'
            f" GROUP BY time($__interval) fill(0) {TZ}",
            level,
        ),
        Query(
            DAY,
            f'SELECT sum("{level}") FROM "rollup_day" WHERE $__interval_ms >= {_LONGER_MS} AND {of}'
            f" GROUP BY time(1d) fill(0) {TZ}",
            level,
        ),
    ]


def area_day_rate(where: str) -> list[Query]:
    """Each day's 满意率 and its bounds; days that cannot carry one are gaps: the root of less than nothing is null."""
    of_day = f'FROM "rollup_day" WHERE "tier" = \'hall\' AND {where} AND $timeFilter GROUP BY time(1d) fill(none) {TZ}'
    return [
        Query(DAY, f'SELECT {what} + 0 * sqrt({_N} - {FEWEST}) AS "{name}" {of_day}', name)
        for name, what in (("hi", _bound("s", "+")), ("rate", _share("s")), ("lo", _bound("s", "-")))
    ]


def visits(where: str) -> Query:
    """Only windows whose number of visits is known are in these."""
    return Query(
        DAY,
        'SELECT "visits", "unrated", "rated" / "visits" AS "rating_rate" FROM (SELECT sum("visits") AS "visits",'
        ' sum("unrated") AS "unrated", sum("rated") AS "rated" FROM "summary" WHERE "tier" = \'hall\' AND "visits" > 0'
        f" AND {where} AND $timeFilter)",
    )


# --- peaks -----------------------------------------------------------------------------------------------------------


def peaks(field: str, where: str, tier: str) -> Query:
    """Ratings per open day in that hour, over eight weeks; newest computation."""
    return Query(
        DAY,
        f'SELECT "v" / "days" AS "v" FROM (SELECT last("{field}") AS "v", last("days") AS "days" FROM "profile"'
        f' WHERE "tier" = \'{tier}\' AND {where} AND time >= now() - 8d GROUP BY "weekday", "hour") GROUP BY "weekday", "hour"',
    )


# --- boxes -----------------------------------------------------------------------------------------------------------

_BOX = "online heard_ms fw reason depth rssi heap room clock stuck faults lost".split()  # noqa: SIM905
BOXES = Query(  # the newest point of each: all fields of a point are written together, and last() would look for each field
    WALL,
    "SELECT "
    + ", ".join(f'"{f}"' for f in _BOX)
    + ', "oldest_ms" / 60000 AS "oldest", "up_ms" / 86400000 AS "up_days"'
    + f' FROM "box" WHERE {LATELY} AND {HALL} GROUP BY "box", "county", "hall", "window" ORDER BY time DESC LIMIT 1',
)
BOXES_COUNT = Query(  # and their course: by hall, for a day of every box is a million points
    WALL,
    'SELECT sum("online") AS "online", sum("known") - sum("online") AS "silent", sum("known") AS "known",'
    ' sum("depth") AS "depth", sum("stuck") AS "stuck" FROM (SELECT last("known") AS "known", last("online") AS "online",'
    ' last("depth") AS "depth", last("stuck") AS "stuck" FROM "boxes"'
    f' WHERE {LATELY} AND {HALL} GROUP BY "county", "township", "hall")',
)
BOXES_FIRMWARE = Query(WALL, f'SELECT last("fw") AS "fw" FROM "box" WHERE {LATELY} AND {HALL} GROUP BY "box"')


def boxes_course(field: str) -> Query:
    return Query(
        WALL,
        f'SELECT sum("{field}") FROM (SELECT last("{field}") AS "{field}" FROM "boxes" WHERE $timeFilter AND {HALL}'
        f' GROUP BY time(15m), "county", "township", "hall" fill(none)) GROUP BY time(15m) fill(none) {TZ}',
        field,
    )


CERTIFICATES = Query(
    WALL,
    'SELECT last("days_left") AS "days_left", last("expires_ms") AS "expires_ms" FROM "certificate"'
    ' WHERE time >= now() - 1d GROUP BY "name"',
)

# --- the account -----------------------------------------------------------------------------------------------------

_ALL = "pressed stored waiting lost lost_box lost_centre unknown forked".split()  # noqa: SIM905
ACCOUNT_CITY = Query(
    WALL,
    "SELECT "
    + ", ".join(f'last("{f}") AS "{f}"' for f in [*_ALL, "shown", "undated", "ok"])
    + f' FROM "account" WHERE "scope" = \'city\' AND {ALIVE}',
)
ACCOUNT_BOXES = Query(
    WALL,
    "SELECT "
    + ", ".join(f'"{f}"' for f in [*_ALL, "ok"])
    + f' FROM "account" WHERE "scope" = \'box\' AND {LATELY} GROUP BY "box" ORDER BY time DESC LIMIT 1',
)


def account_course(field: str) -> Query:
    return Query(
        WALL,
        f'SELECT last("{field}") FROM "account" WHERE "scope" = \'city\' AND $timeFilter GROUP BY time($__interval)'
        f" fill(previous) {TZ}",
        field,
    )


# --- the collector ---------------------------------------------------------------------------------------------------

_COLLECTOR = (
    "records batches aside queue live_lag_ms ledger_bytes disk_free_bytes disk_free_ratio up_ms".split()  # noqa: SIM905
)
COLLECTOR = Query(
    WALL,
    "SELECT " + ", ".join(f'last("{f}") AS "{f}"' for f in _COLLECTOR) + f' FROM "collector" WHERE {ALIVE}',
)
FEEDS = Query(
    WALL,
    'SELECT last("lag") AS "lag", last("failing") AS "failing" FROM "collector" WHERE "feed" =~ /./ AND '
    + LATELY
    + ' GROUP BY "feed"',
)


def collector_course(field: str, how: str = "max") -> Query:
    return Query(
        WALL,
        f'SELECT {how}("{field}") FROM "collector" WHERE $timeFilter GROUP BY time($__interval) fill(none) {TZ}',
        field,
    )


COLLECTOR_RECORDS = Query(
    WALL,
    'SELECT non_negative_derivative(max("records"), 1m) FROM "collector" WHERE $timeFilter GROUP BY time($__interval)'
    f" fill(none) {TZ}",
    "records",
)


def latency(percent: int) -> Query:
    """From the press to its row in the ledger; what a box kept while offline is in it too."""
    return Query(
        WALL,
        f'SELECT percentile("latency_ms", {percent}) FROM "rating" WHERE "n" = 1 AND $timeFilter'
        f" GROUP BY time(10m) fill(none) {TZ}",
        f"p{percent}",
    )
