"""Rows of text to facts, table by table, with everything that is wrong in them. Pure.

Times are Beijing time (times.py). It refuses to repair: a cell that is not understood is a problem, never a
guess.
"""

import re
from collections.abc import Callable

from manyi.core.roster.cells import UNREAD
from manyi.core.roster.facts import Body
from manyi.core.roster.table import Line, Problem, Table
from manyi.core.roster.times import moment, with_date

ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,31}")
BOX = re.compile(r"[a-z0-9][a-z0-9-]{2,23}")  # the wire's form of a box id
BADGE = re.compile(r"(?:[0-9a-f]{2}){1,10}")  # the wire carries at most 10 bytes
_NUMBER = "[0-9+(][0-9 ()+-]{2,23}(?:(?:转|ext|x)[0-9]{1,6})?"
TELEPHONE = re.compile(f"{_NUMBER}(?:/{_NUMBER})?")  # one, or an office's and a mobile
BUSINESS_CODE = re.compile(r"[0-9]{1,5}")
BUSINESS_MAX = 0xFFFF  # what the wire carries; 0 is: not told
MAX_NAME = 60  # characters; longer does not fit any screen and is a sign of a slipped column
TIER_WORDS = {
    "county": "county", "县区": "county", "区县": "county", "县": "county", "区": "county", "市": "county",
    "县市": "county", "县市区": "county",
    "township": "township", "乡镇": "township", "镇": "township", "乡": "township", "街道": "township",
    "乡镇街道": "township", "镇街": "township",
    "hall": "hall", "window": "window",
}  # fmt: skip
TIER_ENDS = {"大厅": "hall", "窗口": "window"}  # 政务大厅, 服务大厅, 综合窗口
PARENTS = {"county": ("",), "township": ("county",), "hall": ("county", "township"), "window": ("hall",)}
TIER_ZH = {"county": "县区", "township": "乡镇", "hall": "大厅", "window": "窗口"}
MAIN_WORDS = frozenset({"", "main", "a", "a角", "主岗", "主"})
COVER_WORDS = frozenset({"standin", "stand-in", "cover", "b", "b角", "顶岗", "替岗", "代班"})

Found = list[tuple[Line, Body]]
Say = Callable[[Line, str, str, str], None]


def offices(table: Table, problems: list[Problem]) -> Found:
    say = _sayer(table, problems)
    found: Found = []
    for line in table.lines:
        c = line.cells
        _id(c.get("id", ""), line, "id", ID, say)
        tier = _tier(c.get("type", ""))
        if not tier:
            say(line, "type", "应为 县区、乡镇、大厅 或 窗口", "must be county, township, hall or window")
        _name(c.get("name", ""), line, say)
        found.append((line, {
            "id": c.get("id", ""), "tier": tier, "parent": c.get("parent", ""), "zh": c.get("name", ""),
            "en": c.get("name_en", ""), "tel": c.get("telephone", ""),
        }))  # fmt: skip
    _unique(found, ("id",), "id", ("编号重复", "this id is used twice"), say)
    return found


def _tier(word: str) -> str:
    """ "" if it is none."""
    plain = re.sub(r"[\s、()（）]", "", word).lower()
    return TIER_WORDS.get(plain) or next((t for end, t in TIER_ENDS.items() if plain.endswith(end)), "")


def boxes(table: Table, problems: list[Problem]) -> Found:
    say = _sayer(table, problems)
    found: Found = []
    for line in table.lines:
        c = line.cells
        box = c.get("box", "").lower()  # no box's id has capitals, whatever somebody typed
        _id(box, line, "box", BOX, say)
        since = _time(c.get("from", ""), line, "from", say)
        found.append((line, {"box": box, "window": c.get("window", ""), "from_ms": since}))
    _unique(
        found, ("box", "from_ms"), "box", ("同一评价器同一启用时间出现两次", "same box and time twice"), say
    )
    return found


