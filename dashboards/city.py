"""全市总览： the wall of the control centre, top to bottom as it is read. Refuses persons and rates without bounds."""

from typing import Any

from dashboards import queries as q
from dashboards.alerts import COLLECTOR
from dashboards.board import board
from dashboards.panels import (
    COUNT,
    NOTHING,
    SHARE,
    At,
    Column,
    Said,
    county_map,
    courses,
    lines,
    numbers,
    rows,
    steps,
)  # fmt: skip
from dashboards.theme import ACCENT, BASELINE, BASIC, CALM, DISSATISFIED, QUIET, SATISFIED, Lang

GEOJSON = "public/maps/manyi/counties.geojson"


def city(t: Lang) -> dict[str, Any]:
    return board(
        t, "manyi-city", t("全市总览", "The city"),
        t("今天全市的群众评价：控制中心大屏", "Today's ratings of the whole city: the control centre's wall"),
        [*_counts(t), *_rates(t), alarm_lines(t, At(0, 5, 9, 10)), reds(t, At(9, 5, 15, 10)), _course(t),
         ranking(t, "county", At(9, 15, 9, 9)), _map(t), *_feet(t)],
        wall=True,
    )  # fmt: skip


def _counts(t: Lang) -> list[Any]:
    nothing = t("今日无评价数据", "No ratings known")
    each = (
        (
            "n",
            t("今日评价", "Ratings today"),
            ACCENT,
            t("今天（北京时间）全部评价人次", "All ratings of today, Beijing time"),
        ),
        (
            "s",
            t("满意", "Satisfied"),
            SATISFIED,
            t("今天按绿键的人次", "Visitors of today who pressed green"),
        ),
        (
            "b",
            t("基本满意", "Basically satisfied"),
            BASIC,
            t("今天按黄键的人次", "Visitors of today who pressed yellow"),
        ),
        (
            "d",
            t("不满意", "Dissatisfied"),
            DISSATISFIED,
            t("今天按红键的人次", "Visitors of today who pressed red"),
        ),
    )
    return [
        numbers(
            Said(title, about + t("，以一次来访最后一键为准", "; the last press of a visit counts"), nothing),
            [q.CITY_COUNTS], At(3 * i, 0, 3, 5), [Column(field, title, COUNT, color, at_zero=QUIET if field == "d" else "")],
        )
        for i, (field, title, color, about) in enumerate(each)
    ]  # fmt: skip


def _rates(t: Lang) -> list[Any]:
    few = t("样本不足", "Too few ratings")
    about = t(
        "今天的比率与其 95% 置信区间。满 59 人次评价才显示，否则样本不足以支持结论",
        "Today's rate with its 95 % confidence interval; shown from 59 ratings on, fewer cannot carry a statement",
    )
    return [
        numbers(
            Said(title, f"{what}{about}", few), [q.city_rate(rate)], At(x, 0, 6, 5),
            rate_numbers(t),
            unit=SHARE,
        )
        for x, rate, title, what in (
            (12, "s", t("满意率", "Satisfied"), t("只计绿键。", "Green only. ")),
            (18, "sb", t("满意及基本满意率", "Satisfied + basic"), t("绿键加黄键。", "Green and yellow. ")),
        )
    ]  # fmt: skip


def rate_numbers(t: Lang) -> list[Column]:
    """The rate large, its bounds beside it in grey."""
    return [
        Column("rate", t("比率", "Rate"), SHARE, SATISFIED, decimals=1),
        Column("lo", t("最低可能", "At least"), SHARE, QUIET, decimals=1),
        Column("hi", t("最高可能", "At most"), SHARE, QUIET, decimals=1),
    ]


def _course(t: Lang) -> Any:
    said = Said(
        t("今日累计与往常同日", "Today so far, and a usual day"),
        t(
            "今天的累计人次，与最近四个同为工作日的同一星期几的平均（调休按实际上班日算）",
            "Ratings since midnight, and the mean of the last four working same weekdays (swapped weekends count as worked)",
        ),
        t("今日尚无评价，往常数据不足", "No ratings yet, and no usual day known"),
    )
    dashed = (
        ("custom.lineStyle", {"fill": "dash", "dash": [10, 8]}),
        ("custom.fillOpacity", 0),
        ("custom.lineWidth", 2),
        ("custom.showPoints", "never"),
    )
    return courses(
        said, [q.CITY_COURSE, q.CITY_USUAL], At(0, 15, 9, 9),
        [Column("today", t("今日", "Today"), COUNT, ACCENT),
         Column("usual", t("往常（近四个同日平均）", "Usual (mean of four)"), COUNT, BASELINE, extra=dashed)],
    )  # fmt: skip


