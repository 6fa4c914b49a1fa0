"""The committed dashboards and files: made from the code, whole in both languages, and asking nobody outside."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from manyi.core.alarms.kinds import TEXTS
from manyi.core.roster import check
from manyi.demo.places import FOLDER as CITY

from tests.dashboards.grafana import OUT, PROVISIONING, ROOT, Panel, boards, panels

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # the SDK would rather have its newest format
    from dashboards import alerts, build, fleet, theme

BOARDS = ("account", "city", "county", "fleet", "hall", "peaks", "system", "windows")
SOURCES = {"manyi-wall", "manyi-rollup", "manyi-day"}
HALF_WIDTH = re.compile(r"[一-鿿][,;:!?()]|[,;:!?()][一-鿿]")


def test_what_is_committed_is_what_the_code_makes() -> None:
    made = build.files()
    differs = [str(p) for p, text in made.items() if (build.FOLDER / p).read_text(encoding="utf-8") != text]
    assert differs == [], "run make dashboards and commit"


def test_nothing_is_committed_that_the_code_no_longer_makes() -> None:
    made = {build.FOLDER / path for path in build.files()}
    kept = {*OUT.rglob("*.json"), *(PROVISIONING / "alerting").glob("*")}
    assert kept == made
    assert {p.stem for p in OUT.glob("zh/*.json")} == {p.stem for p in OUT.glob("en/*.json")} == set(BOARDS)


@pytest.mark.parametrize("panel", panels(), ids=str)
def test_every_panel_says_what_it_shows_in_which_unit_and_what_emptiness_means(panel: Panel) -> None:
    defaults = panel.body["fieldConfig"]["defaults"]
    assert len(panel.body["title"]) >= 2
    assert len(panel.body["description"]) >= 8
    assert defaults["unit"]
    assert len(defaults["noValue"]) >= 4
    assert panel.body["targets"]


@pytest.mark.parametrize("panel", panels(), ids=str)
def test_every_query_is_influxql_on_a_source_that_knows_no_person(panel: Panel) -> None:
    for target in panel.body["targets"]:
        assert target["datasource"]["uid"] in SOURCES
        assert target["rawQuery"] is True
        assert target["query"].startswith("SELECT ")
        assert "staff" not in target["query"]
        assert not re.search(r"\bcount\(\"(n|s|b|d)\"\)", target["query"]), (
            "ratings are summed, never counted"
        )
        if '"rollup_' in target["query"] or '"summary"' in target["query"]:
            assert re.search(r'"tier" =~? ', target["query"]), "a rating stands in four tiers"
        if "time(1d)" in target["query"]:
            assert "tz('Asia/Shanghai')" in target["query"]


@pytest.mark.parametrize("panel", panels(), ids=str)
def test_a_panel_that_asks_several_sources_says_so(panel: Panel) -> None:
    asked = {target["datasource"]["uid"] for target in panel.body["targets"]}
    assert panel.body["datasource"]["uid"] == (asked.pop() if len(asked) == 1 else "-- Mixed --")


@pytest.mark.parametrize("panel", panels(), ids=str)
def test_a_rate_never_stands_without_its_bounds_nor_for_too_few(panel: Panel) -> None:
    for target in panel.body["targets"]:
        query = target["query"]
        for rate, low, high in (
            ("rate", "lo", "hi"),
            ("rate_s", "rate_s_lo", "rate_s_hi"),
            ("rate_sb", "rate_sb_lo", "rate_sb_hi"),
        ):
            if f'AS "{rate}"' not in query or target.get("alias"):
                continue
            assert f'AS "{low}"' in query
            assert f'AS "{high}"' in query
            kept = f'"n" >= {theme.FEWEST}' in query or '"enough" = 1' in query
            if not kept:
                (shown,) = [
                    o for o in panel.body["fieldConfig"]["overrides"] if o["matcher"]["options"] == rate
                ]
                texts = next(p["value"] for p in shown["properties"] if p["id"] == "mappings")
                assert texts[-1]["options"]["to"] == -1
                assert texts[-1]["options"]["result"]["text"] in ("样本不足", "Too few")


@pytest.mark.parametrize("name", ["zh/fleet", "en/fleet"])
@pytest.mark.parametrize(("column", "kind"), [("clock", "clock"), ("reason", "boot")])
def test_what_a_box_says_of_its_clock_and_its_start_has_words(name: str, column: str, kind: str) -> None:
    """Those of the wire's law, and none besides but 0, which is as good as "not known"."""
    law = (ROOT / "docs" / "WIRE.md").read_text(encoding="utf-8")
    (line,) = re.findall(rf"^\| \d \| {kind} \| 0 \| ([^|]+) \|", law, re.MULTILINE)
    words = {
        key: text["text"]
        for panel in boards()[name]["panels"]
        for shown in panel["fieldConfig"]["overrides"]
        if shown["matcher"]["options"] == column
        for said in shown["properties"]
        if said["id"] == "mappings"
        for mapping in said["value"]
        for key, text in mapping["options"].items()
    }
    assert set(words) == {"0", *re.findall(r"\d", line)}
    if len(set(words.values())) < len(words):
        assert "6 not known" in line
        assert words.pop("6") == words["0"]
        assert len(set(words.values())) == len(words)


