"""已知悉 over HTTP: who may say it of which rating, that it needs the page's token, and where it appears."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from manyi.core import stores
from manyi.core.ledger import schema
from manyi.core.projector import Figures
from manyi.core.wall.view import snapshot

from tests.collector.test_projector import config
from tests.office.people import People, form
from tests.office.tables.book import NOW
from tests.office.tables.test_scope import events

REDS = "/tables/reds/?period=month&on=2026-11-21"


def red(folder: Path, hall: str, level: int = 3) -> str:
    """The newest rating of that hall and level."""
    conn = stores.open_reader(folder / "ratings.db")
    query = "SELECT box, life, seq FROM rating WHERE hall = ? AND level = ? ORDER BY time_ms DESC LIMIT 1"
    box, life, seq = conn.execute(query, (hall, level)).fetchone()
    conn.close()
    return f"{box}/{life}/{seq}"


def said(folder: Path) -> list[dict[str, Any]]:
    conn = schema.open_for_reading(folder / "ledger.db")
    rows = conn.execute("SELECT body FROM row WHERE kind = 'known' ORDER BY id").fetchall()
    conn.close()
    return [json.loads(body) for (body,) in rows]


def mark(browser: httpx.Client, rating: str) -> httpx.Response:
    """As the page does it: with its token, from its own address."""
    token = form(browser.get(REDS))
    return browser.post(
        "/known/",
        data={"id": rating, "csrfmiddlewaretoken": token},
        headers={"Referer": str(browser.base_url)},
    )


@pytest.mark.parametrize(
    ("role", "hall", "status"),
    [
        ("centre", "h2-0", 200),
        ("centre", "", 200),
        ("county", "h1-0", 200),
        ("county", "h1-1", 200),
        ("county", "h2-0", 403),
        ("county", "", 403),
        ("hall_leader", "h1-0", 200),
        ("hall_leader", "h1-1", 403),
        ("hall_leader", "h2-0", 403),
    ],
)
def test_who_may_mark_which(town: People, folder: Path, role: str, hall: str, status: int) -> None:
    rating = red(folder, hall)
    with town.browser(role) as browser:
        answer = mark(browser, rating)
    assert answer.status_code == status, answer.text
    if status == 200:
        (fact,) = said(folder)
        assert f"{fact['box']}/{fact['life']}/{fact['seq']}" == rating
        assert (fact["by"], fact["role"]) == (role.title(), role)
        assert events("known") == [(role, rating)]
    else:
        assert said(folder) == []
        assert events("refused") == [(role, rating)]


@pytest.mark.parametrize("role", ["staff", "technician", "auditor", "screen", "administrator", "security"])
def test_other_roles_are_refused(town: People, folder: Path, role: str) -> None:
    with town.browser(role) as browser:
        page = browser.get("/me/" if role != "screen" else "/")
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
        data = {"id": red(folder, "h1-0"), "csrfmiddlewaretoken": token[1] if token else ""}
        assert browser.post("/known/", data=data).status_code == 403
    assert said(folder) == []


def test_without_the_pages_token_nothing_is_marked(town: People, folder: Path) -> None:
    rating = red(folder, "h1-0")
    with town.browser("centre") as browser:
        browser.get(REDS)
        assert browser.post("/known/", data={"id": rating}).status_code == 403
        assert (
            browser.post("/known/", data={"id": rating, "csrfmiddlewaretoken": "x" * 64}).status_code == 403
        )
        assert browser.get("/known/", params={"id": rating}).status_code == 405
    with town.browser() as visitor:
        assert visitor.post("/known/", data={"id": rating}).status_code in (401, 403)
    assert said(folder) == []


def test_the_first_word_stands_and_says_whose_it_is(town: People, folder: Path) -> None:
    rating = red(folder, "h1-0")
    with town.browser("hall_leader") as first, town.browser("centre") as second:
        assert mark(first, rating).status_code == 200
        answer = mark(second, rating)
    assert answer.status_code == 409
    assert "Hall_Leader" in answer.json()["error"]
    assert len(said(folder)) == 1


def test_the_ledger_names_the_account_whatever_it_is_called(town: People, folder: Path) -> None:
    """An administrator can give two accounts one name; who marked what must not hang on it."""
    from manyi.office.access.models import User  # noqa: PLC0415  needs configure()

    User.objects.filter(username="hall_leader").update(display_name="Centre")
    with town.browser("hall_leader") as browser:
        assert mark(browser, red(folder, "h1-0")).status_code == 200
    (fact,) = said(folder)
    assert (fact["by"], fact["account"], fact["role"]) == ("Centre", "hall_leader", "hall_leader")


@pytest.mark.parametrize(
    "rating",
    [
        "",
        "b1",
        "b1/00/1",
        "../../etc/passwd/1",
        "b1/0011223344556677/9999999",
        "a/b/٣",
        "/" * 300,
        "b1/0011223344556677/" + "9" * 40,
    ],
)
def test_what_is_no_rating_is_not_found(town: People, folder: Path, rating: str) -> None:
    with town.browser("centre") as browser:
        assert mark(browser, rating).status_code == 404
    assert said(folder) == []


def test_only_dissatisfied_ratings_are_marked(town: People, folder: Path) -> None:
    with town.browser("centre") as browser:
        assert mark(browser, red(folder, "h1-0", level=1)).status_code == 404
    assert said(folder) == []


def test_it_appears_on_the_wall_and_in_the_table_with_name_and_time(town: People, folder: Path) -> None:
    rating = red(folder, "h1-0")
    with town.browser("hall_leader") as browser:
        before = browser.get(REDS).text
        assert f'data-id="{rating}"' in before
        assert mark(browser, rating).status_code == 200
        figures = Figures(config(folder), lambda: NOW)
        while figures.step():
            pass
        figures.close()
        after = browser.get(REDS).text
        assert f'data-id="{rating}"' not in after
        assert after.count('class="plain known"') == before.count('class="plain known"') - 1
        assert "Hall_Leader" in after
        assert "大厅负责人" in after
    conn = stores.open_reader(folder / "wall.db")
    shown = {entry["id"]: entry for entry in snapshot(conn, NOW)["latest"]}
    conn.close()
    assert (shown[rating]["known_by"], shown[rating]["known_role"]) == ("Hall_Leader", "hall_leader")
    assert shown[rating]["known_ms"] > NOW


def test_roles_that_may_not_see_no_button(town: People) -> None:
    with town.browser("centre") as browser:
        assert "data-known=" in browser.get("/").text
    with town.browser("screen") as browser:
        assert "data-known=" not in browser.get("/").text


def test_without_accounts_there_is_neither_address_nor_button(ask: Any) -> None:
    assert ask("/known/", "post").status_code == 404
    assert "plain known" not in ask(REDS).content.decode()
    assert "data-known=" not in ask("/").content.decode()