def ranking(t: Lang, tier: str, at: At, period: str = "day") -> Any:
    unit = {"county": t("县区", "County"), "hall": t("大厅", "Hall")}[tier]
    when = {"day": t("今日", "today"), "week": t("本周", "this week"), "month30": t("近 30 天", "30 days")}[
        period
    ]
    return rows(
        Said(
            t(f"{unit}排名（{when}）", f"{unit} ranking ({when})"),
            t(
                "按满意率排名；区间相互覆盖、分不出先后的并列（2= 表示并列第二）。样本不足的不显示比率",
                "By the rate of satisfied; units that the sample cannot tell apart share a place (2= is a shared second)."
                " No rate where the sample is too small",
            ),
            t("今日尚无可排名的评价", "Nothing to rank yet"),
        ),
        [q.ranking(tier, period, t("name", "name_en"))], at,
        [Column("order", hidden=True), Column(tier, hidden=True), Column("place", t("名次", "Place"), width=70, align="center"),
         Column("name", unit), Column("n", t("人次", "Ratings"), COUNT, width=85),
         Column("rate", t("满意率", "Satisfied"), SHARE, SATISFIED, decimals=1, few=t("样本不足", "Too few"), width=100),
         Column("lo", t("最低可能", "At least"), SHARE, QUIET, decimals=1, width=100),
         Column("hi", t("最高可能", "At most"), SHARE, QUIET, decimals=1, width=100)],
        sort=("order", False),
    )  # fmt: skip


def _map(t: Lang) -> Any:
    said = Said(
        t("各县区今日不满意人次", "Dissatisfied today, by county"),
        t(
            "数字为今天按红键的人次；是人次不是比率，比率与区间见排名",
            "Today's number of red ratings: a number and no rate; rates and their intervals are in the ranking",
        ),
        t("今日尚无评价", "No ratings yet"),
    )
    return county_map(
        said, [q.COUNTY_REDS], At(18, 15, 6, 9), [Column("d", t("不满意", "Dissatisfied"), COUNT)], geojson=GEOJSON,
        label=t("name", "name_en"), field="d", land=ACCENT, edge=ACCENT, marks=steps((None, QUIET), (1, DISSATISFIED)),
    )  # fmt: skip


def reds(t: Lang, at: At, limit: int = 8, where: str = "") -> Any:
    known = {"0": (t("未知悉", "Not seen"), DISSATISFIED), "1": (t("已知悉", "Seen"), SATISFIED)}
    return rows(
        Said(
            t("最新不满意评价", "Latest dissatisfied ratings"),
            t(
                "近三天最新的不满意评价：多久以前、哪个窗口、大厅电话、当时值班领导、是否已知悉",
                "The newest of three days: how long ago, which window, the hall's telephone, the leader on duty then, seen or not",
            ),
            t("近三天没有不满意评价的数据", "No dissatisfied rating of three days is known"),
        ),
        [q.latest_reds(t("", "_en"), limit, where)], at,
        [Column("Time", t("多久以前", "How long ago"), "dateTimeFromNow", width=150), Column("hall_name", t("大厅", "Hall")),
         Column("window_name", t("窗口", "Window")), Column("reason", t("原因", "Reason"), width=90),
         Column("phone", t("大厅电话", "Telephone"), width=140), Column("leader", t("值班领导", "Leader"), width=100),
         Column("leader_phone", t("领导电话", "Their telephone"), width=140),
         Column("known", t("知悉", "Seen"), width=95, mapping=known)],
        unit=NOTHING, hide_time=False,
    )  # fmt: skip


def _alarms_said(t: Lang) -> Said:
    return Said(
        t("报警", "Alarms"),
        t(
            "采集器当前报告的报警，最新的在前，大屏上危急的和整片失联的更在前；处置方法见 RUNBOOK。采集器不工作时此处也为空，请同时看“采集器”一格",
            "What the collector complains of now, the newest first, on the wall urgent ones and outages before them; RUNBOOK says what to do. Empty also if the collector is"
            " dead: see its panel",
        ),
        t("没有报警（“采集器”一格有数才作准）", "None, if the collector's panel has figures"),
    )


