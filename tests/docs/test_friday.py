"""Friday, 17:00: whatever the lamps, `manyi box doctor` or the wall say of a box has its row in both troubleshooting tables.

A technician looks for the words that he sees. So each state is given here by words that stand both where it is shown and in
the table's first column. A new state fails until it is named here and has its row.
"""

from __future__ import annotations

import re

import pytest
from manyi.box import doctor, words
from manyi.core.alarms.kinds import TEXTS

from tests.docs.test_hardware import CHINESE, ENGLISH, table

PAGES = {
    "zh": (CHINESE, "五、星期五下午五点", "四、灯和声音"),
    "en": (ENGLISH, "Friday, 17:00", "Lights and sounds"),
}
NO_TROUBLE = {
    "idle", "closed", "invite", "kept", "confirmed", "identify", "welcome", "farewell", "guide", "step", "passed",
    "在岗灯", "duty lamp",
}  # fmt: skip
LINK = {
    "expired": ("证书已过期", "has expired"),
    "future": ("尚未生效", "is not valid yet"),
    "name": ("名称不符", "is for another name"),
    "ca": ("不是本系统签发的", "is not from our authority"),
    "credential": ("账户或口令被拒绝", "refuses this account or password"),
    "network": ("没有网络", "no network"),
    "dns": ("查不到服务器名称", "the server's name is not found"),
    "refused": ("服务器拒绝连接", "the server refuses"),
    "unreachable": ("到不了服务器", "the server cannot be reached"),
    "silent": ("没有应答", "does not answer"),
    "memory": ("内存不足", "the box is out of memory"),
}
WALL = {
    "silent": ("失联", "is silent"),
    "outage": ("同时失联", "are silent at once"),
    "red_key": ("不满意键可疑", "is its red key covered or broken?"),
    "stuck": ("键一直按着", "key is held down or stuck"),
    "keytest": ("引导测试未通过", "failed its key test"),
    "loss": ("丢失按键", "lost"),
    "break": ("记录链断开", "the chain of its records has an admitted break"),
    "clock": ("时钟不可信", "its clock cannot be right"),
    "undated": ("尚无时间", "presses have no time yet"),
    "config": ("拒绝了新设置", "refused its new settings"),
    "badge": ("未知工牌", "unknown badge"),
    "account": ("对账不符", "does not add up"),
    "fork": ("互相矛盾的记录", "told two stories"),
    "lives": ("两份记录在轮流上报", "speaks in turn from two journals"),
    "flood": ("多得不正常", "says more than a box can have to say"),
}
CENTRE = {
    "disk_full", "stalled", "broker", "feed", "shown", "update", "projection", "disk", "behind", "certificate",
    "unacknowledged", "dissatisfied", "rhythm", "signin", "calendar", "untested", "chain",
}  # fmt: skip


def rows(lang: str) -> list[list[str]]:
    page, heading, _ = PAGES[lang]
    return table(heading, page)


def seen(lang: str) -> str:
    """What the table is searched by: its first column."""
    return "\n".join(row[0].replace("**", "") for row in rows(lang))


@pytest.mark.parametrize("lang", PAGES)
def test_every_light_that_means_trouble(lang: str) -> None:
    page, _, lights = PAGES[lang]
    troubles = {row[0].strip("`") for row in table(lights, page)[1:]} - NO_TROUBLE
    assert troubles >= {"offline", "fault", "failed"}
    named = "\n".join(" ".join(row) for row in rows(lang)).lower()
    assert [light for light in troubles if light not in named] == []


@pytest.mark.parametrize(("lang", "at"), [("zh", 0), ("en", 1)])
def test_every_way_in_which_a_link_fails(lang: str, at: int) -> None:
    assert {one.key for one in words.TROUBLES} == LINK.keys()
    for one in words.TROUBLES:
        phrase = LINK[one.key][at]
        assert phrase in (one.zh, one.en)[at]
        assert re.sub("^服务器|^the box ", "", phrase) in seen(lang), f"{one.key} in {lang}"


def test_every_check_of_the_guided_test() -> None:
    for key, zh in doctor.NAMES.items():
        assert f"“{zh}”" in seen("zh"), key
        assert re.search(rf"doctor`[^|\n]*\b{key}\b|^link.*\b{key}\b", seen("en"), re.MULTILINE), key


@pytest.mark.parametrize(("lang", "at"), [("zh", 0), ("en", 1)])
def test_every_alarm_of_the_wall_about_a_box(lang: str, at: int) -> None:
    assert WALL.keys() | CENTRE == TEXTS.keys()
    assert {kind for kind, (zh, _) in TEXTS.items() if "{box}" in zh} <= WALL.keys()
    for kind, phrases in WALL.items():
        assert phrases[at] in TEXTS[kind][at], kind
        assert phrases[at] in seen(lang), f"{kind} in {lang}"


@pytest.mark.parametrize(
    "what", ["电源", "Wi-Fi", "服务器", "证书", "口令", "键", "灯不亮", "存储", "大屏没有它"]
)
def test_what_a_technician_looks_for_stands_in_front(what: str) -> None:
    assert any(row[0].startswith("**") and what in row[0].split("**")[1] for row in rows("zh"))


@pytest.mark.parametrize("lang", PAGES)
def test_every_row_has_a_remedy(lang: str) -> None:
    head, *found = rows(lang)
    assert len(found) >= 30
    assert [row for row in found if len(row) != len(head) or not all(row)] == []
