"""The guided test of one box: lights, sound, keys, memory, radio, broker, clock, and one record all the way to the
collector's acknowledgement. Ends in one green light, or in words.

Refuses: to pass a box on anybody's word for what it can measure; to press keys for the technician. The test's own record
is a key test (docs/WIRE.md), never a press: no citizen is invented.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from manyi.box.console import Console, Refusal
from manyi.box.words import MARKS, answer, both, link_trouble

KEYS_S, LINK_S, ACK_S = 30.0, 120.0, 60.0
POLL_S = 0.3
KEYTEST = 5  # kind of record
PASSED = 1
MIN_HEAP = 2048
"""Bytes; below it a TLS handshake does not come through."""
WEAK_DBM = -80
LEVELS = {1: ("绿", "green"), 2: ("黄", "yellow"), 3: ("红", "red")}
NAMES = {
    "lights": "三灯同亮", "sound": "蜂鸣器", "flash": "存储", "memory": "内存", "keys": "按键", "radio": "信号", "link": "连接",
    "clock": "时间", "ack": "中心确认",
}  # fmt: skip

Ask = Callable[[str], bool]
Tell = Callable[[str], None]
Status = dict[str, str]


@dataclass(frozen=True, slots=True)
class Check:
    """`key`: stable, for records. `ok` None: could not be tried."""

    name: str
    ok: bool | None
    key: str = ""
    words: str = ""

    def text(self) -> str:
        return f"{MARKS[self.ok]} {NAMES[self.name]} / {self.name}" + (
            f": {self.words}" if self.words else ""
        )


def examine(
    console: Console,
    ask: Ask,
    tell: Tell,
    *,
    link_s: float = LINK_S,
    keys_s: float = KEYS_S,
) -> list[Check]:
    """Every check, in order; each is told as it ends. The console must be open. Raises BoxError if the cable goes."""
    done: list[Check] = []

    def add(check: Check) -> None:
        done.append(check)
        tell(check.text())

    console.ask("show")
    add(_person("lights", ask(both("三个键的灯都在闪吗？", "Do the lights of all three keys flash?"))))
    console.ask("show")  # it lasts 5 s: who looked at the lights has heard nothing yet
    add(_person("sound", ask(both("听到蜂鸣声吗？", "Do you hear it beep?"))))
    seen = console.ask("status")
    faults = int(seen["faults"])
    bad = both(f"{faults} 处坏块：换板", f"{faults} faults: another board") if faults else ""
    add(Check("flash", not faults, "faults" if faults else "", bad))
    add(Check("memory", int(seen["heap"]) >= MIN_HEAP, words=f"{seen['heap']} B"))
    seq = _keys(console, add, tell, keys_s)
    online = _link(console, add, tell, link_s)
    _ack(console, add, tell, seq, ACK_S if online else 0)
    return done


def passed(checks: list[Check]) -> bool:
    return all(check.ok for check in checks)


def _person(name: str, yes: bool) -> Check:
    return Check(
        name,
        yes,
        "" if yes else "person",
        "" if yes else both("检查接线和方向", "look at its wires and its direction"),
    )


def _keys(console: Console, add: Callable[[Check], None], tell: Tell, patience_s: float) -> int:
    """-> seq of the key test's record, 0 if there is none."""
    before = _newest(console)
    tell(both("请依次按下亮着的键", "press each key as it lights"))
    deadline = time.monotonic() + patience_s
    while True:
        try:
            console.ask("keytest")
            break
        except Refusal as refused:  # somebody pressed just now: it waits until nobody does
            if time.monotonic() > deadline:
                add(Check("keys", False, "refused", both(*answer(refused.why.replace("-", " ")))))
                return 0
        time.sleep(POLL_S)
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        found = _newest(console)
        if found.get("seq") != before.get("seq"):
            ok = int(found["reason"]) == PASSED
            add(
                Check(
                    "keys",
                    ok,
                    "" if ok else "keys",
                    "" if ok else pressed_wrong(bytes.fromhex(found["data"])),
                )
            )
            return int(found["seq"])
        time.sleep(POLL_S)
    add(Check("keys", False, "nobody", both("没有完成按键测试", "the key test was not finished")))
    return 0


