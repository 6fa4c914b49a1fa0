"""The acceptance record on paper, a page of A4 a box: what the guided test found, and below it what is filled in and signed
at the window. Pure.

Refuses to say that a record is as it was written where nobody looked at its seal.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from manyi.box.doctor import NAMES
from manyi.box.papers import paper
from manyi.box.papers.label import check, code, spelled
from manyi.box.words import MARKS
from manyi.core.days import BEIJING
from manyi.words import apart

LEFT, ENGLISH, VALUE, RIGHT = 20.0, 63.0, 98.0, 190.0  # mm
SEAL = {True: "核对无误 checked, unchanged", False: "已被改动 CHANGED", None: "未核对 not checked"}
SITE = (
    ("大厅", "hall"),
    ("窗口编号、名称", "window"),
    ("安装时间", "installed at"),
    ("Wi-Fi 名称", "Wi-Fi"),
    ("固定地址、掩码、网关", "address, mask, gateway"),
)
DONE = (
    (
        "三键各按一次：灯和声一样，大屏“未分配”加三",
        "each key pressed once, alike; the wall's unplaced are three more",
    ),
    ("已记下：标签的码、窗口、时间", "noted: the label's code, the window, the time"),
    ("电源线扎好，用力拉盒里不动", "the cable is tied: a pull moves nothing inside"),
    (
        "已教：随时可按，灯亮就是记下了，闪得很快就打电话",
        "told: press at any time, light means kept, flicker means call",
    ),
)
SIGNED = (("安装人", "installer"), ("大厅", "hall"), ("日期", "date"))


def page(body: dict[str, Any], intact: bool | None) -> str:
    """`body`: a record as doctor.report makes it, with its `mac`; `intact` None: nobody had the key to look."""
    when = datetime.fromtimestamp(body["time_ms"] / 1000, BEIJING).strftime("%Y-%m-%d %H:%M")
    passed = "合格 PASSED" if body["ok"] is True else "不合格 NOT PASSED"
    drawn = [
        paper.text(LEFT, 26, 8, "评价器验收记录", bold=True),
        paper.text(LEFT, 33, 4, "Acceptance record", grey=True),
        paper.qr(code(body["box"]), RIGHT - 30, 14, 30),
        _row(48, "编号、校验", "id, check digits", f"{body['box']}  {check(body['box'])}"),
        _row(55, "芯片地址", "MAC", spelled(body["chip"])),
        _row(62, "开发板、固件", "board, firmware", f"{body['board']}  {body['fw']}"),
        _row(69, "测试时间、测试人", "tested at, by", f"{when}  {body['by']}"),
        _row(76, "记录的封存", "its seal", f"{body['mac']}  {SEAL[intact]}"),
        paper.line(LEFT, 83, RIGHT),
    ]
    y = 91.0
    for one in body["checks"]:
        drawn += [
            paper.text(LEFT, y, 4.4, MARKS[one["ok"]], bold=True),
            _row(y, NAMES[one["name"]], one["name"], apart(one["words"])[0].partition("：")[0], 8),
        ]
        y += 6.5
    drawn += [paper.text(LEFT, y + 5, 7, passed, bold=True), paper.line(LEFT, y + 10, RIGHT)]
    y += 19
    drawn += [
        paper.text(LEFT, y, 4.6, "现场安装（手写）", bold=True),
        paper.text(ENGLISH, y, 3, "at the window, by hand", grey=True),
    ]
    for zh, en in SITE:
        y += 9
        drawn += [_row(y, zh, en, ""), paper.line(VALUE, y + 1, RIGHT)]
    y += 3
    for zh, en in DONE:
        y += 9
        drawn += [
            paper.box(LEFT, y - 3.6, 4),
            paper.text(LEFT + 7, y, 3.8, zh),
            paper.text(LEFT + 7, y + 3.2, 2.6, en, grey=True),
        ]
    y += 18
    for i, (zh, en) in enumerate(SIGNED):
        x = LEFT + i * 58
        drawn += [
            paper.text(x, y, 3.8, zh),
            paper.text(x, y + 3.6, 2.6, en, grey=True),
            paper.line(x + 15, y + 1, x + 52),
        ]
    return paper.page(drawn)


def _row(y: float, zh: str, en: str, value: str, indent: float = 0) -> str:
    return (
        paper.text(LEFT + indent, y, 3.8, zh)
        + paper.text(ENGLISH, y, 2.8, en, grey=True)
        + paper.text(VALUE, y, 3.8, value, most=RIGHT - VALUE)
    )
