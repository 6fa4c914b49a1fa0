"""高峰： how many come in which hour of which weekday. Refuses to fill an hour that nobody has measured."""

from typing import Any

from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, DynamicConfigValue

from dashboards import queries as q
from dashboards.board import board
from dashboards.links import Links, to_counties_chosen, to_windows_chosen
from dashboards.panels import NOTHING, At, Column, Said, rows
from dashboards.pulse import fresh
from dashboards.theme import Lang

WEEKDAYS = (
    ("1", "周一", "Mon"), ("2", "周二", "Tue"), ("3", "周三", "Wed"), ("4", "周四", "Thu"), ("5", "周五", "Fri"),
    ("6", "周六", "Sat"), ("7", "周日", "Sun"),
)  # fmt: skip


def peaks(t: Lang) -> dict[str, Any]:
    about = t(
        "近八周每个开放日该小时的平均人次，越亮越多；空白为没有记录",
        "Mean per open day in that hour, over eight weeks; lighter is more, blank is not recorded",
    )
    heads = (
        (
            "n",
            t("全市来评人次（小时 × 星期）", "Ratings of the city (hour by weekday)"),
            "city",
            "\"tier\" = 'city'",
            0,
            to_counties_chosen(t),
        ),
        ("n", t("所选大厅来评人次", "Ratings of the chosen halls"), "hall", q.HALL, 9, to_windows_chosen(t)),
        (
            "d",
            t("全市不满意人次", "Dissatisfied ratings of the city"),
            "city",
            "\"tier\" = 'city'",
            18,
            to_counties_chosen(t),
        ),
    )
    return board(
        t, "manyi-peaks", t("高峰", "Peaks"), t("一周里什么时候人多，用来排班和增开窗口", "When people come, to plan shifts and windows"),
        [*(_matrix(t, Said(title, about, t("近八周数据不足", "Not enough of eight weeks")), q.peaks(field, where, tier),
                   At(0, y, 21 if y == 0 else 24, 9), links)
           for field, title, tier, where, y, links in heads),
         fresh(t, At(21, 0, 3, 9))],
        variables=["county", "hall"], since="now-24h", until="now", refresh="1m",
    )  # fmt: skip


def _matrix(t: Lang, said: Said, query: q.Query, at: At, links: Links) -> Any:
    """A table of seven rows and as many columns as hours have ratings; the cell's colour says how much."""
    days = {number: (t(zh, en), "text") for number, zh, en in WEEKDAYS}
    # Grafana's server from 10.3 on names a value "v" for good, and the matrix's columns after it. One worked out has no
    # name yet.
    once = {
        "mode": "binary",
        "binary": {"left": "v", "operator": "*", "right": "1"},
        "alias": "mean",
        "replaceFields": False,
    }
    to_matrix = {"columnField": "hour", "rowField": "weekday", "valueField": "mean", "emptyValue": "null"}
    panel = rows(
        said, [query], at, [Column("weekday\\hour", t("星期 \\ 时", "Day \\ hour"), mapping=days, width=110, links=links)],
        transformations=[
            DataTransformerConfig(id_val="sortBy", options={"fields": {}, "sort": [{"field": "hour"}]}),
            DataTransformerConfig(id_val="calculateField", options=once),
            DataTransformerConfig(id_val="groupingToMatrix", options=to_matrix),
            DataTransformerConfig(
                id_val="sortBy", options={"fields": {}, "sort": [{"field": "weekday\\hour"}]}
            ),
        ],
        hide_time=False, tall=True, unit=NOTHING,
    )  # fmt: skip
    shade: list[tuple[str, Any]] = [
        ("custom.displayMode", "color-background-solid"),
        ("custom.cellOptions", {"type": "color-background", "mode": "basic"}),
        ("color", {"mode": "continuous-blues"}),
        ("decimals", 1),
        ("custom.align", "center"),
        ("min", 0),
        ("noValue", " "),
    ]
    return panel.override_by_regexp("/^[0-9]{2}$/", [DynamicConfigValue(id_val=k, value=v) for k, v in shade])
