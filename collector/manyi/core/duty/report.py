"""A sign-in as a queue or personnel system tells it: what is taken, and why not. Pure.

    {"id": "s-4711", "window": "3", "staff": "g12", "from": "2026-11-21T08:30:00+08:00", "to": "2026-11-21T11:58:10+08:00"}
    {"id": "l-88", "hall": "hall-1", "name": "王敏", "telephone": "0537-6600102", "from": "2026-11-21T08:30:00+08:00"}

| field | |
|---|---|
| id | the system's own number of this stay; with the source it is one stay for good |
| rev | may be left out (0): a higher one replaces what was told before |
| window | the roster's id, or the hall's own number if the source's table has it |
| staff | the roster's id, or the system's own if the source's table has it |
| hall, name, telephone | in their place: who leads the hall, and how to reach him |
| from, or from_ms | when he signed in: ISO 8601 with a zone, or Unix ms |
| to, or to_ms | when he signed out; left out: still there |
| withdrawn | true: this stay never was; nothing else but id and rev is needed |

It refuses a stay over midnight, and a future: plans come with the roster (docs/ROSTER.md).
"""

from collections.abc import Mapping
from typing import Any, Final

from manyi.core.days import DAY_MS, day_begin
from manyi.core.duty.stay import Stay
from manyi.core.roster import cells
from manyi.core.roster.entries import MAX_NAME, TELEPHONE
from manyi.core.roster.model import Roster
from manyi.core.told.items import AHEAD_MS, STAFF_MAX, NotTaken, Wrong, moment, opening, short, text
from manyi.core.told.sources import DUTY, LEADERS, MAY_NOT, Source

LATE_MS: Final = 92 * DAY_MS  # the quarter that is being assessed; what was assessed stays
_ALL: Final = frozenset({"id", "rev", "from", "from_ms", "to", "to_ms", "withdrawn"})
_OF_STAFF: Final = _ALL | {"window", "staff"}
_OF_LEADER: Final = _ALL | {"hall", "name", "telephone"}


def judge(told: Any, source: Source, roster: Roster, now_ms: int) -> Stay:
    """One stay, its ids known or not (`aside` says). Raises NotTaken with every field that is wrong."""
    leads = isinstance(told, dict) and "hall" in told
    name, rev, withdrawn, wrong = opening(told, "sign-in", _OF_LEADER if leads else _OF_STAFF)
    if withdrawn:
        return Stay(name, rev, "", "", 0, None, 1)
    right, field = (LEADERS, "hall") if leads else (DUTY, "window")
    if right not in source.tells:
        wrong.append((field, MAY_NOT[0].format(right), MAY_NOT[1].format(right)))
    tel = None
    if leads:
        place = _text(told, "hall", STAFF_MAX, wrong)
        who, tel = _text(told, "name", MAX_NAME, wrong), _telephone(told, wrong)
    else:
        place = _text(told, "window", STAFF_MAX, wrong, source.windows)
        who = _text(told, "staff", STAFF_MAX, wrong, source.staff)
    from_ms, to_ms = _times(told, now_ms, wrong)
    known = roster.has(place, field)
    if known and not source.covers(roster.place(place)):
        zh = f"{'大厅' if leads else '窗口'} {short(place)} 不属于该系统"
        wrong.append((field, zh, f"{field} {short(place)} is not this system's"))
    if wrong:
        raise NotTaken(*wrong)
    return Stay(name, rev, place, who, from_ms, to_ms, 0, () if known else tuple(sorted(source.within)), tel)


def aside(stay: Stay, roster: Roster) -> list[tuple[str, str, str]]:
    """(field, Chinese, English) of what the roster does not know: such a stay counts for nobody until it does."""
    found: Wrong = []
    if stay.withdrawn:
        return found
    field, of = ("window", "窗口") if stay.tel is None else ("hall", "大厅")
    if not roster.has(stay.place, field):
        zh, en = f"{of} {short(stay.place)} 不在名册中", f"{field} {short(stay.place)} is not in the roster"
        found.append((field, zh, en))
    if stay.tel is None and stay.who not in roster.staff:
        zh, en = f"工号 {short(stay.who)} 不在名册中", f"staff {short(stay.who)} is not in the roster"
        found.append(("staff", zh, en))
    return found


def _text(
    told: Mapping[str, Any], field: str, most: int, wrong: Wrong, own: Mapping[str, str] | None = None
) -> str:
    """`own`: the source's own words for what the roster names otherwise."""
    value = text(told.get(field)) or ""
    value = (own or {}).get(value, value)
    if not 1 <= len(value) <= most:
        wrong.append((field, f"{field} 应为 1 到 {most} 个字符", f"{field}: 1 to {most} characters"))
    return value


def _telephone(told: Mapping[str, Any], wrong: Wrong) -> str:
    value = cells.text_of(text(told.get("telephone")) or "", cells.Holds.phone)
    if isinstance(value, cells.Wrong) or not TELEPHONE.fullmatch(value):
        zh, en = "telephone 应为电话号码，如 0537-6600101", "telephone: a number such as 0537-6600101"
        wrong.append(("telephone", zh, en))
        return ""
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