@pytest.mark.parametrize("panel", [p for p in panels() if p.body["type"] == "stat"], ids=str)
def test_big_numbers_show_every_column_they_name(panel: Panel) -> None:
    """A name with a plus in a pattern once hid a rate and left its bounds."""
    pattern = re.compile(panel.body["options"]["reduceOptions"]["fields"].strip("/"))
    for override in panel.body["fieldConfig"]["overrides"]:
        said = {p["id"]: p["value"] for p in override["properties"]}
        if override["matcher"]["id"] == "byName":
            assert pattern.fullmatch(said["displayName"]), said["displayName"]


@pytest.mark.parametrize(
    "panel",
    [p for p in panels() if p.body["targets"][0]["query"].endswith("ORDER BY time DESC LIMIT 1")],
    ids=str,
)
def test_newest_of_each_are_listed_by_name_though_influxql_answers_backwards(panel: Panel) -> None:
    _, then = panel.body["options"]["sortBy"]
    (box,) = [o for o in panel.body["fieldConfig"]["overrides"] if o["matcher"]["options"] == "box"]
    titles = {p["id"]: p["value"] for p in box["properties"]}
    assert then == {"displayName": titles["displayName"], "desc": False}


@pytest.mark.parametrize("board", BOARDS)
def test_both_languages_show_the_same(board: str) -> None:
    zh, en = boards()[f"zh/{board}"], boards()[f"en/{board}"]
    assert (en["uid"], en["title"] != zh["title"]) == (f"{zh['uid']}-en", True)

    def bare(panel: dict[str, Any]) -> tuple[Any, ...]:
        asked = [
            re.sub(r"(_en|_zh)\b", "", t["query"].replace('"name_en"', '"name"')) for t in panel["targets"]
        ]
        return panel["type"], panel["gridPos"], asked

    assert list(map(bare, zh["panels"])) == list(map(bare, en["panels"]))


@pytest.mark.parametrize("board", BOARDS)
def test_chinese_texts_are_chinese_and_english_ones_english(board: str) -> None:
    zh, en = json.dumps(boards()[f"zh/{board}"], ensure_ascii=False), boards()[f"en/{board}"]
    shown = re.sub(
        r'"(query|fields)": ".*?[^\\]"|suffix: ', "", zh
    )  # neither queries, patterns nor units are prose
    assert HALF_WIDTH.findall(shown) == []
    assert not re.search("[一-鿿]", json.dumps(en, ensure_ascii=False))


