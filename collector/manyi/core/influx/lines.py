"""Ratings as InfluxDB line protocol. Pure.

    rating,county=..,township=..,hall=..,window=..,staff=..,box=.. n=1i,s=1i,... <ns>

| | |
|---|---|
| tags | ids; `-` for an unknown one, because InfluxDB drops empty tags and a missing tag is a series of another shape |
| n | 1 (0 for a point that was moved away) |
| s, b, d | 1 for the level of the rating, else 0; first_s, first_b, first_d the same for the first press |
| presses, prompted, flagged | presses of the visit; 0 or 1; 0 or 1 |
| latency_ms | from the press to its row in the ledger |
| time | ns: the ms of the first press, then its seq modulo 10^6 below the millisecond |

A point's identity is its tags and time, so a re-attributed rating is two lines: zeros() over the old one, line() at
the new. So queries sum and never count. It refuses to drop anything: what a tag cannot hold is escaped.
"""

from functools import lru_cache

from manyi.core.ratings.rating import Rating

MEASUREMENT = "rating"
UNKNOWN = "-"  # no id can be this: ids begin with a letter or a digit
FIELDS = (
    "n", "s", "b", "d", "first_s", "first_b", "first_d", "presses", "prompted", "flagged", "latency_ms"
)  # fmt: skip
NS_PER_MS = 1_000_000
_ZEROS = ",".join(f"{name}=0i" for name in FIELDS)
_LEVELS = (
    "{0}s=0i,{0}b=0i,{0}d=0i",
    "{0}s=1i,{0}b=0i,{0}d=0i",
    "{0}s=0i,{0}b=1i,{0}d=0i",
    "{0}s=0i,{0}b=0i,{0}d=1i",
)
_LAST = tuple(f.format("") for f in _LEVELS)
_FIRST = tuple(f.format("first_") for f in _LEVELS)


def point(r: Rating) -> str:
    """Measurement and tags: with time_ns(), where the rating's point lies."""
    return (
        f"{MEASUREMENT},county={tag(r.county)},township={tag(r.township)},hall={tag(r.hall)}"
        f",window={tag(r.window)},staff={tag(r.staff)},box={tag(r.box)}"
    )


def wall_point(r: Rating) -> str:
    """The same without the staff tag, for the bucket that dashboards may read."""
    return (
        f"{MEASUREMENT},county={tag(r.county)},township={tag(r.township)},hall={tag(r.hall)}"
        f",window={tag(r.window)},box={tag(r.box)}"
    )


def time_ns(r: Rating) -> int:
    return r.time_ms * NS_PER_MS + r.seq % NS_PER_MS


def line(r: Rating, at: str) -> str:
    """The rating's line; `at` is its point()."""
    return (
        f"{at} n=1i,{_LAST[r.level]},{_FIRST[r.first]},presses={r.presses}i,prompted={r.prompted}i"
        f",flagged={1 if r.flags else 0}i,latency_ms={r.latency_ms}i {time_ns(r)}"
    )


def zeros(at: str, ns: int) -> str:
    """What takes back the point at these tags and this time."""
    return f"{at} {_ZEROS} {ns}"


def text(value: str) -> str:
    """A string field, quoted."""
    clean = "".join(" " if c < " " else c for c in value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{clean}"'


@lru_cache(maxsize=65_536)  # a province has fewer ids in use at a time
def tag(value: str) -> str:
    """A tag value, escaped. Plain ids (all that the roster lets in) pass as they are."""
    if not value:
        return UNKNOWN
    value = "".join(" " if c < " " or c == "\x7f" else c for c in value)  # a line feed would end the line
    value = value.replace("\\", "/")  # a backslash at the end would escape the separator
    return value.replace(",", "\\,").replace("=", "\\=").replace(" ", "\\ ")
