"""What the wall says besides ratings: boxes online, the account, alarms. Made from the ledger, kept in wall.db.

Refuses to look healthy by default: a box without a word is silent, presses without a date are named, and a
wall that has taken in everything and still shows another sum than the ledger stores does not add up.
"""

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from manyi.core import account, stores
from manyi.core.account import Account
from manyi.core.ledger import reader
from manyi.core.ratings import undated_presses
from manyi.core.roster.model import Roster

ALARM_MS = 86_400_000  # what happened is an alarm for a day; then it is history, and in the ledger
MINUTE_MS = 60_000
MAX_ALARMS = 50  # newest first; a wall of more says nothing
BEHIND_ROWS = (
    5_000  # a backlog of half a county's boxes is work in progress; more than a few seconds' is worth a word
)
OFF_TIMES = 3  # looks in a row with another sum before it is called a mismatch: the stores are read one after the other

_TEXTS = {
    "fork": ("评价器 {box} 出现互相矛盾的记录（可能被克隆）：分支已另存，不计入评价",
             "Box {box} told two stories (a clone?): the second is kept and not rated"),
    "break": ("评价器 {box} 的记录链断开一处（存储损坏），已如实登记",
              "Box {box}: the chain of its records has an admitted break (rotten flash)"),
    "loss": ("评价器 {box} 丢失按键 {n} 次（满意 {lost[0]}、基本满意 {lost[1]}、不满意 {lost[2]}）",
             "Box {box} lost {n} presses ({lost[0]} green, {lost[1]} yellow, {lost[2]} red)"),
    "clock": ("评价器 {box} 的时钟不可信，未用于定时", "Box {box}: its clock cannot be right and was not used"),
    "stuck": ("评价器 {box} 的{keys}键一直按着（被压住或卡住？）", "Box {box}: the {keys_en} key is held down or stuck"),
    "keytest": ("评价器 {box} 引导测试未通过：有一个键按了没反应", "Box {box} failed its key test: a key did not answer"),
    "config": ("评价器 {box} 拒绝了新设置，仍用旧设置（manyi box config {box} 查看）",
               "Box {box} refused its new settings and keeps the old (see manyi box config {box})"),
    "badge": ("评价器 {box}：未知工牌 {badge}，不在名册，评价记为未签到（请登记该工牌）",
              "Box {box}: unknown badge {badge}, not in the roster; its ratings have no staff (enter it)"),
    "undated": ("有 {n} 次按键尚无时间，待评价器对时后计入",
                "{n} presses have no time yet; they count once their box knows the time"),
    "behind": ("汇总落后台账 {n} 行，正在追赶", "The figures are {n} rows behind the ledger, and catching up"),
    "account": ("对账不符：评价器 {box} 的按键数与台账不一致", "The account of box {box} does not add up"),
    "shown": ("对账不符：大屏合计 {n} 次，与台账应计入的 {of} 次不一致",
              "The wall shows {n} presses, the ledger has {of} to show"),
}  # fmt: skip


_KEYS = (("满意", "green"), ("基本满意", "yellow"), ("不满意", "red"))


@dataclass(frozen=True, slots=True)
class Progress:
    """How far figures have followed: rows not taken in yet, presses shown, presses that wait for a date."""

    behind: int
    shown: int
    undated: int


def progress(ledger: sqlite3.Connection, source: sqlite3.Connection, wall: sqlite3.Connection) -> Progress:
    behind = reader.tail(ledger)[0] - int(stores.get(source, "cursor", "0"))
    newest = source.execute("SELECT coalesce(max(id), 0) FROM change").fetchone()[0]
    behind += newest - int(stores.get(wall, "cursor", "0"))
    return Progress(behind, int(stores.get(wall, "shown", "0")), undated_presses(source))


