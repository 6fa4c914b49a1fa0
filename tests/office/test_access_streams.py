"""What streams and figures show to whom, and when a stream ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from manyi.office.access.narrow import Around, lens, narrow
from manyi.office.access.scope import EVERYBODY, Role, Scope

from tests.office.city import City
from tests.office.people import HTTP, PATIENCE_S, People, people, post

OFTEN = replace(HTTP, recheck_ms=200)
COUNTY = Scope(Role.county, county="c1")
LEADER = Scope(Role.hall_leader, hall="h1-0")
SCREEN = Scope(Role.screen)


@pytest.fixture
def brisk(accounts_template: Path, tmp_path: Path, city: City) -> Iterator[People]:
    """An office that looks at its streams' rights five times a second."""
    with people(accounts_template, tmp_path / "data", city, access=OFTEN) as found:
        yield found


@contextmanager
def stream(client: httpx.Client) -> Iterator[Iterator[tuple[str, Any]]]:
    with client.stream("GET", "/events") as answer:
        assert answer.status_code == 200
        yield _events(answer)


def _events(answer: httpx.Response) -> Iterator[tuple[str, Any]]:
    name = ""
    for line in answer.iter_lines():
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            yield name, json.loads(line[6:])


def around(city: City) -> Around:
    return Around(city.places(0), city.account(0)["boxes"])


def seen(city: City, scope: Scope) -> dict[str, Any]:
    return narrow(city.wall(0), scope, around(city))


def busy() -> City:
    """Three counties, with alarms, silent boxes and something new that nobody has thought of."""
    city = City()
    city.silent = [f"h{c}-{h}-b{b}" for c in range(3) for h in range(3) for b in (1, 4)]
    city.alarms = [
        *(
            {"kind": "stuck", "box": f"h{c}-0-b1", "text_zh": f"h{c}-0-b1", "text_en": "", "time_ms": 1}
            for c in range(3)
        ),
        {"kind": "outage", "box": "", "county": "c2", "text_zh": "c2", "text_en": "", "time_ms": 1},
        {"kind": "behind", "box": "", "text_zh": "落后", "text_en": "", "time_ms": 1},
    ]
    for _ in range(60):
        city.press()
    return city


@pytest.mark.parametrize("scope", [COUNTY, Scope(Role.screen, county="c1")])
def test_nothing_of_another_county_remains(scope: Scope) -> None:
    city = busy()
    told = json.dumps(seen(city, scope), ensure_ascii=False)
    for foreign in ("c0", "c2", "h0-", "h2-", city.units[0]["name"], city.units[2]["name"], "落后"):
        assert foreign not in told, foreign
    assert "h1-0" in told


def test_nothing_of_another_hall_remains() -> None:
    told = json.dumps(seen(busy(), LEADER), ensure_ascii=False)
    for foreign in ("c0", "c2", "h0-", "h2-", "h1-1", "h1-2"):
        assert foreign not in told, foreign


def test_an_unknown_part_of_the_snapshot_is_the_citys() -> None:
    city = busy()
    snapshot = city.wall(0) | {"new_part": {"everything": "secret"}}
    assert "secret" not in json.dumps(narrow(snapshot, COUNTY, around(city)))
    assert "secret" in json.dumps(narrow(snapshot, EVERYBODY, around(city)))


def test_a_countys_figures_are_its_own_and_add_up() -> None:
    city = busy()
    found = seen(city, COUNTY)
    whole = city.wall(0)
    assert found["total"]["level"] == whole["counties"][1]["level"]
    assert set(found["total"]) == set(whole["total"])
    assert found["boxes"] == {
        "online": 6,
        "known": 12,
        "silent": [f"h1-{h}-b{b}" for h in range(3) for b in (1, 4)],
    }
    account = found["account"]
    assert account["stored"] == sum(hall["presses"] for hall in city.units[1]["halls"])
    assert account["pressed"] == account["stored"] + account["waiting"] + account["lost"]
    assert [alarm["box"] for alarm in found["alarms"]] == ["h1-0-b1"]


def test_a_halls_figures_are_its_own() -> None:
    city = busy()
    found = seen(city, LEADER)
    hall = city.units[1]["halls"][0]
    assert found["total"]["level"] == hall["level"]
    assert [each["id"] for county in found["counties"] for each in county["halls"]] == ["h1-0"]
    assert found["counties"][0]["n"] == hall["n"]


def test_a_place_that_does_not_exist_sees_zero_not_everything() -> None:
    found = seen(busy(), Scope(Role.county, county="nowhere"))
    assert (found["total"]["n"], found["counties"], found["latest"]) == (0, [], [])


def test_an_unattended_wall_names_nobody() -> None:
    city = busy()
    told = json.dumps(seen(city, SCREEN), ensure_ascii=False)
    assert not [row["staff_name"] for row in city.latest if row["staff_name"] and row["staff_name"] in told]
    assert seen(city, SCREEN)["total"] == city.wall(0)["total"]


def test_two_clerks_of_one_place_are_one_picture() -> None:
    assert lens(Scope(Role.county, "c1", staff="a")) == lens(Scope(Role.county, "c1", staff="b"))


