"""Everything Grafana reads, written into one folder with a city's names and addresses.

    OUT/dashboards/{zh,en}/*.json   OUT/provisioning/{datasources,dashboards,alerting}/*.yaml
    OUT/maps/counties.geojson       OUT/grafana.env                 OUT/playlist.json

A file whose content has not changed is not touched, so that Grafana reads again only what is new; one that has is
replaced in one move. It refuses shapes of counties that the roster does not know, and it never writes a token: Grafana
reads that from a file of its own.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from manyi.core.errors import InputError, SetupError
from manyi.core.roster.model import Roster
from manyi.grafana.names import fill, names

LANGS: Final = ("zh", "en")
HERE: Final = "/etc/grafana/manyi"  # what the committed files say; replaced by where they are written
TOKEN: Final = "/etc/grafana/manyi.token"
INFLUX: Final = "http://127.0.0.1:8086"
MAP: Final = "maps/counties.geojson"
_URL: Final = re.compile(r"https?://[^\s\"'$]+")
_PLAIN: Final = re.compile(r"/[^\s\"'${}#]*")
_MARGIN: Final = 0.08  # of the counties' extent, so that no border touches the panel's edge
_WIDE: Final = 1.6  # degrees that Grafana's zoom 8.6 shows in the wall's panel; each step halves it


@dataclass(frozen=True, slots=True)
class Where:
    """`seen`: the folder's path as Grafana sees it. `langs`: which languages' dashboards."""

    out: Path
    seen: str
    influx_url: str = INFLUX
    token_file: str = TOKEN
    langs: tuple[str, ...] = LANGS


@dataclass(frozen=True, slots=True)
class Written:
    changed: tuple[str, ...]
    same: int
    without_shape: tuple[str, ...]  # counties that the map does not show


def write(assets: Path, roster: Roster, where: Where, geojson: Path | None = None) -> Written:
    """Raises InputError for a map that is none or does not fit, SetupError if the folder cannot be written."""
    _check(where)
    shapes = _shapes(assets, roster, geojson)
    drawn = {str(shape["id"]) for shape in shapes["features"]}
    counties = [u.id for u in roster.units.values() if u.tier == "county"]
    files = dict(_files(assets, roster, where, shapes))
    files[MAP] = _json(shapes)
    try:
        changed = tuple(name for name, text in sorted(files.items()) if _put(where.out / name, text))
    except OSError as error:
        raise SetupError(
            f"{where.out}：无法写入，请检查目录和权限 / cannot be written, look at the folder and its permissions ({error})."
        ) from error
    return Written(changed, len(files) - len(changed), tuple(c for c in sorted(counties) if c not in drawn))


def _check(where: Where) -> None:
    """What goes into YAML as it is must not be able to say more than an address."""
    if not _URL.fullmatch(where.influx_url):
        raise InputError(f"--influx-url {where.influx_url!r}：应形如 / must be such as {INFLUX}")
    for option, path in (("--token-file", where.token_file), ("--seen-as", where.seen)):
        if not _PLAIN.fullmatch(path):
            raise InputError(
                f"{option} {path!r}：应为绝对路径，不含空格和 $ / must be an absolute path without blanks or $"
            )
    unknown = [lang for lang in where.langs if lang not in LANGS]
    if unknown:
        raise InputError(f"--lang {unknown[0]!r}：zh、en 或 both / say zh, en or both")


def _files(assets: Path, roster: Roster, where: Where, shapes: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for lang in where.langs:
        known = names(roster, lang)
        for path in sorted((assets / "out" / lang).glob("*.json")):
            board = fill(json.loads(path.read_text(encoding="utf-8")), known)
            yield f"dashboards/{lang}/{path.name}", _json(_looking_at(board, shapes))
    for path in sorted((assets / "provisioning").rglob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        name = str(path.relative_to(assets / "provisioning"))
        if name == "dashboards/manyi.yaml" and len(where.langs) == 1:
            text = _only(text, where.langs[0])
        text = text.replace(f"url: {INFLUX}", f"url: {where.influx_url}").replace(TOKEN, where.token_file)
        yield f"provisioning/{name}", text.replace(HERE + "/", where.seen.rstrip("/") + "/")
    env = (assets / "provisioning" / "grafana.env").read_text(encoding="utf-8")
    list_ = json.loads((assets / "provisioning" / "playlist.json").read_text(encoding="utf-8"))
    if "zh" not in where.langs:
        list_["items"] = [{**one, "value": f"{one['value']}-en"} for one in list_["items"]]
    yield "playlist.json", _json(list_)
    home = "dashboards/zh/" if "zh" in where.langs else "dashboards/en/"
    yield "grafana.env", env.replace(HERE + "/", where.seen.rstrip("/") + "/").replace("dashboards/zh/", home)


def _only(text: str, lang: str) -> str:
    """The dashboard providers of one language."""
    head, *providers = text.split("  - name: ")
    return head + "".join("  - name: " + one for one in providers if one.startswith(f"manyi-{lang}\n"))


def _shapes(assets: Path, roster: Roster, geojson: Path | None) -> dict[str, Any]:
    """The counties' shapes. The demo's are for the demo's city: another city without a map of its own has none."""
    counties = {u.id for u in roster.units.values() if u.tier == "county"}
    path = geojson or assets / MAP
    try:
        shapes: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        ids = {str(one["id"]) for one in shapes["features"]}
        [_corners(one["geometry"]["coordinates"]) for one in shapes["features"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}：不是带 id 的 GeoJSON FeatureCollection / is no GeoJSON FeatureCollection with ids ({error})."
        ) from error
    if geojson is None:
        return shapes if ids <= counties else {**shapes, "features": []}
    if strange := sorted(ids - counties):
        raise InputError(
            f"{path}：名册中没有这些县区 / counties that the roster does not know: {', '.join(strange)}"
        )
    return shapes


def _looking_at(board: dict[str, Any], shapes: dict[str, Any]) -> dict[str, Any]:
    """Maps turned to where the counties are."""
    corners = [c for one in shapes["features"] for c in _corners(one["geometry"]["coordinates"])]
    if not corners:
        return board
    lon, lat = [c[0] for c in corners], [c[1] for c in corners]
    span = max(max(lon) - min(lon), (max(lat) - min(lat)) * 1.25) * (
        1 + 2 * _MARGIN
    )  # a degree of latitude is longer
    zoom = 8.6
    while span > _WIDE:
        span, zoom = span / 2, zoom - 1
    while 0 < span <= _WIDE / 2:
        span, zoom = span * 2, zoom + 1
    middle = {"lat": (min(lat) + max(lat)) / 2, "lon": (min(lon) + max(lon)) / 2, "zoom": zoom}
    panels = [
        {**p, "options": {**p["options"], "view": {**p["options"]["view"], **middle}}}
        if p["type"] == "geomap"
        else p
        for p in board["panels"]
    ]
    return {**board, "panels": panels}


def _corners(coordinates: Any) -> list[tuple[float, float]]:
    """Every (lon, lat) of a polygon or multipolygon."""
    if isinstance(coordinates[0], (int, float)):
        return [(float(coordinates[0]), float(coordinates[1]))]
    return [corner for part in coordinates for corner in _corners(part)]


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _put(path: Path, text: str) -> bool:
    """Whether the file had to change."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, encoding="utf-8")
    os.replace(new, path)
    return True
