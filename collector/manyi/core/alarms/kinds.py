"""Every alarm of the wall by its kind: the words in both languages, in the order in which they matter.

An alarm is a dictionary, as the wall's JSON has it: kind, subject (a box, hall, county, window, certificate or part of the
service; "" where there is none), box, county, hall, text_zh, text_en, time_ms (when it was last seen to hold, or happened)
and since_ms. docs/RUNBOOK.md has a heading for every kind. Refuses a kind that is not listed here.
"""

from __future__ import annotations

from typing import Any, Final

from manyi.core.roster.model import Roster
from manyi.core.roster.names import standing
from manyi.words import apart

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "disk_full": ("数据盘已满（剩 {free_mib} MiB）：采集暂停，按键留在评价器里等待，不会丢失；腾出空间后自动恢复",
                  "The data disk is full ({free_mib} MiB left): presses wait in their boxes and are not lost; "
                  "it goes on by itself once there is room"),
    "stalled": ("台账写不进去（{why}）：采集暂停，按键留在评价器里等待，不会丢失",
                "The ledger cannot be written ({why}): presses wait in their boxes and are not lost"),
    "broker": ("采集程序连不上消息服务器（{why}）：按键留在评价器里等待",
               "The collector has no link to the MQTT broker ({why}): presses wait in their boxes"),
    "feed": ("采集区传来的文件接不上（{why}）：本区数字停在上一个文件，采集不受影响",
             "The files from the collecting zone do not follow on ({why}): figures stand still here, not there"),
    "chain": ("台账{where_zh}与写入时不符：有人改动过，或磁盘损坏。保留现场，执行 manyi verify",
              "The ledger's {where_en} not what was written: somebody changed it, or the disk is rotten. Keep everything, run "
              "manyi verify"),
    "account": ("对账不符：评价器 {box}（{name}）的按键数与台账不一致", "The account of box {box} ({name_en}) does not add up"),
    "shown": ("对账不符：大屏合计 {n} 次，与台账应计入的 {of} 次不一致",
              "The wall shows {n} presses, the ledger has {of} to show"),
    "fork": ("评价器 {box}（{name}）出现互相矛盾的记录（可能被克隆）：分支已另存，不计入评价",
             "Box {box} ({name_en}) told two stories (a clone?): the second is kept and not rated"),
    "lives": ("评价器 {box}（{name}）有两份记录在轮流上报（被克隆？）："
              "存储重建过的评价器不会再回到旧的那份；两份都已计入，请去现场查看",
              "Box {box} ({name_en}) speaks in turn from two journals (a clone?): one that began a new journal never goes back "
              "to the old. Both are counted: go and look at the box"),
    "flood": ("评价器 {box}（{name}）发来的消息多得不正常（故障或被冒用？）：已限速，拒收 {n} 条，不影响其他评价器",
              "Box {box} ({name_en}) says more than a box can have to say (broken or misused?): slowed down, {n} messages "
              "refused; no other box waits for it"),
    "outage": ("{name}：{of} 台评价器中 {n} 台同时失联（停电或断网？）",
               "{name_en}: {n} of {of} boxes are silent at once (power or network?)"),
    "update": ("{n} 条记录是更新的格式，本程序读不懂：已存入台账，暂未计入，请升级采集程序",
               "Records in a newer format than this program reads: {n}. Stored, not counted yet: update the collector"),
    "projection": ("{part} 写入失败，正在重试（{why}）；台账照常接收",
                   "{part} fails and is tried again ({why}); the ledger takes in as ever"),
    "disk": ("数据盘快满：剩 {free_gib} GiB（{percent}%）", "The data disk is nearly full: {free_gib} GiB left ({percent}%)"),
    "behind": ("汇总落后台账 {n} 行，正在追赶", "The figures are {n} rows behind the ledger, and catching up"),
    "certificate": ("证书 {name}：{what_zh}", "Certificate {name}: {what_en}"),
    "unacknowledged": ("{name}：{n} 条不满意超过 {minutes} 分钟无人标记已知悉",
                       "{name_en}: dissatisfied, and for {minutes} min not marked as known by anybody: {n}"),
    "dissatisfied": ("{name}：今日 {n} 次评价中 {d} 次不满意，明显高于 {percent}%",
                     "{name_en}: {d} of {n} ratings today are dissatisfied, surely above {percent}%"),
    "rhythm": ("{name}：今日 {n} 次评价，远多于别的窗口（中位数 {usual} 次）：有人或机器在连续按键？",
               "{name_en}: {n} ratings today, far more than others have (median {usual}): does a machine press?"),
    "silent": ("评价器 {box}（{name}）失联", "Box {box} ({name_en}) is silent"),
    "red_key": ("评价器 {box}（{name}）的不满意键可疑：近 {days} 天 {n} 次评价无一次按红键，按全市情况约应有 {expected} 次",
                "Box {box} ({name_en}): is its red key covered or broken? None of {n} ratings in {days} days is red; "
                "about {expected} would be usual"),
    "stuck": ("评价器 {box}（{name}）的{keys}键一直按着（被压住或卡住？）",
              "Box {box} ({name_en}): the {keys_en} key is held down or stuck"),
    "keytest": ("评价器 {box}（{name}）引导测试未通过：有一个键按了没反应",
                "Box {box} ({name_en}) failed its key test: a key did not answer"),
    "untested": ("{name}：今日刷卡上岗的 {of} 台评价器中，{n} 台没有做完按键测试（{boxes}）",
                 "{name_en}: of {of} boxes at which a badge was touched today, {n} finished no key test ({boxes})"),
    "loss": ("评价器 {box}（{name}）丢失按键 {n} 次（满意 {lost[0]}、基本满意 {lost[1]}、不满意 {lost[2]}）",
             "Box {box} ({name_en}): presses lost: {n} ({lost[0]} green, {lost[1]} yellow, {lost[2]} red)"),
    "break": ("评价器 {box}（{name}）的记录链断开一处（存储损坏），已如实登记",
              "Box {box} ({name_en}): the chain of its records has an admitted break (rotten flash)"),
    "clock": ("评价器 {box}（{name}）的时钟不可信，未用于定时",
              "Box {box} ({name_en}): its clock cannot be right and was not used"),
    "config": ("评价器 {box}（{name}）拒绝了新设置，仍用旧设置（manyi box config {box} 查看）",
               "Box {box} ({name_en}) refused its new settings and keeps the old (see manyi box config {box})"),
    "badge": ("评价器 {box}（{name}）：未知工牌 {badge}，不在名册，评价记为未签到（请登记该工牌）",
              "Box {box} ({name_en}): unknown badge {badge}, not in the roster; its ratings have no staff (enter it)"),
    "signin": ("{source} 报送的签到有 {n} 件的窗口、大厅或工号不在名册（{which}）：已存入台账，登记后自动计入",
               "Sign-ins of {source} with a window, hall or staff id that is not in the roster ({which}): {n}. Kept, and counted "
               "once it is entered"),
    "undated": ("有 {n} 次按键尚无时间，待评价器对时后计入",
                "Some presses have no time yet ({n}); they count once their box knows the time"),
    "calendar": ("{year} 年的放假调休安排尚未收录：该年一律按周一至周五为工作日，请更新程序",
                 "The holidays of {year} are not known yet: Monday to Friday are taken for working days. Update the program"),
}  # fmt: skip
RANK: Final = {kind: rank for rank, kind in enumerate(TEXTS)}

