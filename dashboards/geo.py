"""The map: areas of our own GeoJSON, each in the colour of its figure, with its name and the figure on it.

Four layers, because Grafana 9.4 has no single one for this: the land, the areas painted by the data, names, figures.
Refuses tiles of anybody else's.
"""

from collections.abc import Sequence
from typing import Any

from grafana_foundation_sdk.builders import common as style
from grafana_foundation_sdk.builders import dashboard, geomap
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as model
from grafana_foundation_sdk.models.dashboard import FieldColorModeId, Panel

from dashboards.influx import Query
from dashboards.panels import COUNT, At, Column, Said, dressed
from dashboards.theme import QUIET

INK = "#ffffff"  # on every shade of the areas


def county_map(
    said: Said, queries: Sequence[Query], at: At, columns: Sequence[Column], *, geojson: str, label: str, field: str,
    marks: Builder[Any],
) -> Builder[Panel]:  # fmt: skip
    """`label`: the shapes' property with their name; `field`: the figure, whose colour is the area's."""
    land = {
        "src": geojson,
        "rules": [],
        "style": {"color": {"fixed": QUIET}, "opacity": 0.15, "lineWidth": 1},
    }
    areas = {
        "src": geojson, "rules": [], "idField": "county",
        "style": {"color": {"fixed": INK}, "opacity": 0.15, "lineWidth": 1},
        "dataStyle": {"color": {"field": field, "fixed": QUIET}},
    }  # fmt: skip
    names = {
        "src": geojson,
        "rules": [],
        "style": {"color": {"fixed": INK}, "opacity": 0, "lineWidth": 1} | _words(label, 18, -24),
    }
    figures = {
        "showLegend": False,
        "style": {
            "color": {"fixed": INK}, "opacity": 1, "lineWidth": 1, "size": {"fixed": 1, "min": 1, "max": 1},
            "symbol": {"mode": "fixed", "fixed": "img/icons/marker/circle.svg"},
        } | _words(field, 40, 14),
    }  # fmt: skip
    place = (
        style.FrameGeometrySource()
        .mode(model.FrameGeometrySourceMode.LOOKUP)
        .lookup("county")
        .gazetteer(geojson)
    )
    panel = (
        geomap.Panel()
        .basemap(_layer("geojson", "land", land))
        .layers([
            _layer("dynamic-geojson", "areas", areas).opacity(0.75),
            _layer("geojson", "names", names),
            _layer("markers", "figures", figures).location(place),
        ])
        .view(geomap.MapViewConfig().id("coords").lat(35.5).lon(116.6).zoom(8.6).all_layers(True))
        .controls(geomap.ControlsOptions().mouse_wheel_zoom(False).show_attribution(False).show_zoom(False))
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .thresholds(marks)
    )  # fmt: skip
    return dressed(panel, said, queries, at, COUNT, columns)


def _words(field: str, size: int, lower: int) -> dict[str, Any]:
    """A text on each shape, so many pixels below its middle."""
    where = {
        "fontSize": size,
        "offsetX": 0,
        "offsetY": lower,
        "textAlign": "center",
        "textBaseline": "middle",
    }
    return {"text": {"mode": "field", "field": field, "fixed": ""}, "textConfig": where}


def _layer(kind: str, name: str, config: dict[str, Any]) -> style.MapLayerOptions:
    return style.MapLayerOptions().type(kind).name(name).config(config).tooltip(True)
