"""`manyi grafana write`: names where ids were, addresses where examples were, nothing touched twice, nothing else let in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from manyi.cli import app
from manyi.core.roster import check
from manyi.demo.places import FOLDER as CITY
from typer.testing import CliRunner

from tests.collector.paper_ledger import NOON, PaperLedger, office
from tests.dashboards.grafana import OUT


class Desk:
    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder, folder / "grafana"
        self.ledger = PaperLedger(folder)
        (folder / "link.keys").touch(mode=0o600)
        (folder / "manyi.toml").write_text(
            '[city]\nname = "岱州市"\nname_en = "Daizhou"\n[data]\ndir = "."\n[broker]\nhost = "127.0.0.1"\nport = 1883\n'
            'plain = true\n[keys]\nlink_file = "link.keys"\n[web]\nport = 8000\n'
        )

    def write(self, *words: str) -> Any:
        command = [
            "--config",
            str(self.folder / "manyi.toml"),
            "grafana",
            "write",
            "--out",
            str(self.out),
            *words,
        ]
        return CliRunner().invoke(app, command)

    def from_ledger(self, *words: str) -> Any:
        done = self.write("--roster-from-ledger", *words)
        assert done.exit_code == 0, done.output
        return done

    def board(self, name: str, lang: str = "zh") -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            (self.out / "dashboards" / lang / f"{name}.json").read_text(encoding="utf-8")
        )
        return found

    def stamps(self) -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in self.out.rglob("*") if path.is_file()}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    made.ledger.fact(*check(CITY).facts)
    return made


def mapped(board: dict[str, Any], title: str, column: str) -> dict[str, str]:
    (panel,) = [p for p in board["panels"] if p["title"] == title]
    (override,) = [o for o in panel["fieldConfig"]["overrides"] if o["matcher"]["options"] == column]
    (mappings,) = [p["value"] for p in override["properties"] if p["id"] == "mappings"]
    return {unit: said["text"] for unit, said in mappings[0]["options"].items()}


def test_ids_that_are_not_seen_stay_ids_because_links_carry_them(desk: Desk) -> None:
    desk.from_ledger()
    for board, title in (("county", "大厅排名（今日）"), ("hall", "最新不满意评价")):
        (panel,) = [p for p in desk.board(board)["panels"] if p["title"] == title]
        (hidden,) = [o for o in panel["fieldConfig"]["overrides"] if o["matcher"]["options"] == "hall"]
        assert "mappings" not in {p["id"] for p in hidden["properties"]}


def test_ids_read_as_the_rosters_names_in_both_languages(desk: Desk) -> None:
    desk.from_ledger()
    zh, en = desk.board("windows"), desk.board("windows", "en")
    assert mapped(zh, "各窗口", "county") == {"np": "南屏区", "sh": "松河县", "-": "未分配"}
    assert mapped(en, "Windows", "county") == {
        "np": "Nanping District",
        "sh": "Songhe County",
        "-": "Unassigned",
    }
    assert mapped(zh, "各窗口", "window")["sh-h2-w1"] == "1号窗口 城乡居保"
    county, hall = zh["templating"]["list"]
    assert (county["type"], county["query"]) == ("custom", "南屏区 : np,松河县 : sh")
    assert [(o["text"], o["value"]) for o in hall["options"]][:2] == [
        ("全部", "$__all"),
        ("南屏区人社服务大厅", "np-h1"),
    ]
    assert (hall["allValue"], hall["multi"], hall["includeAll"]) == (".*", True, True)


def test_no_query_is_touched(desk: Desk) -> None:
    desk.from_ledger()
    for path in OUT.rglob("*.json"):
        before = json.loads(path.read_text(encoding="utf-8"))
        after = desk.board(path.stem, path.parent.name)
        assert [p["targets"] for p in after["panels"]] == [p["targets"] for p in before["panels"]]
        assert (after["uid"], after["title"]) == (before["uid"], before["title"])


def test_written_again_nothing_is_touched_and_a_new_hall_touches_what_names_it(desk: Desk) -> None:
    desk.from_ledger()
    before = desk.stamps()
    assert "0 files written" in desk.from_ledger().output
    assert desk.stamps() == before
    desk.ledger.fact(office("hall", "np-h9", "np", "望河, 新 : 厅"), at_ms=NOON + 1)
    desk.from_ledger()
    changed = {path.name for path, at in desk.stamps().items() if before[path] != at}
    assert {"county.json", "hall.json"} <= changed
    assert not changed & {"counties.geojson", "rules.yaml", "manyi.yaml", "account.json"}
    hall = desk.board("hall")["templating"]["list"][1]
    assert "南屏区 · 望河， 新 ： 厅 : np-h9" in hall["query"].split(",")


def test_names_may_come_from_files_before_there_is_a_ledger(desk: Desk) -> None:
    done = desk.write("--roster", str(CITY))
    assert done.exit_code == 0, done.output
    assert mapped(desk.board("windows"), "各窗口", "hall")["np-h1"] == "南屏区人社服务大厅"


def test_addresses_go_where_the_examples_were_and_no_token_is_written(desk: Desk) -> None:
    desk.from_ledger(
        "--influx-url",
        "https://influx.example:8086",
        "--token-file",
        "/run/secrets/grafana",
        "--seen-as",
        "/srv/g",
    )
    sources = yaml.safe_load((desk.out / "provisioning/datasources/manyi.yaml").read_text(encoding="utf-8"))
    for source in sources["datasources"]:
        assert source["url"] == "https://influx.example:8086"
        assert source["secureJsonData"]["httpHeaderValue1"] == "Token $__file{/run/secrets/grafana}"
    boards = yaml.safe_load((desk.out / "provisioning/dashboards/manyi.yaml").read_text(encoding="utf-8"))
    assert [p["options"]["path"] for p in boards["providers"]] == [
        "/srv/g/dashboards/zh",
        "/srv/g/dashboards/en",
    ]
    assert "HOME_DASHBOARD_PATH=/srv/g/dashboards/zh/city.json" in (desk.out / "grafana.env").read_text()


def test_one_language_alone(desk: Desk) -> None:
    desk.from_ledger("--lang", "en")
    assert not (desk.out / "dashboards/zh").exists()
    boards = yaml.safe_load((desk.out / "provisioning/dashboards/manyi.yaml").read_text(encoding="utf-8"))
    assert [p["name"] for p in boards["providers"]] == ["manyi-en"]
    assert "dashboards/en/city.json" in (desk.out / "grafana.env").read_text()
    shown = {
        item["value"]
        for item in json.loads((desk.out / "playlist.json").read_text(encoding="utf-8"))["items"]
    }
    written = {
        json.loads(p.read_text(encoding="utf-8"))["uid"] for p in desk.out.glob("dashboards/en/*.json")
    }
    assert shown <= written


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "--roster-from-ledger"),
        (("--roster-from-ledger", "--lang", "fr"), "zh, en or both"),
        (("--roster-from-ledger", "--influx-url", "ftp://x"), "--influx-url"),
        (("--roster-from-ledger", "--influx-url", "http://x\n    user: y"), "--influx-url"),
        (("--roster-from-ledger", "--token-file", "/etc/$__env{HOME}"), "--token-file"),
        (("--roster-from-ledger", "--seen-as", "relative"), "--seen-as"),
    ],
)
def test_what_is_no_address_is_refused_and_nothing_is_written(
    desk: Desk, words: tuple[str, ...], says: str
) -> None:
    done = desk.write(*words)
    assert done.exit_code == 2
    assert says in done.output
    assert not desk.out.exists()


def shape(county: str, lon: float = 120.0) -> dict[str, Any]:
    ring = [[lon, 30.0], [lon + 1, 30.0], [lon + 1, 31.0], [lon, 30.0]]
    return {
        "type": "Feature",
        "id": county,
        "properties": {"id": county},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def test_a_map_of_ones_own_turns_the_view_and_one_that_names_strangers_is_refused(desk: Desk) -> None:
    own = desk.folder / "own.geojson"
    own.write_text(json.dumps({"type": "FeatureCollection", "features": [shape("np")]}))
    said = desk.from_ledger("--geojson", str(own)).output
    assert "Not on the map: sh" in said
    view = next(p for p in desk.board("city")["panels"] if p["type"] == "geomap")["options"]["view"]
    assert (view["lat"], view["lon"]) == (30.5, 120.5)
    own.write_text(json.dumps({"type": "FeatureCollection", "features": [shape("zz")]}))
    done = desk.write("--roster-from-ledger", "--geojson", str(own))
    assert (done.exit_code, "zz" in done.output) == (2, True)
    own.write_text('{"type": "FeatureCollection"}')
    done = desk.write("--roster-from-ledger", "--geojson", str(own))
    assert (done.exit_code, "GeoJSON" in done.output) == (2, True)


def test_another_city_without_a_map_shows_none_of_the_demos(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.ledger.fact(office("county", "c1", zh="临江县"))
    assert "Not on the map: c1" in desk.from_ledger().output
    assert json.loads((desk.out / "maps/counties.geojson").read_text(encoding="utf-8"))["features"] == []


def test_without_a_ledger_the_error_is_one_plain_line(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.ledger.close()
    (tmp_path / "ledger.db").unlink()
    done = desk.write("--roster-from-ledger")
    assert done.exit_code == 2
    assert "Traceback" not in done.output