def pressed_wrong(data: bytes) -> str:
    """`data` of a key test's record that was not passed: three levels asked, and as many pressed as came."""
    asked, came = data[:3], data[3:].rstrip(b"\0")
    if not came:
        return both("没有人按：再来一次，按亮着的键", "nobody pressed: again, and press the key that is lit")
    (lit_zh, lit_en), (zh, en) = LEVELS[asked[len(came) - 1]], LEVELS[came[-1]]
    if zh != lit_zh:
        return both(
            f"亮的是{lit_zh}键，按下的是{zh}键：再来一次，还这样就是两个键的线接反了",
            f"{lit_en} was lit and {en} came: again; the same again means that their wires are exchanged",
        )
    zh, en = LEVELS[asked[len(came)]]
    return both(
        f"{zh}键亮了没有按下：再来一次，还这样就查它的两根线",
        f"{en} was lit and did not come: again, then its two wires",
    )


def _newest(console: Console) -> dict[str, str]:
    try:
        return console.ask("newest", KEYTEST)
    except Refusal:
        return {}


def _status(
    console: Console, tell: Tell, zh: str, en: str, patience_s: float, true: Callable[[Status], bool]
) -> Status:
    """The box's status once `true` of it, or as it is when patience ends; says what is waited for."""
    deadline, said = time.monotonic() + patience_s, False
    while not true(seen := console.ask("status")) and time.monotonic() < deadline:
        if not said:
            tell(both(f"{zh}，最多 {patience_s:g} 秒……", f"{en}, {patience_s:g} s at most ..."))
            said = True
        time.sleep(POLL_S)
    return seen


def _link(console: Console, add: Callable[[Check], None], tell: Tell, patience_s: float) -> bool:
    zh, en = "等它连上中心", "waiting for its link"
    seen = _status(console, tell, zh, en, patience_s, lambda s: s["online"] == "1")
    online, rssi = seen["online"] == "1", int(seen["rssi"])
    weak = rssi < WEAK_DBM
    add(
        Check(
            "radio", not weak, "weak" if weak else "", both("有线", "wired") if rssi == 0 else f"{rssi} dBm"
        )
    )
    trouble = link_trouble(seen["why"])
    add(Check("link", online, "" if online else trouble.key, "" if online else str(trouble)))
    add(Check("clock", seen["clock"] != "0" if online else None, "" if seen["clock"] != "0" else "unknown"))
    return online


def _ack(console: Console, add: Callable[[Check], None], tell: Tell, seq: int, patience_s: float) -> None:
    if not seq or not patience_s:
        add(
            Check(
                "ack",
                None,
                "untried",
                both("前面的项目没有通过，无法测试", "not tried: something before it failed"),
            )
        )
        return
    zh, en = "等中心确认测试记录", "waiting for the acknowledgement of its test"
    seen = _status(console, tell, zh, en, patience_s, lambda s: int(s["acked"]) >= seq)
    ok = int(seen["acked"]) >= seq
    why = (
        ""
        if ok
        else both(
            "中心没有确认：采集服务在运行吗？link 密钥登记了吗？",
            "no acknowledgement: does the collector run, with this box's k_link?",
        )
    )
    add(Check("ack", ok, "" if ok else "silent", why))


def report(
    hello: dict[str, str], status: dict[str, str], checks: list[Check], by: str, now_ms: int
) -> dict[str, Any]:
    """The acceptance record's body."""
    return {
        "v": 1, "box": hello["box"], "chip": hello["mac"], "board": hello["board"], "fw": hello["fw"], "life": status["life"],
        "boot": int(status["boot"]), "time_ms": now_ms, "by": by, "ok": passed(checks),
        "checks": [{"name": c.name, "ok": c.ok, "key": c.key} for c in checks],
    }  # fmt: skip