def test_a_screen_of_1080_holds_the_wall_and_no_panel_lies_over_another() -> None:
    for name, board in boards().items():
        taken: set[tuple[int, int]] = set()
        for panel in board["panels"]:
            at = panel["gridPos"]
            cells = {
                (x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
            }
            assert not cells & taken, f"{name}: {panel['title']}"
            taken |= cells
            assert at["x"] + at["w"] <= 24
        if name.endswith("/city"):
            assert max(y for _, y in taken) + 1 <= 28
            assert len(taken) == 24 * 28, "and there is no hole in it"


def test_every_board_lives_in_beijing_time_and_refreshes_by_itself() -> None:
    for name, board in boards().items():
        day = name.endswith("/city")
        assert (board["timezone"], board["editable"]) == ("utc" if day else "Asia/Shanghai", False)
        for panel in board["panels"]:
            if panel["type"] == "timeseries":
                assert panel["options"]["timezone"] == ["Asia/Shanghai"], f"{name}: {panel['title']}"
        assert board["refresh"] == (
            "1m"
            if "peaks" in name
            else "5s"
            if name.endswith(("city", "account", "system")) and "account" not in name
            else "10s"
        ), name
    assert boards()["zh/city"]["timepicker"]["hidden"] is True


def test_no_range_is_a_day_of_the_browsers_clock() -> None:
    """Wall computers run in UTC: there `now/d` is 08:00 in Beijing, and the day's course lacked a third."""
    for name, board in boards().items():
        span = (board["time"]["from"], board["time"]["to"])
        if name.endswith("/city"):
            assert span == ("now+8h/d-8h", "now+8h/d-8h"), (
                "Grafana reckons this in UTC, the dashboard's own time zone"
            )
        else:
            assert "/" not in "".join(span), name


def test_a_colour_of_a_level_on_the_map_is_the_levels_own() -> None:
    for lang in ("zh", "en"):
        (panel,) = [p for p in boards()[f"{lang}/city"]["panels"] if p["type"] == "geomap"]
        steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        assert [step["color"] for step in steps] == [theme.CALM, *theme.REDS]
        assert theme.REDS[-1] == theme.DISSATISFIED
        kinds = {one["name"]: (one["type"], one["config"]) for one in panel["options"]["layers"]}
        kind, areas = kinds["areas"]
        assert (kind, areas["idField"], areas["dataStyle"]["color"]["field"]) == (
            "dynamic-geojson",
            "county",
            "d",
        )
        assert {
            config.get("src", panel["options"]["basemap"]["config"]["src"]) for _, config in kinds.values()
        } == {"public/maps/manyi/counties.geojson"}


def test_every_board_says_how_old_its_data_are_where_one_looks_for_it() -> None:
    for name, board in boards().items():
        (shown,) = [p for p in board["panels"] if p["title"] in ("数据截至", "Data as of")]
        at = shown["gridPos"]
        last = max(p["gridPos"]["y"] for p in board["panels"])
        assert (at["x"], at["w"], at["y"]) == (21, 3, last if name.endswith("/city") else 0), name
        assert shown["options"]["colorMode"] == "background"
        (column,) = shown["fieldConfig"]["overrides"]
        said = {p["id"]: p["value"] for p in column["properties"]}
        assert said["thresholds"]["steps"] == [
            {"color": theme.CALM, "value": None},
            {"color": theme.DISSATISFIED, "value": 61},
        ]
        (base,) = shown["fieldConfig"]["defaults"]["thresholds"]["steps"]
        assert base["color"] == theme.DISSATISFIED, "what is not there at all is red too"


def test_boards_that_a_wall_plays_fit_it() -> None:
    played = {
        item["value"] for item in json.loads((PROVISIONING / "playlist.json").read_text("utf-8"))["items"]
    }
    for name, board in boards().items():
        if board["uid"].removesuffix("-en") in played:
            assert max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in board["panels"]) <= 28, name


def test_alarms_stand_right_below_the_figures_in_large_type() -> None:
    for lang in ("zh", "en"):
        wall = {(p["gridPos"]["x"], p["gridPos"]["y"]): p for p in boards()[f"{lang}/city"]["panels"]}
        shown = wall[0, 5]
        assert ['"alarm"' in target["query"] for target in shown["targets"]] == [
            False,
            True,
            True,
            True,
            False,
        ]
        assert (shown["type"], shown["options"]["reduceOptions"]["values"]) == ("stat", True)
        assert shown["options"]["text"]["valueSize"] >= 18


def test_kinds_about_boxes_are_those_whose_words_name_one_and_outages() -> None:
    named = {kind for kind, (zh, _) in TEXTS.items() if "{box" in zh}
    assert {*fleet.ABOUT} == named | {"outage"}
    assert {*fleet.ODD} == {kind for kind in named if "{box}" in TEXTS[kind][0]} - {"silent"}


