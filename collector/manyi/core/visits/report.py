"""A visit as a queue system tells it: what is taken, why one is refused, and how visits lie in a ledger row. Pure.

    {"id": "A023", "window": "3", "finished": "2026-11-21T09:12:30+08:00", "business": "社保", "staff": "g12", "prompt": true}

| field | |
|---|---|
| id | the queue system's own number of the visit; with the source it is one visit, and told again changes nothing |
| rev | may be left out (0): a higher one replaces what was told before |
| window | the roster's id, or the hall's own number if the source's table has it |
| finished, or finished_ms | ISO 8601 with a zone, or Unix ms |
| business | may be left out: 0 to 65535, or a name of the source's table or of the roster's business types |
| staff | may be left out: who served, as the roster names them |
| withdrawn | true: this visit never was; nothing else but id and rev is needed |
| prompt | may be left out: invite a rating at the window's box; else what the source's table says |

`key` is what a rating carries if it was prompted for this visit (docs/WIRE.md, prompt). It refuses to guess a window,
a business type or a time, and to take a visit of which nobody can say where it was.
"""

import json
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple

from manyi.core.days import DAY_MS
from manyi.core.ledger.facts import salted
from manyi.core.roster.model import Roster
from manyi.core.told.items import AHEAD_MS, STAFF_MAX, NotTaken, Wrong, moment, opening, short, text
from manyi.core.told.sources import Source, is_business

KIND: Final = "visit"
LATE_MS: Final = 31 * DAY_MS  # a queue system that was away a month; older figures are reported already
_KEY: Final = re.compile(r"[0-9a-f]{16}")
_FIELDS: Final = frozenset(
    {"id", "window", "finished", "finished_ms", "business", "staff", "prompt", "rev", "withdrawn"}
)


class Visit(NamedTuple):
    id: str
    window: str
    finished_ms: int
    biz: int
    staff: str
    prompt: int
    rev: int = 0
    withdrawn: int = 0


FIRST: Final = 6  # fields of a first word, as rows have always held it


def key(source: str, visit: str) -> str:
    """16 hex digits: the visit's own id if it is of that form, else a digest of source and id."""
    return visit if _KEY.fullmatch(visit) else sha256(f"{source}|{visit}".encode()).hexdigest()[:16]


def judge(told: Any, source: Source, roster: Roster, now_ms: int) -> Visit:
    """One visit. Raises NotTaken with every field that is wrong."""
    visit, rev, withdrawn, wrong = opening(told, "visit", _FIELDS)
    if withdrawn:
        return Visit(visit, "", 0, 0, "", 0, rev, 1)
    staff = text(told.get("staff", ""))
    if staff is None or len(staff) > STAFF_MAX:
        wrong.append(("staff", f"staff 最多 {STAFF_MAX} 个字符", f"staff: at most {STAFF_MAX} characters"))
    prompt = told.get("prompt", source.prompt)
    if not isinstance(prompt, bool):
        wrong.append(("prompt", "prompt 应为 true 或 false", "prompt: true or false"))
    window = _window(text(told.get("window")), source, roster, wrong)
    finished_ms = _finished(told, now_ms, wrong)
    biz = _business(told.get("business", 0), source, roster, window, wrong)
    if wrong:
        raise NotTaken(*wrong)
    return Visit(visit, window, finished_ms, biz, staff or "", int(prompt), rev)


def body(source: str, visits: Sequence[Visit]) -> bytes:
    """Of a ledger row. It may name persons."""
    told = [list(v if v.rev or v.withdrawn else v[:FIRST]) for v in visits]
    return salted({"source": source, "visits": told})


def said(raw: bytes) -> tuple[str, list[Visit]] | None:
    """Source and visits of a row's body; None if it cannot be read."""
    try:
        fact = json.loads(raw)
        return str(fact["source"]), [Visit(*one) for one in fact["visits"]]
    except (ValueError, KeyError, TypeError):
        return None


def _window(told: str | None, source: Source, roster: Roster, wrong: Wrong) -> str:
    window = source.windows.get(told or "", told or "")
    if not roster.has(window, "window"):
        zh, en = f"窗口 {short(told)} 不在名册中", f"window {short(told)} is not in the roster"
        wrong.append(("window", zh, en))
    elif not source.covers(roster.place(window)):
        zh, en = f"窗口 {short(told)} 不属于该排队系统", f"window {short(told)} is not this queue system's"
        wrong.append(("window", zh, en))
    return window


def _business(told: Any, source: Source, roster: Roster, window: str, wrong: Wrong) -> int:
    """The source's own word first, then the roster's; a number is one whether the roster names it or not."""
    biz = told
    if isinstance(told, str):
        biz = source.business.get(told, roster.business_code(told, window) or told)
    if not is_business(biz):
        zh = f"业务类型 {short(told)} 不在名册和对照表中"
        wrong.append(
            ("business", zh, f"business {short(told)} is not in the source's table, nor in the roster")
        )
        return 0
    return int(biz)


def _finished(told: Mapping[str, Any], now_ms: int, wrong: Wrong) -> int:
    finished_ms = moment(told, "finished")
    if finished_ms is None:
        zh = "finished 应为带时区的时间，如 2026-11-21T09:12:30+08:00，或用 finished_ms"
        en = "finished: a time with its zone, 2026-11-21T09:12:30+08:00, or finished_ms"
    elif finished_ms > now_ms + AHEAD_MS:
        zh, en = (
            "完成时间在未来，请校对排队系统的时钟",
            "it ends in the future: set the queue system's clock",
        )
    elif finished_ms < now_ms - LATE_MS:
        zh, en = (
            "完成时间超过 31 天，不再计入",
            "it ended more than 31 days ago and is not counted any more",
        )
    else:
        return finished_ms
    wrong.append(("finished", zh, en))
    return 0