Alarm = dict[str, Any]


def alarm(
    kind: str,
    time_ms: int,
    box: str = "",
    *,
    subject: str = "",
    county: str = "",
    hall: str = "",
    since_ms: int = 0,
    **values: Any,
) -> Alarm:
    """One alarm. `since_ms` 0: from when on is not told by the facts; whoever looks remembers."""
    if "lost" in values:
        values["n"] = sum(values["lost"])
    why = apart(values.pop("why", ""))  # an error's own words, in both languages if it has them
    zh, en = (text.format(box=box, why=own, **values) for text, own in zip(TEXTS[kind], why, strict=True))
    return {
        "kind": kind, "subject": subject or box, "box": box, "county": county, "hall": hall, "text_zh": zh, "text_en": en,
        "time_ms": time_ms, "since_ms": since_ms,
    }  # fmt: skip


def of_box(kind: str, time_ms: int, box: str, roster: Roster, at_ms: int, **values: Any) -> Alarm:
    """An alarm about a box, with the county and the window at which it stood at `at_ms`: who reads it has to go there."""
    zh, en = standing(roster, box, at_ms)
    return alarm(kind, time_ms, box, county=roster.where(box, at_ms).county, name=zh, name_en=en, **values)


def in_order(alarms: list[Alarm]) -> list[Alarm]:
    """What matters most in front; of one kind the newest."""
    return sorted(alarms, key=lambda a: (RANK[a["kind"]], -a["time_ms"]))
