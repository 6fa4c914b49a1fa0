"""House defaults: every panel says what it shows, in which unit, and what its emptiness means. Refuses a panel without.

A Column is one field of a query's answer as it is shown. Positions are in Grafana's grid: 24 wide, one high is 38
pixels, so that 28 rows fill a screen of 1080 in kiosk mode.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from grafana_foundation_sdk.builders import common as style
from grafana_foundation_sdk.builders import dashboard, stat, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as model
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
    GridPos,
    Panel,
    Threshold,
    ThresholdsMode,
)

from dashboards.influx import MIXED, Query, TargetBuilder
from dashboards.links import Links
from dashboards.theme import DISSATISFIED, QUIET

COUNT, SHARE, NOTHING, AGO = "locale", "percentunit", "none", "dateTimeFromNow"
TEXT = "string"  # an id of figures alone is no number: no commas, and no zeros lost
Mapping = dict[str, tuple[str, str]]  # value -> text, colour
Levels = tuple[tuple[float | None, str], ...]  # from this value on this colour; the first from nothing


@dataclass(frozen=True, slots=True)
class At:
    """Where: columns from the left, rows from the top, how wide, how high."""

    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True, slots=True)
class Said:
    """What a panel says in words: title, description, and what an empty one means."""

    title: str
    about: str
    nothing: str


@dataclass(frozen=True, slots=True)
class Column:
    field: str
    title: str = ""
    unit: str = ""
    color: str = ""
    width: int = 0
    decimals: int | None = None
    mapping: Mapping | None = None  # texts for values; the whole cell takes the colour's text
    few: str = ""  # what stands for a rate that the sample cannot carry
    hidden: bool = False
    align: str = ""
    levels: Levels = ()  # instead of one colour
    links: Links = ()
    extra: tuple[tuple[str, Any], ...] = ()

    def properties(self) -> list[DynamicConfigValue]:
        said: list[tuple[str, Any]] = [
            ("displayName", self.title),
            ("unit", self.unit),
            ("decimals", self.decimals),
            ("color", self._color()),
            ("thresholds", _thresholds(self.levels) if self.levels else None),
            ("custom.width", self.width),
            ("custom.align", self.align),
            ("custom.hidden", self.hidden),
            ("mappings", self._mappings()),
            ("links", list(self.links)),
        ]
        made = [(name, value) for name, value in said if value or (value == 0 and name == "decimals")]
        if self.mapping or self.color or self.levels or self.few:
            made += _cell("color-text")
        return [DynamicConfigValue(id_val=name, value=value) for name, value in (*made, *self.extra)]

    def _color(self) -> dict[str, str] | None:
        if self.levels:
            return {"mode": "thresholds"}
        return {"mode": "fixed", "fixedColor": self.color} if self.color else None

    def _mappings(self) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = []
        if self.mapping:
            options = {
                value: {"text": words, "color": color, "index": i}
                for i, (value, (words, color)) in enumerate(self.mapping.items())
            }
            made.append({"type": "value", "options": options})
        if self.few:
            result = {"text": self.few, "color": QUIET, "index": 99}
            made.append({"type": "range", "options": {"from": -100, "to": -1, "result": result}})
        return made


def from_one(color: str) -> Levels:
    """Nothing is quiet, and one is not."""
    return ((None, QUIET), (1, color))


def _thresholds(levels: Levels) -> dict[str, Any]:
    return {"mode": "absolute", "steps": [{"color": color, "value": value} for value, color in levels]}


def _cell(kind: str) -> list[tuple[str, Any]]:
    """Grafana 9.4 reads the first, from 9.5 on the second."""
    return [("custom.displayMode", kind), ("custom.cellOptions", {"type": kind})]


def dressed(
    panel: Any, said: Said, queries: Sequence[Query], at: At, unit: str, columns: Sequence[Column]
) -> Any:
    panel.title(said.title).description(said.about).no_value(said.nothing).unit(unit)
    panel.grid_pos(GridPos(h=at.h, w=at.w, x=at.x, y=at.y)).datasource(
        queries[0].source.ref if len({q.source for q in queries}) == 1 else MIXED
    )
    for ref, query in zip("ABCDEFGH", queries, strict=False):
        panel.with_target(TargetBuilder(query, ref))
    for column in columns:
        panel.override_by_name(column.field, column.properties())
    return panel


def _literal(name: str) -> str:
    """A name inside a pattern."""
    return re.sub(r"([\\^$*+?.()|\[\]{}/])", r"\\\1", name)


def steps(*levels: tuple[float | None, str]) -> Builder[Any]:
    return (
        dashboard.ThresholdsConfig()
        .mode(ThresholdsMode.ABSOLUTE)
        .steps([Threshold(value=value, color=color) for value, color in levels])
    )


def numbers(
    said: Said, queries: Sequence[Query], at: At, columns: Sequence[Column], *, unit: str = COUNT, across: bool = True,
    base: str = QUIET, filled: bool = False,
) -> Builder[Panel]:  # fmt: skip
    """Big numbers, one a column; named unless there is only one. `base` colours what has no colour of its own."""
    shown = [c for c in columns if not c.hidden]
    mode = model.BigValueTextMode.VALUE_AND_NAME if len(shown) > 1 else model.BigValueTextMode.VALUE
    words = style.VizTextDisplayOptions()
    if len(shown) > 1:
        words = words.title_size(15)
    panel = (
        stat.Panel()
        .graph_mode(model.BigValueGraphMode.NONE)
        .color_mode(model.BigValueColorMode.BACKGROUND if filled else model.BigValueColorMode.VALUE)
        .justify_mode(model.BigValueJustifyMode.CENTER)
        .text_mode(mode)
        .text(words)
        .orientation(model.VizOrientation.VERTICAL if across else model.VizOrientation.HORIZONTAL)
        .reduce_options(
            style.ReduceDataOptions()
            .calcs(["lastNotNull"])
            .fields("/^(" + "|".join(_literal(c.title or c.field) for c in shown) + ")$/")
        )
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .thresholds(steps((None, base)))
    )
    return dressed(panel, said, queries, at, unit, columns)


def lines(
    said: Said, queries: Sequence[Query], at: At, column: Column, *, words: str, size: int, limit: int,
    sort: tuple[str, bool], colors: Sequence[str] = (), filled: bool = False, beside: Sequence[Column] = (),
) -> Builder[Panel]:  # fmt: skip
    """A row a line, large enough to be read across a room: a table's text has one size, a desk's, and no option for it.

    On the left `words` with the answer's cells in it ({0} is its first), on the right the column's value. What the first
    query answers stands first, each in the order of `sort` (field, descending) and in its own of `colors`. `beside` are
    columns of answers of another kind: their titles on the left. What is `filled` and empty is red. Only the columns have units: Grafana from 10 on gives the
    cells within `words` the panel's, and a text with the unit of a time is "NaN"."""
    column = replace(column, title=re.sub(r"\{(\d)\}", r"${__cell_\1}", words))
    shown = [column, *beside]
    panel = (
        stat.Panel()
        .graph_mode(model.BigValueGraphMode.NONE)
        .color_mode(model.BigValueColorMode.BACKGROUND if filled else model.BigValueColorMode.VALUE)
        .justify_mode(model.BigValueJustifyMode.AUTO)
        .text_mode(model.BigValueTextMode.VALUE_AND_NAME)
        .text(style.VizTextDisplayOptions().title_size(size).value_size(size))
        .orientation(model.VizOrientation.HORIZONTAL)
        .reduce_options(
            style.ReduceDataOptions().values(True).calcs([]).limit(limit)
            .fields("/^(" + "|".join(_literal(c.title) for c in shown) + ")$/")
        )
        .transformations([DataTransformerConfig(id_val="sortBy", options={"fields": {}, "sort": [{"field": sort[0], "desc": sort[1]}]})])
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .thresholds(steps((None, DISSATISFIED if filled else QUIET)))
    )  # fmt: skip
    panel = dressed(panel, said, queries, at, NOTHING, shown)
    for ref, color in zip("ABCDE", colors, strict=False):
        panel.override_by_query(
            ref, [DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": color})]
        )
    return panel


def rows(
    said: Said, queries: Sequence[Query], at: At, columns: Sequence[Column], *, unit: str = TEXT,
    sort: tuple[str, bool] | None = None, then: str = "", tall: bool = False,
    transformations: Sequence[DataTransformerConfig] = (), before: Sequence[DataTransformerConfig] = (), hide_time: bool = True,
) -> Builder[Panel]:  # fmt: skip
    """A table in the order of its columns. `sort` is (title, descending); equals stand by the column `then`, upwards.
    `transformations` stand instead of the order, those `before` in front of it."""
    # Grafana 9 takes ids of figures alone for numbers, and numbers stand on the right.
    columns = [c if c.unit or c.mapping or c.align else replace(c, align="left") for c in columns]
    panel = table.Panel().cell_height(model.TableCellHeight.LG if tall else model.TableCellHeight.MD)
    panel = panel.align(model.FieldTextAlignment.AUTO).filterable(False)
    panel = panel.color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS)).thresholds(
        steps((None, "text"))
    )
    if sort:
        by = [sort, (then, False)] if then else [sort]
        panel = panel.sort_by(
            [style.TableSortByFieldState().display_name(title).desc(falls) for title, falls in by]
        )
    time = [Column("Time", hidden=True)] if hide_time else []
    if transformations:
        panel = panel.transformations(list(transformations))
    else:
        order = {c.field: i for i, c in enumerate([*time, *columns])}
        panel = panel.transformations(
            [
                *before,
                DataTransformerConfig(
                    id_val="organize", options={"indexByName": order, "excludeByName": {}, "renameByName": {}}
                ),
            ]
        )
    panel = dressed(panel, said, queries, at, unit, [*time, *columns])
    return panel.override_by_field_type("string", [DynamicConfigValue(id_val="noValue", value="—")])


