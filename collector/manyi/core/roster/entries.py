"""Rows of text to facts, file by file, with everything that is wrong in them. Pure.

Times are Beijing time. It refuses to repair: a cell that is not understood is a problem, never a guess.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from manyi.core.roster.facts import Body
from manyi.core.roster.table import Column, Line, Problem, Table

BEIJING = timezone(timedelta(hours=8))  # one offset all over China and no summer time since 1991
ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,31}")
BOX = re.compile(r"[a-z0-9][a-z0-9-]{2,23}")  # the wire's form of a box id
BADGE = re.compile(r"(?:[0-9a-f]{2}){1,10}")  # the wire carries at most 10 bytes
MAX_NAME = 60  # characters; longer does not fit any screen and is a sign of a slipped column
TIER_WORDS = {
    "county": "county", "县区": "county", "县": "county", "区": "county", "市": "county",
    "township": "township", "乡镇": "township", "街道": "township",
    "hall": "hall", "大厅": "hall", "服务大厅": "hall",
    "window": "window", "窗口": "window",
}  # fmt: skip
PARENTS = {"county": ("",), "township": ("county",), "hall": ("county", "township"), "window": ("hall",)}
TIER_ZH = {"county": "县区", "township": "乡镇", "hall": "大厅", "window": "窗口"}
TIMES = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")

OFFICES = (
    Column("id", "编号", ("机构编号", "代码")),
    Column("type", "类型", ("级别", "tier")),
    Column("parent", "上级编号", ("上级", "上级机构")),
    Column("name", "名称", ("name_zh", "机构名称")),
    Column("name_en", "英文名", ("英文名称",), optional=True),
    Column("telephone", "电话", ("tel", "phone", "联系电话"), optional=True),
)
BOXES = (
    Column("box", "评价器", ("评价器编号",)),
    Column("window", "窗口", ("窗口编号",)),
    Column("from", "启用时间", ("valid_from", "开始", "开始时间")),
)
STAFF = (
    Column("staff", "工号", ("id", "人员编号")),
    Column("name", "姓名", ("name_zh",)),
    Column("name_en", "英文名", ("拼音",), optional=True),
    Column("badge", "工牌", ("工牌号", "卡号"), optional=True),
)
DUTY = (
    Column("staff", "工号", ("人员编号",)),
    Column("window", "窗口", ("窗口编号",)),
    Column("from", "开始", ("开始时间", "上岗时间")),
    Column("to", "结束", ("结束时间", "离岗时间")),
)

Found = list[tuple[Line, Body]]
Say = Callable[[Line, str, str, str], None]


def offices(table: Table, problems: list[Problem]) -> Found:
    say = _sayer(table, problems)
    found: Found = []
    for line in table.lines:
        c = line.cells
        _id(c.get("id", ""), line, "id", ID, say)
        tier = TIER_WORDS.get(c.get("type", "").lower(), "")
        if not tier:
            say(line, "type", "应为 县区、乡镇、大厅 或 窗口", "must be county, township, hall or window")
        _name(c.get("name", ""), line, say)
        found.append((line, {
            "id": c.get("id", ""), "tier": tier, "parent": c.get("parent", ""), "zh": c.get("name", ""),
            "en": c.get("name_en", ""), "tel": c.get("telephone", ""),
        }))  # fmt: skip
    _unique(found, ("id",), "id", ("编号重复", "this id is used twice"), say)
    return found


def boxes(table: Table, problems: list[Problem]) -> Found:
    say = _sayer(table, problems)
    found: Found = []
    for line in table.lines:
        c = line.cells
        _id(c.get("box", ""), line, "box", BOX, say)
        since = _time(c.get("from", ""), line, "from", say)
        found.append((line, {"box": c.get("box", ""), "window": c.get("window", ""), "from_ms": since}))
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
        badge = re.sub(r"[ :-]", "", c.get("badge", "")).lower()
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
    say = _sayer(table, problems)
    found: Found = []
    for line in table.lines:
        c = line.cells
        since = _time(c.get("from", ""), line, "from", say)
        until = _time(c["to"], line, "to", say) if c.get("to") else None
        if not c.get("window"):
            say(line, "window", "不能为空", "must not be empty")
        if since and until is not None and 0 < until <= since:
            say(line, "to", "结束时间不晚于开始时间", "ends before it begins")
        found.append((line, {
            "window": c.get("window", ""), "from_ms": since, "to_ms": until, "staff": c.get("staff", ""),
        }))  # fmt: skip
    _overlaps(found, say)
    return found


def _overlaps(found: Found, say: Say) -> None:
    by_window: dict[str, Found] = {}
    for line, body in found:
        if body["from_ms"] and body["window"]:
            by_window.setdefault(body["window"], []).append((line, body))
    for rows in by_window.values():
        rows.sort(key=lambda r: r[1]["from_ms"])
        reach_line, reach = rows[0]
        for line, body in rows[1:]:
            ends = reach["to_ms"]
            if body["from_ms"] == reach["from_ms"] or (ends is not None and body["from_ms"] < ends):
                say(
                    line, "from",
                    f"窗口 {body['window']} 的在岗时间与第 {reach_line.row} 行重叠",
                    f"overlaps row {reach_line.row} at window {body['window']}",
                )  # fmt: skip
            if ends is None or body["to_ms"] is None or body["to_ms"] > ends:
                reach_line, reach = line, body


def _sayer(table: Table, problems: list[Problem]) -> Say:
    def say(line: Line, column: str, zh: str, en: str) -> None:
        if column in table.shown or not table.shown:
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
    text = value.replace("/", "-").replace("年", "-").replace("月", "-").replace("日", "").strip()
    text, next_day = (text[:-5] + "00:00", 1) if text.endswith(" 24:00") else (text, 0)
    for form in TIMES:
        try:
            when = datetime.strptime(text, form).replace(tzinfo=BEIJING) + timedelta(days=next_day)
        except (ValueError, OverflowError):
            continue
        return int(when.timestamp() * 1000)
    say(line, column, "应为 2026-11-21 08:30 这样的北京时间", "must be Beijing time such as 2026-11-21 08:30")
    return 0


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
