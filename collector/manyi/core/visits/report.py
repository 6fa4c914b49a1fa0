"""A visit as a queue system tells it: what is taken, why one is refused, and how visits lie in a ledger row. Pure.

    {"id": "A023", "window": "3", "finished": "2026-11-21T09:12:30+08:00", "business": "社保", "staff": "g12", "prompt": true}

| field | |
|---|---|
| id | the queue system's own number of the visit; with the source it is told once, and again changes nothing |
| window | the roster's id, or the hall's own number if the source's table has it |
| finished, or finished_ms | ISO 8601 with a zone, or Unix ms |
| business | may be left out: 0 to 65535, or a name of the source's table |
| staff | may be left out: who served, as the roster names them |
| prompt | may be left out: invite a rating at the window's box; else what the source's table says |

`key` is what a rating carries if it was prompted for this visit (docs/WIRE.md, prompt). It refuses to guess a window,
a business type or a time, and to take a visit of which nobody can say where it was.
"""

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple

from manyi.core.roster.model import Roster

KIND: Final = "visit"
LATE_MS: Final = (
    31 * 86_400_000
)  # a month's backlog of a queue system that was away; older figures are reported already
AHEAD_MS: Final = 300_000  # two clocks in one city differ by less
ID_MAX: Final = 64  # characters
STAFF_MAX: Final = 24
MESSAGE_VISITS: Final = 1_000  # of one message: a hall's week
SOURCE: Final = re.compile(r"queue_[a-z0-9][a-z0-9-]{0,23}")  # an underscore, as no box id has (docs/WIRE.md)
_KEY: Final = re.compile(r"[0-9a-f]{16}")
_FIELDS: Final = frozenset({"id", "window", "finished", "finished_ms", "business", "staff", "prompt"})


class Visit(NamedTuple):
    id: str
    window: str
    finished_ms: int
    biz: int
    staff: str
    prompt: int


class Refused(NamedTuple):
    """The place in the message (from 0), the id if it has one, and why in both languages."""

    nth: int
    id: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Source:
    """A queue system. `halls`: where it may speak of; none: everywhere. `digest`: SHA-256 of its token, hex."""

    name: str
    digest: str
    halls: frozenset[str] = frozenset()
    windows: Mapping[str, str] = field(default_factory=dict)
    business: Mapping[str, int] = field(default_factory=dict)
    prompt: bool = False


def key(source: str, visit: str) -> str:
    """16 hex digits: the visit's own id if it is of that form, else a digest of source and id."""
    return visit if _KEY.fullmatch(visit) else sha256(f"{source}|{visit}".encode()).hexdigest()[:16]


