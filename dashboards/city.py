"""全市总览： the wall of the control centre, top to bottom as it is read. Refuses persons and rates without bounds."""

from typing import Any

from dashboards import queries as q
from dashboards.board import board
from dashboards.geo import county_map
from dashboards.links import TODAY, Links, beside, to_county, to_hall
from dashboards.panels import (
    AGO,
    COUNT,
    SHARE,
    At,
    Column,
    Said,
    courses,
    from_one,
    lines,
    numbers,
    rows,
    steps,
)  # fmt: skip
from dashboards.pulse import account_line, alarm_lines, alive, boxes, fresh
from dashboards.theme import ACCENT, BASELINE, BASIC, CALM, DISSATISFIED, QUIET, REDS, SATISFIED, Lang

GEOJSON = "public/maps/manyi/counties.geojson"
MANY = (1, 3, 10, 30)  # reds of a county on a day: shades of the map, about threefold each


def city(t: Lang) -> dict[str, Any]:
    return board(
        t, "manyi-city", t("全市总览", "The city"),
        t("今天全市的群众评价：控制中心大屏", "Today's ratings of the whole city: the control centre's wall"),
        [*_counts(t), *_rates(t), alarm_lines(t, At(0, 5, 11, 9)), red_lines(t, At(11, 5, 13, 9)), _course(t),
         ranking_lines(t, At(8, 14, 10, 10)), _map(t), *_feet(t)],
        wall=True,
    )  # fmt: skip


def _counts(t: Lang) -> list[Any]:
    nothing = t("今日无评价数据", "No ratings known")
    each = (
        (Column("n", t("今日评价", "Ratings today"), COUNT, ACCENT), t("今天（北京时间）全部评价人次", "All ratings of today, Beijing time")),
        (Column("s", t("满意", "Satisfied"), COUNT, SATISFIED), t("今天按绿键的人次", "Visitors of today who pressed green")),
        (Column("b", t("基本满意", "Basically satisfied"), COUNT, BASIC), t("今天按黄键的人次", "Visitors of today who pressed yellow")),
        (Column("d", t("不满意", "Dissatisfied"), COUNT, levels=from_one(DISSATISFIED)), t("今天按红键的人次", "Visitors of today who pressed red")),
    )  # fmt: skip
    return [
        numbers(
            Said(column.title, about + t("，以一次来访最后一键为准", "; the last press of a visit counts"), nothing),
            [q.CITY_COUNTS], At(3 * i, 0, 3, 5), [column],
        )
        for i, (column, about) in enumerate(each)
    ]  # fmt: skip