def staff(table: Table, problems: list[Problem]) -> Found:
    say = _sayer(table, problems)
    found: Found = []
    for line in table.lines:
        c = line.cells
        _id(c.get("staff", ""), line, "staff", ID, say)
        _name(c.get("name", ""), line, say)
        badge = re.sub(r"[ :-]", "", c.get("badge", "")).lower().removeprefix("0x")
        if badge and not BADGE.fullmatch(badge):
            say(line, "badge", "工牌应为 1 至 10 个字节的十六进制", "a badge is 1 to 10 bytes in hex")
        found.append((line, {
            "id": c.get("staff", ""), "zh": c.get("name", ""), "en": c.get("name_en", ""), "badge": badge,
        }))  # fmt: skip
    _unique(found, ("id",), "staff", ("工号重复", "this staff id is used twice"), say)
    held = [(line, body) for line, body in found if body["badge"]]
    _unique(held, ("badge",), "badge", ("工牌重复", "this badge is given to two people"), say)
    return found


def duty(table: Table, problems: list[Problem]) -> Found:
    """Main rows and stand-ins alike; `is_cover` tells them apart. A stand-in's end must be told, or the main
    would never come back.
    """
    say = _sayer(table, problems)
    found: Found = []
    for line in table.lines:
        c = line.cells
        since, until = _span(line, say)
        if not c.get("window"):
            say(line, "window", "不能为空", "must not be empty")
        role = c.get("role", "").lower().replace(" ", "")
        if role not in MAIN_WORDS | COVER_WORDS:
            say(line, "role", "应为 主岗（A角）或 顶岗（B角）", "must be main (A) or stand-in (B)")
        if is_cover(line) and until is None:
            say(line, "to", "顶岗必须写明结束时间", "a stand-in needs an end")
        found.append((line, {
            "window": c.get("window", ""), "from_ms": since, "to_ms": until, "staff": c.get("staff", ""),
        }))  # fmt: skip
    _overlaps([f for f in found if not is_cover(f[0])], "window", ("窗口", "在岗", "window"), say)
    _overlaps([f for f in found if is_cover(f[0])], "window", ("窗口", "顶岗", "window"), say)
    return found


def is_cover(line: Line) -> bool:
    """Whether a duty row is a stand-in's."""
    return line.cells.get("role", "").lower().replace(" ", "") in COVER_WORDS


def leaders(table: Table, problems: list[Problem]) -> Found:
    say = _sayer(table, problems)
    found: Found = []
    for line in table.lines:
        c = line.cells
        since, until = _span(line, say)
        if not c.get("hall"):
            say(line, "hall", "不能为空", "must not be empty")
        _name(c.get("name", ""), line, say)
        telephone = c.get("telephone", "")
        if not TELEPHONE.fullmatch(telephone):
            say(line, "telephone", "应为电话号码，如 0537-6600101", "must be a telephone number")
        found.append((line, {
            "hall": c.get("hall", ""), "from_ms": since, "to_ms": until, "zh": c.get("name", ""),
            "tel": telephone,
        }))  # fmt: skip
    _overlaps(found, "hall", ("大厅", "值班", "hall"), say)
    return found


def business(table: Table, problems: list[Problem]) -> Found:
    """Codes are the wire's: 1 to 65535. One name is one type within a county or hall, or nobody could tell which is meant."""
    say = _sayer(table, problems)
    found: Found = []
    for line in table.lines:
        c = line.cells
        code = c.get("code", "")
        if not BUSINESS_CODE.fullmatch(code) or not 1 <= int(code) <= BUSINESS_MAX:
            say(
                line,
                "code",
                f"应为 1 至 {BUSINESS_MAX} 的整数",
                f"must be a whole number, 1 to {BUSINESS_MAX}",
            )
            code = "0"
        _name(c.get("name", ""), line, say)
        found.append((line, {
            "code": int(code), "zh": c.get("name", ""), "en": c.get("name_en", ""), "unit": c.get("unit", ""),
        }))  # fmt: skip
    _unique(found, ("code",), "code", ("代码重复", "this code is used twice"), say)
    for key, column in (("zh", "name"), ("en", "name_en")):
        first: dict[tuple[str, str], int] = {}
        for line, body in found:
            if body[key] and first.setdefault((body[key], body["unit"]), line.row) != line.row:
                row = first[body[key], body["unit"]]
                say(
                    line,
                    column,
                    f"同一机构内名称重复（第 {row} 行已有）",
                    f"the same name in one unit (row {row})",
                )
    return found


