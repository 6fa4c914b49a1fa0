"""设备： every box, what it last said, and what is about to expire. Refuses to call a box healthy that said nothing."""

from typing import Any

from grafana_foundation_sdk.models.dashboard import DataTransformerConfig

from dashboards import queries as q
from dashboards.alerts import CERTIFICATE_DAYS
from dashboards.board import board
from dashboards.links import CELL, to_county, to_windows
from dashboards.panels import AGO, COUNT, NOTHING, At, Column, Said, courses, from_one, numbers, rows
from dashboards.pulse import alarms, fresh
from dashboards.theme import ACCENT, BASIC, DISSATISFIED, QUIET, SATISFIED, Lang

WEAK_DBM = -75  # Wi-Fi below this loses frames
ODD = (  # what is wrong with a box, besides silence
    "account", "fork", "lives", "flood", "red_key", "stuck", "keytest", "loss", "break", "clock", "config", "badge",
)  # fmt: skip
ABOUT = (*ODD, "silent", "outage", "untested")  # of one or of several


def fleet(t: Lang) -> dict[str, Any]:
    return board(
        t, "manyi-fleet", t("设备", "Boxes"), t("评价器在线、信号、待传、时钟、固件与证书", "Boxes: online, signal, backlog, clock, firmware, certificates"),
        [_heads(t), _course(t), _firmware(t), fresh(t, At(21, 0, 3, 6)), _all(t), alarms(t, At(0, 20, 14, 8), ABOUT),
         certificates(t, At(14, 20, 10, 8))],
        variables=["county", "hall"], since="now-24h", until="now", refresh="10s",
    )  # fmt: skip


def _heads(t: Lang) -> Any:
    return numbers(
        Said(
            t("评价器", "Boxes"),
            t("在线、失联、全部、待传记录、有键卡住的台数。供电没有单独的测量：断电即失联", "Online, silent, all, records waiting, boxes with a key stuck. Supply is not measured: a box without power is silent"),
            t("没有评价器消息", "No word of boxes"),
        ),
        [q.BOXES_COUNT], At(0, 0, 8, 6),
        [Column("online", t("在线", "Online"), COUNT, ACCENT), Column("silent", t("失联", "Silent"), COUNT, levels=from_one(DISSATISFIED)),
         Column("known", t("全部", "All"), COUNT, QUIET),
         Column("depth", t("待传记录", "Waiting"), COUNT, levels=from_one(BASIC)), Column("stuck", t("卡键", "Stuck"), COUNT, levels=from_one(DISSATISFIED))],
        base=DISSATISFIED,
    )  # fmt: skip


def _course(t: Lang) -> Any:
    return courses(
        Said(
            t("在线台数与待传记录", "Boxes online, and records waiting"),
            t("每一刻钟一点；一个县区断网时，在线下降而待传上升，恢复后归零，不丢记录", "Every quarter of an hour. When a county is cut off, online falls and waiting rises; nothing is lost"),
            t("没有评价器消息", "No word of boxes"),
        ),
        [q.boxes_course("online"), q.boxes_course("depth")], At(8, 0, 9, 6),
        [Column("online", t("在线", "Online"), COUNT, SATISFIED),
         Column("depth", t("待传记录", "Waiting"), COUNT, BASIC, extra=(("custom.axisPlacement", "right"),))],
    )  # fmt: skip


def _firmware(t: Lang) -> Any:
    group = {
        "fields": {
            "fw": {"aggregations": [], "operation": "groupby"},
            "box": {"aggregations": ["count"], "operation": "aggregate"},
        }
    }
    return rows(
        Said(
            t("固件版本", "Firmware"), t("各固件版本的台数；升级期间会有两种", "Boxes by firmware; two during an update"),
            t("没有评价器消息", "No word of boxes"),
        ),
        [q.BOXES_FIRMWARE], At(17, 0, 4, 6), [Column("fw", t("版本", "Version"), width=150), Column("box (count)", t("台数", "Boxes"), COUNT, ACCENT, width=90)],
        transformations=[DataTransformerConfig(id_val="groupBy", options=group)],
    )  # fmt: skip


