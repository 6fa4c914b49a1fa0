"""What all dashboards have in common: time zone, refresh, variables, links. Refuses the clock of somebody's browser."""

from collections.abc import Sequence
from typing import Any

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from dashboards.influx import Source
from dashboards.theme import Lang

SCHEMA = 37  # of Grafana 9.4, on which these were looked at; later ones migrate from it
TAG = "manyi"
# Grafana up to 9.4 reckons "now/d" by the browser's clock unless a dashboard is in UTC. So a board whose range is a day is in
# UTC, moves to Beijing's day by these, and its courses say Beijing's hours themselves (panels.courses).
TODAY = "now+8h/d-8h"


def board(
    t: Lang, uid: str, title: str, about: str, panels: Sequence[Builder[Any]], *, variables: Sequence[str] = (),
    since: str = TODAY, until: str = TODAY, refresh: str = "5s", wall: bool = False,
) -> dict[str, Any]:  # fmt: skip
    made = (
        dashboard.Dashboard(title)
        .uid(t.uid(uid))
        .description(about)
        .tags([TAG, t.name])
        .timezone("utc" if since == TODAY else "Asia/Shanghai")
        .week_start("monday")
        .time(since, until)
        .refresh(refresh)
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .readonly()
        .timepicker(
            dashboard.TimePicker()
            .hidden(wall)
            .refresh_intervals(["5s", "10s", "30s", "1m", "5m", "15m", "1h"])
        )
    )
    for name in variables:
        made = made.with_variable(_variable(t, name))
    if not wall:
        made = made.link(
            dashboard.DashboardLink(t("满意评价看板", "Manyi dashboards"))
            .type(DashboardLinkType.DASHBOARDS)
            .tags([TAG, t.name])
            .as_dropdown(True)
            .include_vars(True)
            .keep_time(False)
        )
    for panel in panels:
        made = made.with_panel(panel)
    built = made.build()
    built.schema_version = SCHEMA
    for number, panel in enumerate(built.panels or [], 1):
        panel.id_val = number
    return built.to_json()


def _variable(t: Lang, name: str) -> Builder[Any]:
    """Ids from the data. `manyi grafana write` puts the roster's names in their place."""
    label = {"county": t("县区", "County"), "hall": t("大厅", "Hall")}[name]
    asked = f'SHOW TAG VALUES FROM "rollup_day" WITH KEY = "{name}"'
    if name == "hall":
        asked += ' WHERE "county" =~ /^${county:regex}$/'
    everything = VariableOption(selected=True, text=t("全部", "All"), value="$__all")
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(Source.DAY.ref)
        .query(asked)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .include_all(True)
        .all_value(".*")
        .multi(True)
        .current(everything)
    )
