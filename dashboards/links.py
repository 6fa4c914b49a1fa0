"""From a figure to the board behind it, for who sits at a desk: nobody clicks on a wall. Refuses names: a link carries ids."""

from typing import Any

from dashboards.theme import Lang

CELL = "${__value.raw}"  # the id in the clicked cell, where the cell reads as a name
HERE = "${__url_time_range}"
TODAY = "from=now-24h&to=now"  # boards sum whole days: today's. The wall's own range is for a dashboard in UTC (board.TODAY)
Links = tuple[dict[str, Any], ...]


def beside(column: str) -> str:
    """The id in another column of the row, which must have no names (manyi.grafana.names)."""
    return "${__data.fields." + column + "}"


def to_county(t: Lang, county: str, *, span: str = HERE) -> Links:
    return _to(t, "manyi-county", t("看这个县区", "Look at this county"), f"var-county={county}&{span}")


def to_hall(t: Lang, hall: str, *, span: str = HERE) -> Links:
    return _to(t, "manyi-hall", t("看这个大厅", "Look at this hall"), f"var-hall={hall}&{span}")


def to_windows(t: Lang, hall: str) -> Links:
    return _to(
        t, "manyi-windows", t("看这个大厅的窗口", "Look at this hall's windows"), f"var-hall={hall}&{HERE}"
    )


def to_counties_chosen(t: Lang) -> Links:
    about = t("看所选县区", "Look at the chosen counties")
    return _to(t, "manyi-county", about, f"${{county:queryparam}}&{HERE}")


def to_windows_chosen(t: Lang) -> Links:
    about = t("看所选大厅的窗口", "Look at the chosen halls' windows")
    return _to(t, "manyi-windows", about, f"${{county:queryparam}}&${{hall:queryparam}}&{HERE}")


def _to(t: Lang, uid: str, title: str, asked: str) -> Links:
    return ({"title": title, "url": f"/d/{t.uid(uid)}?{asked}", "targetBlank": False},)