class Health:
    """Looks from time to time; remembers only how often in a row the sums were off."""

    def __init__(
        self, ledger: sqlite3.Connection, source: sqlite3.Connection, wall: sqlite3.Connection, silent_ms: int
    ) -> None:
        self._ledger, self._source, self._wall, self._silent_ms = ledger, source, wall, silent_ms
        self._off = 0

    def look(self, roster: Roster, now_ms: int) -> dict[str, Any]:
        """`boxes`, `account` and `alarms` of the wall's snapshot."""
        far = progress(self._ledger, self._source, self._wall)
        found = account.read(self._ledger, now_ms, self._silent_ms)
        total = found.total
        rated = total.stored - total.forked
        self._off = self._off + 1 if far.behind == 0 and far.shown + far.undated != rated else 0
        alarms = self._now(roster, found, far, rated, now_ms) + self._of_late(now_ms)
        return {
            "boxes": self._boxes(roster, now_ms),
            "account": {
                "pressed": total.pressed, "stored": total.stored, "waiting": total.waiting, "lost": total.lost,
                "unknown": total.unknown, "forked": total.forked, "undated": far.undated,
                "shown": far.shown, "ok": found.ok and self._off < OFF_TIMES,
            },
            "alarms": alarms[:MAX_ALARMS],
        }  # fmt: skip

    def _boxes(self, roster: Roster, now_ms: int) -> dict[str, Any]:
        heard: dict[str, int] = dict(
            self._ledger.execute("SELECT box, max(at_ms) FROM beat GROUP BY box").fetchall()
        )
        online, known = set(), {box for box in roster.boxes if roster.where(box, now_ms).window}
        for box, at_ms, is_online in self._ledger.execute("SELECT box, at_ms, online FROM state"):
            known.add(box)
            if is_online and now_ms - max(at_ms, heard.get(box, 0)) <= self._silent_ms:
                online.add(box)
        return {"online": len(online), "known": len(known), "silent": sorted(known - online)}

    def _now(
        self, roster: Roster, found: Account, far: Progress, rated: int, now_ms: int
    ) -> list[dict[str, Any]]:
        since = (
            now_ms - now_ms % MINUTE_MS
        )  # what still holds carries the minute, so that not every look is news
        alarms = [alarm("account", since, line.box) for line in found.lines if not line.ok]
        if self._off >= OFF_TIMES:
            alarms.append(alarm("shown", since, n=far.shown + far.undated, of=rated))
        if far.behind > BEHIND_ROWS:
            alarms.append(alarm("behind", since, n=far.behind))
        alarms += self._of_boxes(since, now_ms) + self._badges(roster, now_ms)
        if far.undated:
            alarms.append(alarm("undated", since, n=far.undated))
        return alarms

    def _of_boxes(self, since: int, now_ms: int) -> list[dict[str, Any]]:
        """What the newest beats of boxes that are not silent complain of."""
        query = "SELECT box, stuck, config, max(at_ms) FROM beat WHERE at_ms > ? GROUP BY box ORDER BY box"
        alarms = []
        for box, stuck, config, _ in self._ledger.execute(query, (now_ms - self._silent_ms,)):
            down = [names for bit, names in enumerate(_KEYS) if stuck >> bit & 1]
            if down:
                zh, en = ("、".join(n[0] for n in down), ", ".join(n[1] for n in down))
                alarms.append(alarm("stuck", since, box, keys=zh, keys_en=en))
            if config.startswith("!"):
                alarms.append(alarm("config", since, box))
        return alarms

    def _badges(self, roster: Roster, now_ms: int) -> list[dict[str, Any]]:
        """Badges of the last day that nobody holds. Once the roster says whose one is, the alarm is gone."""
        query = (
            "SELECT box, badge, max(time_ms) FROM badge WHERE time_ms > ? AND badge <> '' GROUP BY box, badge"
            " ORDER BY 3 DESC"
        )
        rows = self._source.execute(query, (now_ms - ALARM_MS,)).fetchall()
        return [
            alarm("badge", at_ms, box, badge=badge) for box, badge, at_ms in rows if not roster.holder(badge)
        ]

    def _of_late(self, now_ms: int) -> list[dict[str, Any]]:
        query = (
            "SELECT kind, box, at_ms, detail FROM alarm WHERE at_ms > ? GROUP BY kind, box, detail"
            " ORDER BY max(id) DESC LIMIT ?"
        )
        rows = self._source.execute(query, (now_ms - ALARM_MS, MAX_ALARMS)).fetchall()
        return [alarm(kind, at_ms, box, lost=_lost(detail)) for kind, box, at_ms, detail in rows]


def alarm(kind: str, time_ms: int, box: str = "", **values: Any) -> dict[str, Any]:
    """One alarm as the wall's JSON."""
    if "lost" in values:
        values["n"] = sum(values["lost"])
    zh, en = (text.format(box=box, **values) for text in _TEXTS[kind])
    return {"kind": kind, "box": box, "text_zh": zh, "text_en": en, "time_ms": time_ms}


def _lost(detail: str) -> list[int]:
    try:
        lost = json.loads(detail)["lost"]
        return [int(lost[0]), int(lost[1]), int(lost[2])]
    except (ValueError, KeyError, TypeError, IndexError):
        return [0, 0, 0]
