"""县区 and 大厅： the same page for a tier, chosen by the variables at its top. Refuses a rate without its bounds."""

from typing import Any

from dashboards import queries as q
from dashboards.board import board
from dashboards.city import ranking, rate_numbers, reds
from dashboards.links import CELL, Links, beside, to_county, to_hall, to_windows
from dashboards.panels import COUNT, SHARE, At, Column, Said, courses, from_one, numbers, rows
from dashboards.pulse import fresh
from dashboards.theme import ACCENT, BASIC, DISSATISFIED, QUIET, SATISFIED, Lang

EMPTY = ("所选范围内没有评价", "No ratings in this selection")


def county(t: Lang) -> dict[str, Any]:
    where = q.COUNTY
    return board(
        t, "manyi-county", t("县区", "Counties"), t("所选县区在所选时段的评价，按大厅列出", "The chosen counties, by hall"),
        [*_heads(t, where), fresh(t, At(21, 0, 3, 5)), *_courses(t, where),
         units(t, "hall", where, At(0, 12, 24, 8), t("各大厅", "Halls"), to_hall(t, CELL)), ranking(t, "hall", At(0, 20, 10, 8)),
         reds(t, At(10, 20, 14, 8), 12, f" AND {where}", to_hall(t, beside("hall")))],
        variables=["county"], since="now-7d", until="now", refresh="10s",
    )  # fmt: skip


def hall(t: Lang) -> dict[str, Any]:
    where = q.HALL
    return board(
        t, "manyi-hall", t("大厅", "Halls"), t("所选大厅在所选时段的评价，按窗口列出", "The chosen halls, by window"),
        [*_heads(t, where), fresh(t, At(21, 0, 3, 5)), *_courses(t, where),
         units(t, "window", where, At(0, 12, 24, 9), t("各窗口", "Windows"), to_windows(t, CELL)),
         reds(t, At(0, 21, 24, 7), 12, f" AND {where}", to_windows(t, beside("hall")))],
        variables=["county", "hall"], since="now-7d", until="now", refresh="10s",
    )  # fmt: skip


def windows(t: Lang) -> dict[str, Any]:
    """窗口： every window of the selection, and the course of their day."""
    where = q.HALL
    return board(
        t, "manyi-windows", t("窗口", "Windows"), t("所选大厅的全部窗口", "All windows of the chosen halls"),
        [*_heads(t, where), fresh(t, At(21, 0, 3, 5)), units(t, "window", where, At(0, 5, 24, 14), t("各窗口", "Windows"), to_hall(t, CELL)),
         _today(t, where, At(0, 19, 9, 9)), reds(t, At(9, 19, 15, 9), 8, f" AND {where}", to_hall(t, beside("hall")))],
        variables=["county", "hall"], since="now-24h", until="now", refresh="10s",
    )  # fmt: skip


def units(t: Lang, tier: str, where: str, at: At, title: str, of_hall: Links) -> Any:
    """A table of halls or windows with both rates; a county's name leads to its board, a hall's by `of_hall`."""
    group = {"hall": ["county", "hall"], "window": ["county", "hall", "window"]}[tier]
    names = {"county": t("县区", "County"), "hall": t("大厅", "Hall"), "window": t("窗口", "Window")}
    said = Said(
        title,
        t(
            "按所选时段内的整日（北京时间）合计；评价人次、两种比率及其 95% 区间；不满 59 人次为样本不足。改评：先按红键后改为更好，是有人伸手的常见痕迹。"
            "存疑：带标记的评价，原因见网页系统",
            "Whole days of Beijing in the chosen period. Ratings, both rates with 95% intervals; under 59 ratings are too few. Changed: red first, better last, the trace"
            " a reaching hand leaves. Flagged: see the web application for the reason",
        ),
        t(*EMPTY),
    )
    links = {"county": to_county(t, CELL), "hall": of_hall, "window": ()}
    columns = [
        Column(tag, names[tag], width=150 if tag == "county" else 0, links=links[tag]) for tag in group
    ]
    columns += [
        Column("n", t("人次", "Ratings"), COUNT, ACCENT, width=80),
        Column("s", t("满意", "Satisfied"), COUNT, SATISFIED, width=80),
        Column("b", t("基本满意", "Basic"), COUNT, BASIC, width=85),
        Column("d", t("不满意", "Dissatisfied"), COUNT, levels=from_one(DISSATISFIED), width=115),
    ]
    for rate, name, wide in (
        ("rate_s", t("满意率", "Rate satisfied"), 120),
        ("rate_sb", t("满意及基本满意率", "Rate with basic"), 150),
    ):
        columns += [
            Column(rate, name, SHARE, SATISFIED, wide, decimals=1, few=t("样本不足", "Too few")),
            Column(f"{rate}_lo", t("最低", "At least"), SHARE, QUIET, 85, decimals=1),
            Column(f"{rate}_hi", t("最高", "At most"), SHARE, QUIET, 85, decimals=1),
        ]
    columns += [
        Column("corrected", t("改评", "Changed"), COUNT, width=82),
        Column("flagged", t("存疑", "Flagged"), COUNT, width=82),
    ]
    query = q.area_table(", ".join(f'"{tag}"' for tag in group), where, tier)
    return rows(said, [query], at, columns, sort=(t("不满意", "Dissatisfied"), True), then=names[tier])


