"""A sign-in as a queue or personnel system tells it: what is taken, and why not. Pure.

    {"id": "s-4711", "window": "3", "staff": "g12", "from": "2026-11-21T08:30:00+08:00", "to": "2026-11-21T11:58:10+08:00"}

| field | |
|---|---|
| id | the system's own number of this stay at a window; with the source it is one stay for good |
| rev | may be left out (0): a higher one replaces what was told before |
| window | the roster's id, or the hall's own number if the source's table has it |
| staff | the roster's id, or the system's own if the source's table has it |
| from, or from_ms | when he signed in: ISO 8601 with a zone, or Unix ms |
| to, or to_ms | when he signed out; left out: still there |
| withdrawn | true: this stay never was; nothing else but id and rev is needed |

It refuses a stay over midnight, and a future: plans come with the roster (docs/ROSTER.md).
"""

from collections.abc import Mapping
from typing import Any, Final

from manyi.core.days import DAY_MS, day_begin
from manyi.core.duty.stay import Stay
from manyi.core.roster.model import Roster
from manyi.core.told.items import AHEAD_MS, STAFF_MAX, NotTaken, Wrong, moment, opening, short, text
from manyi.core.told.sources import Source

LATE_MS: Final = 92 * DAY_MS  # the quarter that is being assessed; what was assessed stays
_FIELDS: Final = frozenset({"id", "rev", "window", "staff", "from", "from_ms", "to", "to_ms", "withdrawn"})


def judge(told: Any, source: Source, roster: Roster, now_ms: int) -> Stay:
    """One stay, its ids known or not (`aside` says). Raises NotTaken with every field that is wrong."""
    name, rev, withdrawn, wrong = opening(told, "sign-in", _FIELDS)
    if withdrawn:
        return Stay(name, rev, "", "", 0, None, 1)
    window = _named(told, "window", source.windows, wrong)
    staff = _named(told, "staff", source.staff, wrong)
    from_ms, to_ms = _times(told, now_ms, wrong)
    place = roster.place(window)
    known = bool(window) and place.window == window
    if known and not source.covers(place):
        zh, en = f"窗口 {short(window)} 不属于该系统", f"window {short(window)} is not this system's"
        wrong.append(("window", zh, en))
    if wrong:
        raise NotTaken(*wrong)
    return Stay(name, rev, window, staff, from_ms, to_ms, 0, () if known else tuple(sorted(source.within)))


def aside(stay: Stay, roster: Roster) -> list[tuple[str, str, str]]:
    """(field, Chinese, English) of what the roster does not know: such a stay counts for nobody until it does."""
    found: Wrong = []
    if stay.withdrawn:
        return found
    if roster.place(stay.window).window != stay.window:
        zh, en = f"窗口 {short(stay.window)} 不在名册中", f"window {short(stay.window)} is not in the roster"
        found.append(("window", zh, en))
    if stay.staff not in roster.staff:
        zh, en = f"工号 {short(stay.staff)} 不在名册中", f"staff {short(stay.staff)} is not in the roster"
        found.append(("staff", zh, en))
    return found


def _named(told: Mapping[str, Any], field: str, own: Mapping[str, str], wrong: Wrong) -> str:
    value = text(told.get(field)) or ""
    value = own.get(value, value)
    if not 1 <= len(value) <= STAFF_MAX:
        zh, en = f"{field} 应为 1 到 {STAFF_MAX} 个字符", f"{field}: 1 to {STAFF_MAX} characters"
        wrong.append((field, zh, en))
    return value


def _times(told: Mapping[str, Any], now_ms: int, wrong: Wrong) -> tuple[int, int | None]:
    from_ms, to_ms = moment(told, "from"), moment(told, "to")
    open_ = to_ms is None and told.get("to") is None and told.get("to_ms") is None
    for field, value in (("from", from_ms), *(() if open_ else (("to", to_ms),))):
        if value is None:
            zh = f"{field} 应为带时区的时间，如 2026-11-21T08:30:00+08:00，或用 {field}_ms"
            en = f"{field}: a time with its zone, 2026-11-21T08:30:00+08:00, or {field}_ms"
            wrong.append((field, zh, en))
        elif value > now_ms + AHEAD_MS:
            zh = "时间在未来：请校对该系统的时钟；排班请随名册导入"
            wrong.append((field, zh, "is in the future: set the system's clock; plans come with the roster"))
        elif value < now_ms - LATE_MS:
            wrong.append(
                (field, "超过 92 天，不再更改", "is more than 92 days ago: that is not changed any more")
            )
    if from_ms is not None and to_ms is not None and not from_ms <= to_ms <= day_begin(from_ms) + DAY_MS:
        zh, en = "应在 from 之后、同一天之内；跨天请分天报送", "not before from, and on the same Beijing day"
        wrong.append(("to", zh, en))
    return from_ms or 0, to_ms