def _span(line: Line, say: Say) -> tuple[int, int | None]:
    """From and to; a row with a date may give times alone."""
    c = line.cells
    day = c.get("date", "")
    if day and moment(day) is None:
        zh, en = "应为 2026-11-21 这样的日期，要有年份", "must be a date such as 2026-11-21, with its year"
        say(line, "date", zh, en)
        return 0, None
    since = _time(with_date(day, c.get("from", "")), line, "from", say)
    until = _time(with_date(day, c["to"]), line, "to", say) if c.get("to") else None
    if since and until is not None and 0 < until <= since:
        say(line, "to", "结束时间不晚于开始时间", "ends before it begins")
    return since, until


def _overlaps(found: Found, key: str, words: tuple[str, str, str], say: Say) -> None:
    place, what, english = words
    by_place: dict[str, Found] = {}
    for line, body in found:
        if body["from_ms"] and body[key]:
            by_place.setdefault(body[key], []).append((line, body))
    for rows in by_place.values():
        rows.sort(key=lambda r: r[1]["from_ms"])
        reach_line, reach = rows[0]
        for line, body in rows[1:]:
            ends = reach["to_ms"]
            if body["from_ms"] == reach["from_ms"] or (ends is not None and body["from_ms"] < ends):
                say(
                    line, "from",
                    f"{place} {body[key]} 的{what}时间与第 {reach_line.row} 行重叠",
                    f"overlaps row {reach_line.row} at {english} {body[key]}",
                )  # fmt: skip
            if ends is None or body["to_ms"] is None or body["to_ms"] > ends:
                reach_line, reach = line, body


def _sayer(table: Table, problems: list[Problem]) -> Say:
    def say(line: Line, column: str, zh: str, en: str) -> None:
        told = line.cells.get(column) == UNREAD
        if (column in table.shown or not table.shown) and not told:
            problems.append(table.problem(line.row, column, zh, en))

    return say


def _id(value: str, line: Line, column: str, form: re.Pattern[str], say: Say) -> None:
    if not value:
        say(line, column, "不能为空", "must not be empty")
    elif not form.fullmatch(value):
        if form is BOX:
            say(line, column, "应为 3 至 24 个小写字母、数字或短横", "must be 3 to 24 of a-z, 0-9 and -")
        else:
            say(
                line,
                column,
                "应为 1 至 32 个字母、数字、点或短横",
                "must be 1 to 32 letters, digits, . _ or -",
            )


def _name(value: str, line: Line, say: Say) -> None:
    if not value:
        say(line, "name", "不能为空", "must not be empty")
    elif len(value) > MAX_NAME:
        say(line, "name", f"超过 {MAX_NAME} 个字", f"is over {MAX_NAME} characters")


def _time(value: str, line: Line, column: str, say: Say) -> int:
    """Unix ms; 0 and a problem if it is no time."""
    found = moment(value)
    if found is None:
        zh, en = "应为 2026-11-21 08:30 这样的北京时间", "must be Beijing time such as 2026-11-21 08:30"
        say(line, column, zh, en)
        return 0
    return found


def _unique(found: Found, keys: tuple[str, ...], column: str, words: tuple[str, str], say: Say) -> None:
    first: dict[tuple[object, ...], int] = {}
    for line, body in found:
        key = tuple(body[k] for k in keys)
        if not all(key):
            continue
        if key in first:
            zh, en = words
            say(line, column, f"{zh}（第 {first[key]} 行已有）", f"{en} (first in row {first[key]})")
        first.setdefault(key, line.row)