def test_an_empty_list_of_alarms_is_never_called_a_good_one() -> None:
    """A database that does not answer leaves every panel empty: the wall says in a line of its own that there is nothing else."""
    found = [
        p
        for p in panels()
        if any('"alarm"' in t["query"] for t in p.body["targets"])
        and p.body["title"] not in ("全部评价器", "All boxes")
    ]
    assert len(found) == 3 * 2
    for panel in found:
        said = panel.body["fieldConfig"]["defaults"]["noValue"]
        assert ("没有数据" if panel.lang == "zh" else "no data") in said.replace("No", "no"), str(panel)
        assert said.count("没有报警" if panel.lang == "zh" else "None") == (panel.board != "city"), str(panel)
        if panel.board == "city":
            (base,) = panel.body["fieldConfig"]["defaults"]["thresholds"]["steps"]
            assert base["color"] == theme.DISSATISFIED, "seen across a room"


@pytest.mark.parametrize("name", ["zh/fleet", "en/fleet"])
def test_a_box_is_never_hidden_by_what_is_joined_to_it(name: str) -> None:
    """A version of Grafana that finds no such column excludes nothing; asked to include what has one, it showed no box."""
    (made,) = [
        p["transformations"]
        for p in boards()[name]["panels"]
        if len(p["targets"]) == 2 and p["type"] == "table"
    ]
    join, without, _ = made
    assert (join["id"], join["options"]) == ("joinByField", {"byField": "box", "mode": "outer"})
    assert (without["id"], without["options"]["type"]) == ("filterByValue", "exclude")
    assert without["options"]["filters"] == [
        {"fieldName": "online", "config": {"id": "isNull", "options": {}}}
    ]


def test_lines_have_no_unit_but_their_column_s_own() -> None:
    """From Grafana 10 on a cell within a name is formatted: a text with a time's unit is NaN, 12 ratings are 1200%."""
    found = 0
    for panel in panels():
        named = [
            {p["id"]: p["value"] for p in o["properties"]} for o in panel.body["fieldConfig"]["overrides"]
        ]
        for said in named:
            if "${__cell_" in said.get("displayName", ""):
                assert panel.body["fieldConfig"]["defaults"]["unit"] == "none", str(panel)
                assert said["unit"] not in ("", "none"), str(panel)
                for target in panel.body["targets"]:  # tags of an answer come in any order: one at most
                    outer = re.sub(r"\(.*\)", "", target["query"])
                    assert "," not in outer.partition("GROUP BY")[2], str(panel)
                found += 1
    assert found == 3 * 2


def test_hours_of_the_matrix_are_not_named_after_the_answer_s_column() -> None:
    """Grafana's server from 10.3 on gives every value a name for good: all hours were called "v"."""
    found = [
        panel.body["transformations"]
        for panel in panels()
        if panel.board == "peaks" and "transformations" in panel.body
    ]
    assert len(found) == 3 * 2
    for steps in found:
        named = {step["id"]: step["options"] for step in steps}
        assert named["groupingToMatrix"]["valueField"] == named["calculateField"]["alias"] != "v"
        assert [s["id"] for s in steps].index("calculateField") < [s["id"] for s in steps].index(
            "groupingToMatrix"
        )


LEADS = {  # from where on a board one gets to which, and by what
    ("city", "县区排名（今日）"): {"manyi-county": "${__data.fields.county}"},
    ("city", "各县区今日不满意人次"): {"manyi-county": "${__data.fields.county}"},
    ("city", "最新不满意评价"): {"manyi-hall": "${__data.fields.hall}"},
    ("county", "各大厅"): {"manyi-county": "${__value.raw}", "manyi-hall": "${__value.raw}"},
    ("county", "大厅排名（今日）"): {"manyi-hall": "${__data.fields.hall}"},
    ("county", "最新不满意评价"): {"manyi-hall": "${__data.fields.hall}"},
    ("hall", "各窗口"): {"manyi-county": "${__value.raw}", "manyi-windows": "${__value.raw}"},
    ("hall", "最新不满意评价"): {"manyi-windows": "${__data.fields.hall}"},
    ("windows", "各窗口"): {"manyi-county": "${__value.raw}", "manyi-hall": "${__value.raw}"},
    ("windows", "最新不满意评价"): {"manyi-hall": "${__data.fields.hall}"},
    ("peaks", "全市来评人次（小时 × 星期）"): {"manyi-county": ""},
    ("peaks", "所选大厅来评人次"): {"manyi-windows": ""},
    ("peaks", "全市不满意人次"): {"manyi-county": ""},
    ("fleet", "全部评价器"): {"manyi-county": "${__value.raw}", "manyi-windows": "${__value.raw}"},
}  # fmt: skip