def alarm_lines(t: Lang, at: At) -> Any:
    """For the wall: urgent ones first, then the newest, in large type. All of them are in 设备 and 系统."""
    urgent = [
        kind for rule in COLLECTOR for kind in rule.kinds if rule.severity == "critical" or kind == "outage"
    ]
    asked = [q.alarms(t.name, urgent), q.alarms(t.name, urgent, but=True)]
    return lines(
        _alarms_said(t), asked, at, Column("text", t("内容", "What"), color=DISSATISFIED), size=20, limit=7, newest="since_ms",
    )  # fmt: skip


def alarms(t: Lang, at: At) -> Any:
    return rows(
        _alarms_said(t), [q.alarms(t.name)], at,
        [Column("since_ms", t("开始于", "Since"), "dateTimeFromNow", width=140, align="left"), Column("text", t("内容", "What"), color=DISSATISFIED)],
        unit=NOTHING, sort=(t("开始于", "Since"), True),
    )  # fmt: skip


def _feet(t: Lang) -> list[Any]:
    return [boxes(t, At(0, 24, 5, 4)), account_line(t, At(5, 24, 14, 4)), alive(t, At(19, 24, 5, 4))]


def boxes(t: Lang, at: At) -> Any:
    said = Said(
        t("评价器", "Boxes"),
        t(
            "现在在线的、失联的，和全部评价器；名册上在窗口却从未有过消息的算失联",
            "Online now, silent, and all; one that hangs at a window and never spoke is silent",
        ),
        t("没有评价器消息", "No word of boxes"),
    )
    return numbers(
        said, [q.BOXES_ONLINE], at,
        [Column("online", t("在线", "Online"), COUNT, ACCENT), Column("silent", t("失联", "Silent"), COUNT, DISSATISFIED, at_zero=QUIET),
         Column("known", t("全部", "All"), COUNT, QUIET)], base=DISSATISFIED,
    )  # fmt: skip


def account_line(t: Lang, at: At) -> Any:
    ok = {"1": (t("相符", "Adds up"), SATISFIED), "0": (t("不符", "Is off"), DISSATISFIED)}
    return numbers(
        Said(
            t("对账：按下 = 入库 + 待传 + 承认丢失", "Account: pressed = stored + waiting + admitted lost"),
            t(
                "全市所有评价器的按键总账。未知：失联评价器自上次心跳后可能有、但无法得知的部分，从不当作零",
                "All presses of all boxes. Unknown: boxes out of touch may have some since their last beat; never taken for zero",
            ),
            t("没有对账数据：采集器未工作？", "No account: collector?"),
        ),
        [q.ACCOUNT_LINE], at,
        [Column("pressed", t("按下", "Pressed"), COUNT, ACCENT), Column("stored", t("入库", "Stored"), COUNT, SATISFIED),
         Column("waiting", t("待传", "Waiting"), COUNT, BASIC, at_zero=QUIET), Column("lost", t("承认丢失", "Lost"), COUNT, DISSATISFIED, at_zero=QUIET),
         Column("unknown", t("未知（至多）", "Unknown, max"), COUNT, QUIET), Column("shown", t("大屏计入", "Shown"), COUNT, ACCENT),
         Column("ok", t("对账", "Account"), NOTHING, mapping=ok)],
        base=DISSATISFIED,
    )  # fmt: skip


def alive(t: Lang, at: At) -> Any:
    said = Said(
        t("采集器", "Collector"),
        t(
            "采集器连续运行时间，与实时按键入库的延迟。两分钟没有消息即视为停止",
            "Its uptime and live lag; silent for two minutes is dead",
        ),
        t("采集器没有消息！", "Collector silent!"),
    )
    return numbers(
        said, [q.COLLECTOR_ALIVE], at,
        [Column("up_days", t("已运行", "Up"), t("suffix: 天", "suffix: days"), CALM, decimals=1), Column("live_lag_ms", t("实时延迟", "Live lag"), "ms", CALM)],
        unit="ms", base=DISSATISFIED, filled=True,
    )  # fmt: skip