def _rates(t: Lang) -> list[Any]:
    few = t("样本不足或无数据", "Too few, or no data")
    about = t(
        "今天的比率与其 95% 置信区间。满 59 人次评价才显示，否则样本不足以支持结论",
        "Today's rate with its 95% confidence interval; shown from 59 ratings on, fewer cannot carry a statement",
    )
    return [
        numbers(
            Said(title, f"{what}{about}", few), [q.city_rate(rate)], At(x, 0, 6, 5),
            rate_numbers(t),
            unit=SHARE,
        )
        for x, rate, title, what in (
            (12, "s", t("满意率", "Rate satisfied"), t("只计绿键。", "Green only. ")),
            (18, "sb", t("满意及基本满意率", "Rate satisfied + basic"), t("绿键加黄键。", "Green and yellow. ")),
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
        said, [q.CITY_COURSE, q.CITY_USUAL], At(0, 14, 8, 10),
        [Column("today", t("今日", "Today"), COUNT, ACCENT),
         Column("usual", t("往常（近四个同日平均）", "Usual (mean of four)"), COUNT, BASELINE, extra=dashed)],
    )  # fmt: skip


def _ranking_said(t: Lang, unit: str) -> Said:
    return Said(
        t(f"{unit}排名（今日）", f"{unit} ranking (today)"),
        t(
            "按满意率排名；区间相互覆盖、分不出先后的并列（2= 表示并列第二）。样本不足的不显示比率",
            "By the rate of satisfied; units that the sample cannot tell apart share a place (2= is a shared second)."
            " With the number of ratings and the 95% interval; no rate where the sample is too small",
        ),
        t("今日尚无可排名的评价", "Nothing to rank yet"),
    )


def ranking_lines(t: Lang, at: At) -> Any:
    """For the wall: place, county, ratings, interval; and the rate."""
    return lines(
        _ranking_said(t, t("县区", "County")), [q.ranking_lines("county", t("name", "name_en"))], at,
        Column("rate", unit=SHARE, color=SATISFIED, decimals=1, few=t("样本不足", "Too few"), links=to_county(t, beside("county"), span=TODAY)),
        words=t("{3} {4}（{5} 人次，{7}% 至 {8}%）", "{3} {4} ({5}: {7}% to {8}%)"), size=18, limit=16, sort=("order", False),
    )  # fmt: skip


def ranking(t: Lang, tier: str, at: At) -> Any:
    unit = {"county": t("县区", "County"), "hall": t("大厅", "Hall")}[tier]
    return rows(
        _ranking_said(t, unit), [q.ranking(tier, t("name", "name_en"))], at,
        [Column("order", hidden=True), Column(tier, hidden=True), Column("place", t("名次", "Place"), width=70, align="center"),
         Column("name", unit, links=to_hall(t, beside("hall")) if tier == "hall" else ()), Column("n", t("人次", "Ratings"), COUNT, width=80),
         Column("rate", t("满意率", "Rate"), SHARE, SATISFIED, decimals=1, few=t("样本不足", "Too few"), width=90),
         Column("lo", t("最低", "At least"), SHARE, QUIET, decimals=1, width=85),
         Column("hi", t("最高", "At most"), SHARE, QUIET, decimals=1, width=85)],
        sort=("order", False),
    )  # fmt: skip


def _map(t: Lang) -> Any:
    shades = steps((None, CALM), *((least, color) for least, color in zip(MANY, REDS, strict=True)))
    said = Said(
        t("各县区今日不满意人次", "Dissatisfied today, by county"),
        t(
            f"数字为今天按红键的人次；暗色为零，从 {'、'.join(map(str, MANY))} 人次起逐级变亮。是人次不是比率，比率与区间见排名",
            "Today's number of red ratings: dark is none, and a shade lighter from"
            f" {', '.join(map(str, MANY))} on. A number and no rate; rates and their intervals are in the ranking",
        ),
        t("今日尚无评价", "No ratings yet"),
    )
    return county_map(
        said, [q.COUNTY_REDS], At(18, 14, 6, 10), [Column("d", t("不满意", "Dissatisfied"), COUNT, links=to_county(t, beside("county"), span=TODAY))], geojson=GEOJSON,
        label=t("name", "name_en"), field="d", marks=shades,
    )  # fmt: skip


def _reds_said(t: Lang) -> Said:
    return Said(
        t("最新不满意评价", "Latest dissatisfied ratings"),
        t(
            "近三天最新的不满意评价：多久以前、哪个窗口、大厅电话、当时值班领导、是否已知悉；大屏上未知悉的在前",
            "The newest of three days: how long ago, which window, the hall's telephone, the leader on duty then, seen or not;"
            " on the wall those that nobody has seen come first",
        ),
        t("近三天没有不满意评价的数据", "No dissatisfied rating of three days is known"),
    )


def reds(t: Lang, at: At, limit: int, where: str, links: Links) -> Any:
    known = {"0": (t("未知悉", "Not seen"), DISSATISFIED), "1": (t("已知悉", "Seen"), SATISFIED)}
    return rows(
        _reds_said(t),
        [q.latest_reds(t("", "_en"), limit, where)], at,
        [Column("Time", t("多久以前", "How long ago"), AGO, width=135), Column("hall_name", t("大厅", "Hall"), links=links),
         Column("window_name", t("窗口", "Window"), links=links), Column("reason", t("原因", "Reason"), width=75),
         Column("phone", t("大厅电话", "Telephone"), width=125), Column("leader", t("值班领导", "Leader"), width=90),
         Column("leader_phone", t("领导电话", "Their telephone"), width=135),
         Column("known", t("知悉", "Seen"), width=90, mapping=known), Column("hall", hidden=True)],
        hide_time=False,
    )  # fmt: skip


def red_lines(t: Lang, at: At) -> Any:
    """For the wall: those that nobody has marked first."""
    asked = [q.red_lines(t.name, known, limit=8) for known in (0, 1)]
    return lines(
        _reds_said(t), asked, at, Column("Time", unit=AGO, links=to_hall(t, beside("hall"), span=TODAY)), words="{1}", size=18, limit=8, sort=("Time", True),
        colors=(DISSATISFIED, QUIET),
    )  # fmt: skip


def _feet(t: Lang) -> list[Any]:
    return [
        boxes(t, At(0, 24, 5, 4)),
        account_line(t, At(5, 24, 12, 4)),
        alive(t, At(17, 24, 4, 4)),
        fresh(t, At(21, 24, 3, 4)),
    ]