def test_the_json_and_the_stream_are_cut_down(town: People) -> None:
    with town.browser("county") as client:
        wall, account = client.get("/api/wall").json(), client.get("/api/account").json()
        assert [county["id"] for county in wall["counties"]] == ["c1"]
        assert {line["box"][:3] for line in account["boxes"]} == {"h1-"}
        with stream(client) as events:
            first = next(data for name, data in events if name == "wall")
            assert [county["id"] for county in first["counties"]] == ["c1"]
            town.city.press()
            while True:
                name, data = next(events)
                if name == "wall":
                    assert {row["county"] for row in data["latest"]} <= {"c1"}
                    break
                town.city.press()


def test_a_quiet_county_sees_its_own_newest_however_busy_the_others_are(town: People) -> None:
    city = town.city
    city.listed = [row for row in city.listed if row["county"] != "c1"]
    mine = [{**city.listed[0], "id": f"mine{at}", "county": "c1", "hall": f"h1-{at}"} for at in range(3)]
    city.listed += mine
    while len(city.listed) < 60:
        city.listed.insert(0, {**city.listed[0], "id": f"other{len(city.listed)}"})
    for role, ids in (("county", ["mine0", "mine1", "mine2"]), ("hall_leader", ["mine0"])):
        with town.browser(role) as client:
            assert [row["id"] for row in client.get("/api/wall").json()["latest"]] == ids
            with stream(client) as events:
                first = next(data for name, data in events if name == "wall")
                assert [row["id"] for row in first["latest"]] == ids


def test_counties_centre_and_hall_watch_at_the_same_time(town: People) -> None:
    with (
        town.browser("centre") as one,
        town.browser("county") as two,
        town.browser("hall_leader") as three,
        stream(one) as centre,
        stream(two) as county,
        stream(three) as hall,
    ):
        shown = [next(data for name, data in each if name == "wall") for each in (centre, county, hall)]
    assert [len(each["counties"]) for each in shown] == [3, 1, 1]
    assert shown[2]["total"]["n"] < shown[1]["total"]["n"] < shown[0]["total"]["n"]


def _disable(town: People, client: httpx.Client) -> None:
    user = town.user("county")
    user.is_active = False
    user.save()


def _move(town: People, client: httpx.Client) -> None:
    user = town.user("county")
    user.county = "c2"
    user.save()


def _demote(town: People, client: httpx.Client) -> None:
    user = town.user("county")
    user.role = "staff"
    user.save()


def _log_out(town: People, client: httpx.Client) -> None:
    with httpx.Client(
        base_url=town.office.url, cookies=client.cookies, trust_env=False, timeout=PATIENCE_S
    ) as other:
        assert post(other, "/logout/", "/me/").status_code == 302


def _take_factor(town: People, client: httpx.Client) -> None:
    from manyi.office.access.officers import reset_factor  # noqa: PLC0415

    reset_factor(town.user("county"))


@pytest.mark.parametrize("change", [_disable, _move, _demote, _log_out, _take_factor])
def test_a_stream_ends_when_its_right_does(brisk: People, change: Any) -> None:
    with brisk.browser("county") as client, stream(client) as events:
        next(events)
        change(brisk, client)
        for _ in events:
            pass  # the server ends it; a stream that goes on for ever fails by httpx's own patience
    with brisk.browser() as client:
        assert client.get("/events").status_code == 401


def test_an_account_has_so_many_streams_and_no_more(town: People, monkeypatch: pytest.MonkeyPatch) -> None:
    from manyi.office import hub  # noqa: PLC0415

    monkeypatch.setattr(hub, "OWN_STREAMS", 1)
    with town.browser("county") as client, town.browser("centre") as other, stream(client) as events:
        next(events)
        assert client.get("/events").status_code == 503
        with stream(other) as others:
            next(others)


def test_a_stream_goes_on_while_its_right_does(brisk: People) -> None:
    with brisk.browser("county") as client, stream(client) as events:
        beats = 0
        for name, _ in events:
            beats += name == "beat"
            if beats == 3:
                break
        assert beats == 3


def test_the_public_port_knows_the_halls_screens_alone(
    accounts_template: Path, tmp_path: Path, city: City
) -> None:
    from manyi.office.runtime import current  # noqa: PLC0415

    with people(accounts_template, tmp_path / "data", city, public_port=0) as town:
        door = f"http://127.0.0.1:{current().public_port}"
        with httpx.Client(base_url=door, trust_env=False, timeout=PATIENCE_S) as client:
            assert client.get("/hall/h0-0/").status_code == 200
            assert client.get("/api/hall/h0-0").status_code == 200
            assert client.get("/static/office/hall.js").status_code == 200
            assert client.get("/lang/en/?next=/hall/h0-0/").status_code == 302
            for path in ("/", "/login/", "/api/wall", "/events", "/metrics", "/healthz", "/me/", "/start/"):
                assert client.get(path).status_code == 404, path
            client.cookies.set("manyi", town.browser("centre").cookies["manyi"])
            assert client.get("/api/wall").status_code == 404