def courses(
    said: Said, queries: Sequence[Query], at: At, columns: Sequence[Column], *, unit: str = COUNT, stacked: bool = False,
    bars: bool = False, low: float | None = 0, high: float | None = None,
    step: str = "", points: int = 0,
) -> Builder[Panel]:  # fmt: skip
    """Lines or bars over time, one a column; the column's field is the query's alias. `step` is $__interval at its least;
    `points`, and no screen's width, say how it grows."""
    panel = (
        timeseries.Panel()
        .draw_style(model.GraphDrawStyle.BARS if bars else model.GraphDrawStyle.LINE)
        .line_width(0 if bars else 3)
        .fill_opacity(80 if bars else 8)
        .show_points(model.VisibilityMode.AUTO)
        .line_interpolation(model.LineInterpolation.LINEAR)
        .span_nulls(False)
        .legend(
            style.VizLegendOptions()
            .display_mode(model.LegendDisplayMode.LIST)
            .placement(model.LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .timezone(["Asia/Shanghai"])
        .tooltip(style.VizTooltipOptions().mode(model.TooltipDisplayMode.MULTI).sort(model.SortOrder.NONE))
        .stacking(
            style.StackingConfig().mode(model.StackingMode.NORMAL if stacked else model.StackingMode.NONE)
        )
    )
    if low is not None:
        panel = panel.min(low)
    if high is not None:
        panel = panel.max(high)
    if step:
        panel = panel.interval(step).max_data_points(points)
    return dressed(panel, said, queries, at, unit, columns)