def _all(t: Lang) -> Any:
    state = {"1": (t("在线", "Online"), SATISFIED), "0": (t("失联", "Silent"), DISSATISFIED)}
    clock = {
        "0": (t("未对时", "Unset"), DISSATISFIED), "1": (t("采集器", "Collector"), SATISFIED),
        "2": (t("NTP", "NTP"), SATISFIED), "3": (t("电池钟", "Cell"), BASIC),
    }  # fmt: skip
    keys = {
        "0": (t("正常", "Free"), SATISFIED), "1": (t("绿键", "Green"), DISSATISFIED), "2": (t("黄键", "Yellow"), DISSATISFIED),
        "4": (t("红键", "Red"), DISSATISFIED), "3": (t("绿黄", "G, Y"), DISSATISFIED), "5": (t("绿红", "G, R"), DISSATISFIED),
        "6": (t("黄红", "Y, R"), DISSATISFIED), "7": (t("三键", "All"), DISSATISFIED),
    }  # fmt: skip
    started = {
        "0": (t("未知", "Unknown"), QUIET), "1": (t("上电", "Power on"), "text"), "2": (t("看门狗", "Watchdog"), BASIC),
        "3": (t("命令", "Command"), "text"), "4": (t("任务异常", "Task died"), BASIC), "5": (t("欠压", "Brown-out"), DISSATISFIED),
        "6": (t("未知", "Unknown"), QUIET), "7": (t("更新未成", "Old again"), BASIC),
    }  # fmt: skip
    elsewhere = {  # a complaint about a box of another hall has no box to be joined to
        "filters": [{"fieldName": "online", "config": {"id": "isNull", "options": {}}}],
        "type": "exclude",
        "match": "all",
    }
    return rows(
        Said(
            t("全部评价器", "All boxes"),
            t("每台最近一次心跳所说；失联的排在最前。信号低于 -75 dBm 容易掉线。供电不测量，只知道上次为何启动：欠压多半是电源线或适配器。可疑：与这一台有关的报警条数，失联不计", "What each said last; the silent ones first. Below -75 dBm a link is weak. Supply is not measured; known is why it last started: a brown-out is mostly cable or adapter. Odd: alarms about it, silence not counted"),
            t("没有评价器消息", "No word of boxes"),
        ),
        [q.BOXES, q.complaints(ODD)], At(0, 6, 24, 14),
        [Column("box", t("评价器", "Box"), width=125), Column("county", t("县区", "County"), width=130, links=to_county(t, CELL)), Column("hall", t("大厅", "Hall"), links=to_windows(t, CELL)),
         Column("window", t("窗口", "Window")), Column("online", t("状态", "State"), NOTHING, mapping=state, width=75),
         Column("complaints", t("可疑", "Odd"), COUNT, levels=from_one(DISSATISFIED), width=60, extra=(("noValue", "—"),)),
         Column("heard_ms", t("最近消息", "Heard"), AGO, width=130, mapping={"0": (t("从未", "Never"), DISSATISFIED)}), Column("depth", t("待传", "Waiting"), COUNT, width=70),
         Column("oldest", t("最久待传", "Oldest"), t("suffix: 分", "suffix: min"), decimals=0, width=100),
         Column("rssi", t("信号", "Signal"), "suffix: dBm", levels=((None, DISSATISFIED), (WEAK_DBM, SATISFIED)), width=85), Column("clock", t("时钟", "Clock"), NOTHING, mapping=clock, width=80),
         Column("stuck", t("按键", "Keys"), NOTHING, mapping=keys, width=75), Column("fw", t("固件", "Firmware"), NOTHING, width=90),
         Column("room", t("余量", "Room"), COUNT, width=70), Column("heap", t("内存", "Heap"), "decbytes", width=85),
         Column("faults", t("存储故障", "Faults"), COUNT, width=85), Column("lost", t("丢失", "Lost"), COUNT, width=70), Column("up_days", t("已运行", "Up"), t("suffix: 天", "suffix: d"), decimals=1, width=80),
         Column("reason", t("上次启动", "Last start"), NOTHING, mapping=started, width=90)],
        sort=(t("状态", "State"), False), then=t("评价器", "Box"),
        before=[
            DataTransformerConfig(id_val="joinByField", options={"byField": "box", "mode": "outer"}),
            DataTransformerConfig(id_val="filterByValue", options=elsewhere),
        ],
    )  # fmt: skip


def certificates(t: Lang, at: At) -> Any:
    return rows(
        Said(
            t("证书到期", "Certificates"),
            t("根证书、服务器、采集器与评价器的证书；剩 60 天起提醒", "Of the CA, the broker, the collector and boxes; a reminder from 60 days on"),
            t("没有证书信息", "No certificates known"),
        ),
        [q.CERTIFICATES], at,
        [Column("name", t("证书", "Certificate")), Column("days_left", t("剩余", "Left"), t("suffix: 天", "suffix: days"), decimals=0, levels=((None, DISSATISFIED), (CERTIFICATE_DAYS, BASIC), (60, SATISFIED))),
         Column("expires_ms", t("到期", "Expires"), "time:YYYY-MM-DD")],
        sort=(t("剩余", "Left"), False),
    )  # fmt: skip