def links_of(panel: Panel) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Each data link, with the override that has it."""
    return [
        (link, override)
        for override in panel.body["fieldConfig"]["overrides"]
        for said in override["properties"]
        if said["id"] == "links"
        for link in said["value"]
    ]


def test_a_figure_leads_to_the_board_behind_it() -> None:
    for lang in ("zh", "en"):
        found = {}
        for panel, twin in zip(
            (p for p in panels() if p.lang == lang), (p for p in panels() if p.lang == "zh"), strict=True
        ):
            leads = {
                urlsplit(link["url"]).path.removeprefix("/d/").removesuffix("-en"): re.sub(
                    r"^var-\w+=|^\$\{\w+:queryparam\}$", "", link["url"].partition("?")[2].split("&")[0]
                )
                for link, _ in links_of(panel)
            }
            if leads:
                found[panel.board, twin.body["title"]] = leads
        assert found == LEADS


def test_every_link_s_target_exists_in_its_language_and_has_the_variables_it_is_given() -> None:
    known = {board["uid"]: (name, board) for name, board in boards().items()}
    for panel in panels():
        here = {
            v["name"] for v in boards()[f"{panel.lang}/{panel.board}"].get("templating", {}).get("list", [])
        }
        for link, override in links_of(panel):
            url = urlsplit(link["url"])
            name, target = known[url.path.removeprefix("/d/")]
            assert name.startswith(f"{panel.lang}/"), f"{panel}: {url.path}"
            there = {v["name"] for v in target["templating"]["list"]}
            given = re.findall(r"var-(\w+)=", url.query)
            carried = re.findall(r"\$\{(\w+):queryparam\}", url.query)
            assert given or carried, str(panel)
            assert {*given, *carried} <= there, str(panel)
            assert set(carried) <= here, str(panel)
            # The wall's range is a day of a dashboard in UTC: elsewhere it would be another one.
            kept = "from=now-24h&to=now" if panel.board == "city" else "${__url_time_range}"
            assert url.query.endswith(f"&{kept}"), str(panel)
            if "${__value.raw}" in url.query:
                assert override["matcher"] == {"id": "byName", "options": given[0]}, "the cell is the id"
            for column in re.findall(r"__data\.fields\.(\w+)", url.query):
                assert all(f'"{column}"' in t["query"] for t in panel.body["targets"]), str(panel)
                for own in panel.body["fieldConfig"]["overrides"]:
                    if (
                        own["matcher"]["options"] == column
                    ):  # else it would read as a name, once that is filled in
                        assert {"id": "custom.hidden", "value": True} in own["properties"], str(panel)


def test_a_table_s_ids_are_no_numbers() -> None:
    for panel in panels():
        if panel.body["type"] == "table":
            expected = "none" if panel.board == "peaks" else "string"
            assert panel.body["fieldConfig"]["defaults"]["unit"] == expected, str(panel)


def test_lines_of_one_course_have_colours_of_their_own() -> None:
    for panel in panels():
        if (
            panel.body["type"] == "timeseries"
            and "区间" not in panel.body["title"]
            and "interval" not in panel.body["title"]
        ):
            said = [
                {p["id"]: p["value"] for p in o["properties"]} for o in panel.body["fieldConfig"]["overrides"]
            ]
            colors = [one["color"].get("fixedColor") for one in said]
            assert None not in colors, str(panel)
            assert len(set(colors)) == len(colors), str(panel)


def test_nobody_outside_is_asked() -> None:
    for path in [*OUT.rglob("*.json"), *PROVISIONING.rglob("*.*")]:
        for url in re.findall(r"https?://[^\s\"']+", path.read_text(encoding="utf-8")):
            assert url.startswith("http://127.0.0.1"), f"{path}: {url}"
    for name, board in boards().items():
        for panel in board["panels"]:
            if panel["type"] == "geomap":
                assert panel["options"]["basemap"]["type"] == "geojson", f"{name}: a base map of tiles"


def test_provisioning_parses_and_names_one_another() -> None:
    files = {
        p.relative_to(PROVISIONING): yaml.safe_load(p.read_text(encoding="utf-8"))
        for p in PROVISIONING.rglob("*.yaml")
    }
    sources = files[Path("datasources/manyi.yaml")]["datasources"]
    assert {s["uid"] for s in sources} == SOURCES
    for source in sources:
        assert source["jsonData"]["dbName"] == source["database"] == source["uid"].replace("-", "_")
        assert source["secureJsonData"] == {"httpHeaderValue1": "Token $__file{/etc/grafana/manyi.token}"}
        assert source["jsonData"]["httpHeaderName1"] == "Authorization"
    (group,) = files[Path("alerting/rules.yaml")]["groups"]
    uids = [rule["uid"] for rule in group["rules"]]
    assert len(set(uids)) == len(uids)
    for rule in group["rules"]:
        assert {q["datasourceUid"] for q in rule["data"]} <= SOURCES | {"__expr__"}
        assert rule["condition"] in {q["refId"] for q in rule["data"]}
        assert len(rule["uid"]) <= 40
    notify = files[Path("alerting/notify.yaml")]
    points = {point["name"] for point in notify["contactPoints"]}
    (policy,) = notify["policies"]
    assert {policy["receiver"], *(route["receiver"] for route in policy["routes"])} <= points
    settings = (PROVISIONING / "grafana.env").read_text(encoding="utf-8")
    for name in re.findall(r"\$(\w+)", json.dumps(notify)):
        assert f"\n{name}=" in settings


def test_every_alarm_of_the_collector_has_one_rule_and_every_rule_a_page_in_the_runbook() -> None:
    kinds = [kind for rule in alerts.COLLECTOR for kind in rule.kinds]
    assert len(set(kinds)) == len(kinds)
    assert set(kinds) == set(TEXTS), "manyi-other is for a later collector's"
    assert alerts.WORDS.keys() == TEXTS.keys()
    page = (ROOT / "docs" / "RUNBOOK.md").read_text(encoding="utf-8")
    headings = set(re.findall(r"^## (\S+)", page, re.MULTILINE))
    assert {rule.uid for rule in alerts.DIRECT} <= headings
    assert set(kinds) <= headings


def test_the_playlist_plays_boards_that_exist() -> None:
    shown = json.loads((PROVISIONING / "playlist.json").read_text(encoding="utf-8"))["items"]
    assert {item["value"] for item in shown} <= {board["uid"] for board in boards().values()}


def test_the_page_tells_of_every_board_and_every_rule() -> None:
    page = (ROOT / "docs" / "GRAFANA.md").read_text(encoding="utf-8")
    for name, board in boards().items():
        assert f"`{board['uid'].removesuffix('-en')}`" in page, name
        for panel in board["panels"]:
            if name.startswith("zh/"):
                assert panel["title"] in page, f"{name}: {panel['title']}"
    for rule in (*alerts.COLLECTOR, *alerts.DIRECT):
        assert f"`{rule.uid}`" in page


def test_the_maps_counties_are_the_rosters() -> None:
    shapes = json.loads((ROOT / "dashboards" / "maps" / "counties.geojson").read_text(encoding="utf-8"))[
        "features"
    ]
    roster = {b["id"]: b for kind, b in check(CITY).facts if kind == "office" and b["tier"] == "county"}
    assert {shape["id"] for shape in shapes} == set(roster)
    for shape in shapes:
        assert shape["properties"]["id"] == shape["id"]
        assert shape["properties"]["name"] == roster[shape["id"]]["zh"]
        (ring,) = shape["geometry"]["coordinates"]
        assert ring[0] == ring[-1]
        assert len(ring) > 3
