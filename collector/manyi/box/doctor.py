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
from manyi.box.words import MARKS, Words, answer, both, link_trouble
from manyi.words import apart

KEYS_S, LINK_S, ACK_S = 30.0, 120.0, 60.0
POLL_S = 0.3
KEYTEST = 5  # kind of record
PASSED = 1
MIN_HEAP = 2048
"""Bytes; below it a TLS handshake does not come through."""
WEAK_DBM = -80
LEVELS = {1: ("绿", "green"), 2: ("黄", "yellow"), 3: ("红", "red")}
PARTS = {"reader": ("读卡器", "badge reader"), "clock": ("时钟", "clock")}
NAMES = {
    "lights": "三灯同亮", "sound": "蜂鸣器", "flash": "存储", "memory": "内存", "keys": "按键", "radio": "信号", "link": "连接",
    "clock": "时间", "ack": "中心确认",
}  # fmt: skip

Ask = Callable[[str], bool]
Tell = Callable[[str], None]
Status = dict[str, str]


@dataclass(frozen=True, slots=True)
class Check:
    """`key`: stable, for records. `ok` None: could not be tried. `words`: what was measured; of what did not pass, the reason
    and, behind a colon, what to do."""

    name: str
    ok: bool | None
    key: str = ""
    words: str = ""

    def text(self) -> str:
        mark, zh = MARKS[self.ok], NAMES[self.name]
        why_zh, why_en = apart(self.words)
        return both(
            f"{mark} {zh}" + (f"：{why_zh}" if why_zh else ""), self.name + (f": {why_en}" if why_en else "")
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
    add(_person("lights", ask(both("三个键的灯都在闪吗？", "Do the lights of all three keys flash?")), DARK))
    console.ask("show")  # it lasts 5 s: who looked at the lights has heard nothing yet
    add(_person("sound", ask(both("听到蜂鸣声吗？", "Do you hear it beep?")), MUTE))
    seen = console.ask("status")
    faults = int(seen["faults"])
    tell(parts(seen.get("parts", "-")))
    bad = both(f"{faults} 处坏块：换板", f"{faults} faults: another board") if faults else ""
    add(Check("flash", not faults, "faults" if faults else "", bad))
    add(_memory(int(seen["heap"])))
    seq = _keys(console, add, tell, keys_s)
    online = _link(console, add, tell, link_s)
    _ack(console, add, tell, seq, ACK_S if online else 0)
    return done


def passed(checks: list[Check]) -> bool:
    return all(check.ok for check in checks)


DARK = (
    "有灯不亮：一个不亮查它的两根线和方向，全不亮查键上的 5 V",
    "a lamp is dark: one of them, its two wires and its direction; all, the 5 V at the keys",
)
MUTE = (
    "没有声音：查蜂鸣器的两根线和方向，要无源的",
    "no sound: the buzzer's two wires and its direction; it must be a passive one",
)


WAITING = Words(
    "waiting",
    "还没连上，也没有出错：等一分钟，再来一次",
    "no link yet, and no error: wait a minute, and again",
)


def parts(answering: str) -> str:
    """What of the options answers, for whoever has fitted some: nothing else would tell of a loose wire before opening time."""
    found = [PARTS[each] for each in answering.split(",") if each in PARTS]
    if not found:
        return both(
            "配件：没有；装了读卡器或时钟的，查它的接线",
            "options: none; if a badge reader or a clock is fitted, look at its wires",
        )
    zh, en = ("、".join(each[0] for each in found), ", ".join(each[1] for each in found))
    return both(
        f"配件：{zh}；装了而这里没有的，查它的接线",
        f"options: {en}; one that is fitted and not here, look at its wires",
    )


def _person(name: str, yes: bool, why: tuple[str, str]) -> Check:
    return Check(name, yes) if yes else Check(name, False, "person", both(*why))


def _memory(free: int) -> Check:
    if free >= MIN_HEAP:
        return Check("memory", True, "", f"{free} B")
    why = both(
        f"只剩 {free} B，不够一次加密连接的 {MIN_HEAP} B：断电再通电，马上再试，还不行换板",
        f"{free} B are free, and a link with TLS takes {MIN_HEAP}: switch it off and on and try at once, then another board",
    )
    return Check("memory", False, "low", why)


def _radio(rssi: int, network: bool) -> Check:
    if not network:
        nothing = both("没有网络，测不到信号：先解决连接", "no signal without a network: the link first")
        return Check("radio", None, "untried", nothing)
    if rssi == 0:
        return Check("radio", True, "", both("有线", "wired"))
    if rssi >= WEAK_DBM:
        return Check("radio", True, "", f"{rssi} dBm")
    why = both(
        f"{rssi} dBm，信号弱于 {WEAK_DBM}：挪近路由器，天线离开金属，还不行加路由器或换有线版",
        f"{rssi} dBm, weaker than {WEAK_DBM}: nearer to the router, antenna away from metal; else a router more, or a wire",
    )
    return Check("radio", False, "weak", why)


def _clock(source: str, online: bool) -> Check:
    if not online:
        untried = both("没有连上，无法测试：先解决连接", "not tried without a link: the link first")
        return Check("clock", None, "untried", untried)
    if source != "0":
        return Check("clock", True)
    why = both(
        "评价器不知道时间：放行对时（UDP 123），或在现场文件写 ntp，用 manyi box renew 写入；有 DS3231 的换电池",
        "it does not know the time: let NTP (UDP 123) through, or name a server as ntp in the site file and `manyi box renew`; "
        "a new cell if it has a DS3231",
    )
    return Check("clock", False, "unknown", why)


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
                zh, en = answer(refused.why.replace("-", " "))
                why = both(f"没有开始按键测试：{zh}", f"the test did not begin: {en}")
                add(Check("keys", False, "refused", why))
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
    add(
        Check(
            "keys",
            False,
            "nobody",
            both(
                "没有完成按键测试：再来一次，亮哪个按哪个",
                "the key test was not finished: again, press what is lit",
            ),
        )
    )
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
    online, trouble = seen["online"] == "1", link_trouble(seen["why"])
    add(_radio(int(seen["rssi"]), online or trouble.key != "network"))
    if trouble.key == "ok":
        trouble = WAITING
    add(Check("link", True) if online else Check("link", False, trouble.key, str(trouble)))
    add(_clock(seen["clock"], online))
    return online


def _ack(console: Console, add: Callable[[Check], None], tell: Tell, seq: int, patience_s: float) -> None:
    if not seq or not patience_s:
        add(
            Check(
                "ack",
                None,
                "untried",
                both(
                    "前面的项目没有通过，无法测试：先解决上面打 × 的",
                    "not tried: first what is marked × above",
                ),
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
            "中心没有确认：请中心看采集服务是否运行（manyi doctor），连接密钥文件里有没有这一台",
            "no acknowledgement: at the centre, does the collector run (`manyi doctor`), and has its key file this box?",
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
        "checks": [{"name": c.name, "ok": c.ok, "key": c.key, "words": c.words} for c in checks],
    }  # fmt: skip