def items(payload: bytes) -> list[Any] | tuple[str, str]:
    """The visits of a message: one object, a list, or {"visits": [...]}. Else why not, in both languages."""
    try:
        told = json.loads(payload)
        # "\ud800" is JSON and yet no text: neither ledger nor answer could be written, and a broker brings it again.
        json.dumps(told, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return "不是 JSON（UTF-8）", "this is no JSON in UTF-8"
    if isinstance(told, dict) and isinstance(told.get("visits"), list):
        told = told["visits"]
    elif isinstance(told, dict):
        told = [told]
    if not isinstance(told, list) or not told:
        return "没有办件", "there is no visit in it"
    if len(told) > MESSAGE_VISITS:
        return f"一次最多 {MESSAGE_VISITS} 件", f"at most {MESSAGE_VISITS} visits in one message"
    return told


class NotTaken(Exception):
    """Why one visit is refused, in both languages."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


def judge(told: Any, source: Source, roster: Roster, now_ms: int) -> Visit:
    """One visit. Raises NotTaken."""
    if not isinstance(told, dict):
        raise NotTaken("应为 JSON 对象", "a visit is a JSON object")
    if unknown := sorted(str(name)[:ID_MAX] for name in told.keys() - _FIELDS):
        raise NotTaken(f"不认识的字段 {unknown[0]}", f"unknown field {unknown[0]}")
    visit = _text(told.get("id"))
    if not visit or len(visit) > ID_MAX:
        raise NotTaken(f"id 应为 1 到 {ID_MAX} 个字符", f"id: 1 to {ID_MAX} characters")
    staff = _text(told.get("staff", ""))
    if staff is None or len(staff) > STAFF_MAX:
        raise NotTaken(f"staff 最多 {STAFF_MAX} 个字符", f"staff: at most {STAFF_MAX} characters")
    prompt = told.get("prompt", source.prompt)
    if not isinstance(prompt, bool):
        raise NotTaken("prompt 应为 true 或 false", "prompt: true or false")
    window = _window(_text(told.get("window")), source, roster)
    return Visit(visit, window, _finished(told, now_ms), _business(told, source), staff, int(prompt))


def body(source: str, visits: Sequence[Visit]) -> bytes:
    """Of a ledger row. It may name persons: the salt keeps its digest from being guessed."""
    fact = {"source": source, "visits": [list(v) for v in visits], "salt": secrets.token_hex(8)}
    return json.dumps(fact, ensure_ascii=False, separators=(",", ":")).encode()


def said(raw: bytes) -> tuple[str, list[Visit]] | None:
    """Source and visits of a row's body; None if it cannot be read."""
    try:
        fact = json.loads(raw)
        return str(fact["source"]), [Visit(*one) for one in fact["visits"]]
    except (ValueError, KeyError, TypeError):
        return None


def _window(told: str | None, source: Source, roster: Roster) -> str:
    window = source.windows.get(told or "", told or "")
    place = roster.place(window)
    if not window or place.window != window:
        raise NotTaken(f"窗口 {_short(told)} 不在名册中", f"window {_short(told)} is not in the roster")
    if source.halls and place.hall not in source.halls:
        raise NotTaken(
            f"窗口 {_short(told)} 不属于该排队系统", f"window {_short(told)} is not this queue system's"
        )
    return window


def _business(told: Mapping[str, Any], source: Source) -> int:
    biz = told.get("business", 0)
    biz = source.business.get(biz, biz) if isinstance(biz, str) else biz
    if not isinstance(biz, int) or isinstance(biz, bool) or not 0 <= biz <= 0xFFFF:
        raise NotTaken(
            f"业务类型 {_short(biz)} 不在对照表中", f"business {_short(biz)} is not in the source's table"
        )
    return biz


def _finished(told: Mapping[str, Any], now_ms: int) -> int:
    finished_ms = _time(told)
    if finished_ms is None:
        raise NotTaken(
            "finished 应为带时区的时间，如 2026-11-21T09:12:30+08:00，或用 finished_ms",
            "finished: a time with its zone, 2026-11-21T09:12:30+08:00, or finished_ms",
        )
    if finished_ms > now_ms + AHEAD_MS:
        raise NotTaken(
            "完成时间在未来，请校对排队系统的时钟", "it ends in the future: set the queue system's clock"
        )
    if finished_ms < now_ms - LATE_MS:
        raise NotTaken(
            "完成时间超过 31 天，不再计入", "it ended more than 31 days ago and is not counted any more"
        )
    return finished_ms


def _text(value: Any) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value.strip() if isinstance(value, str) and value.isprintable() else None


def _time(told: Mapping[str, Any]) -> int | None:
    if "finished_ms" in told:
        value = told["finished_ms"]
        return (
            value
            if isinstance(value, int) and not isinstance(value, bool) and "finished" not in told
            else None
        )
    try:
        moment = datetime.fromisoformat(told.get("finished", ""))
        return None if moment.tzinfo is None else int(moment.timestamp() * 1000)
    except (ValueError, TypeError, OverflowError):
        return None


def _short(value: Any) -> str:
    return repr(value)[:ID_MAX]