def _heads(t: Lang, where: str) -> list[Any]:
    few = t("样本不足或无数据", "Too few, or no data")
    about = t("所选时段合计人次", "Ratings of the chosen period")
    levels = [
        Column("n", t("评价", "Ratings"), COUNT, ACCENT),
        Column("s", t("满意", "Satisfied"), COUNT, SATISFIED),
        Column("b", t("基本满意", "Basic"), COUNT, BASIC),
        Column("d", t("不满意", "Dissatisfied"), COUNT, levels=from_one(DISSATISFIED)),
        Column("corrected", t("改评", "Changed"), COUNT, QUIET),
    ]
    interval = t(
        "按所选时段的合计重新计算，附 95% 区间；不满 59 人次不显示",
        "Worked out anew from the sums, with its 95% interval; from 59 ratings on",
    )
    s, sb = t("满意率", "Rate satisfied"), t("满意及基本满意率", "Rate satisfied + basic")
    visits = [
        Column("visits", t("来访", "Visits"), COUNT, ACCENT),
        Column("unrated", t("未评", "Unrated"), COUNT, QUIET),
        Column("rating_rate", t("参评率", "Rated"), SHARE, SATISFIED, decimals=1),
    ]
    return [
        numbers(Said(t("评价人次", "Ratings"), about, t(*EMPTY)), [q.area_counts(where)], At(0, 0, 7, 5), levels),
        numbers(Said(s, interval, few), [q.area_rate("s", where)], At(7, 0, 5, 5), rate_numbers(t), unit=SHARE),
        numbers(Said(sb, interval, few), [q.area_rate("sb", where)], At(12, 0, 5, 5), rate_numbers(t), unit=SHARE),
        numbers(
            Said(
                t("未评", "Unrated visits"),
                t(
                    "只统计已接入排队叫号、来访量已知的大厅；未评从不当作满意",
                    "Only halls whose number of visits is known; an unrated visit is never taken for a good one",
                ),
                t("来访量未知（未接排队系统）", "Visits are not known"),
            ),
            [q.visits(where)], At(17, 0, 4, 5), visits,
        ),
    ]  # fmt: skip


def _courses(t: Lang, where: str) -> list[Any]:
    said = Said(
        t("每日人次", "Ratings per day"),
        t("按北京时间的自然日，各级人次堆叠", "Days of Beijing, stacked by level"),
        t(*EMPTY),
    )
    rate = Said(
        t("每日满意率与区间", "Rate satisfied per day, with its interval"),
        t(
            "不满 59 人次的日子留空；上下两线为 95% 区间",
            "Days of fewer than 59 ratings are gaps; the outer lines are the 95% interval",
        ),
        t("没有一天的样本足够", "No day has enough ratings"),
    )
    outer = (("custom.lineWidth", 1), ("custom.fillOpacity", 0), ("custom.showPoints", "always"))
    dots = (("custom.showPoints", "always"), ("custom.pointSize", 9))
    return [
        courses(
            said, [q.area_days(level, where) for level in "sbd"], At(0, 5, 12, 7), _levels(t), stacked=True, bars=True,
        ),
        courses(
            rate, q.area_day_rate(where), At(12, 5, 12, 7),
            [Column("hi", t("最高可能", "At most"), SHARE, QUIET, extra=(*outer, ("custom.fillBelowTo", t("最低可能", "At least")))),
             Column("rate", t("满意率", "Rate satisfied"), SHARE, SATISFIED, decimals=1, extra=dots),
             Column("lo", t("最低可能", "At least"), SHARE, QUIET, extra=outer)],
            unit=SHARE, low=None, high=1,
        ),
    ]  # fmt: skip


def _today(t: Lang, where: str, at: At) -> Any:
    said = Said(
        t("所选时段的过程", "Over the chosen period"),
        t(
            "各级人次随时间的变化：九天以内每半小时一柱，一个月以内每小时或每两小时，更长按北京时间的整日",
            "Ratings over time, by level: half-hours up to nine days, hours or two hours up to a month, whole days of Beijing beyond",
        ),
        t(*EMPTY),
    )
    return courses(
        said, [one for level in "sbd" for one in q.area_course(level, where)], at, _levels(t), stacked=True, bars=True,
        step=q.COURSE_STEP, points=q.COURSE_POINTS,
    )  # fmt: skip


def _levels(t: Lang) -> list[Column]:
    return [
        Column("s", t("满意", "Satisfied"), COUNT, SATISFIED),
        Column("b", t("基本满意", "Basically satisfied"), COUNT, BASIC),
        Column("d", t("不满意", "Dissatisfied"), COUNT, DISSATISFIED),
    ]
