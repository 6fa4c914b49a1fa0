"""A forked box over HTTP: the centre takes note of it, and nobody who may be the one that cloned it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from manyi.core import stores
from manyi.core.alarms.kinds import alarm
from manyi.core.ledger import schema

from tests.office.browser import Chromium
from tests.office.people import People, form, session
from tests.office.tables.book import NOW
from tests.office.tables.test_known import REDS, said
from tests.office.tables.test_scope import events


@pytest.fixture
def alarmed(clones: Path) -> Path:
    """The wall shows the alarm of b1, as its projector would."""
    with closing(sqlite3.connect(clones / "wall.db")) as wall, wall:
        health = json.loads(stores.get(wall, "health", "{}"))
        health["alarms"] = [alarm("fork", NOW, "b1", county="c1", name="一号窗口", name_en="Window 1")]
        wall.execute("UPDATE meta SET value = ? WHERE key = 'health'", (json.dumps(health),))
    return clones


def test_a_click_on_the_walls_alarm_is_a_row_of_the_ledger(
    alarmed: Path, town: People, chromium: str, tmp_path: Path
) -> None:
    button = "document.querySelector('#alarms .mark-known')"
    with Chromium(chromium, tmp_path / "profile") as screen:
        screen.call(
            "Network.setCookie", name="manyi", value=session(town.user("centre")), url=town.office.url
        )
        screen.open(f"{town.office.url}/")
        screen.until(f"{button} !== null")
        screen.value(f"{button}.click()")
        screen.until(f"{button}?.textContent === '…'")
        assert screen.said == []
    assert [(fact["box"], fact["by"]) for fact in said(alarmed)] == [("b1", "Centre")]


@pytest.fixture
def clones(folder: Path) -> Path:
    """b1 (county c1, hall h1-0) and b9 (c2) have told two stories."""
    conn = schema.open_for_writing(folder / "ledger.db")
    columns = [row[1] for row in conn.execute("PRAGMA table_info(head)")]
    for box in ("b1", "b9"):
        main = dict(
            zip(columns, conn.execute("SELECT * FROM head WHERE box = ?", (box,)).fetchone(), strict=True)
        )
        side = {
            **main,
            "id": None,
            "branch": 1,
            "start": main["seq"],
            "stored_s": 0,
            "stored_b": 0,
            "stored_d": 0,
        }
        conn.execute(f"INSERT INTO head VALUES ({','.join('?' * len(columns))})", list(side.values()))
    conn.close()
    return folder


def mark(browser: httpx.Client, box: str) -> httpx.Response:
    token = form(browser.get(REDS))
    return browser.post("/known/", data={"fork": box, "csrfmiddlewaretoken": token})


@pytest.mark.parametrize(
    ("role", "box", "status"),
    [
        ("centre", "b1", 200),
        ("centre", "b9", 200),
        ("county", "b1", 403),
        ("hall_leader", "b1", 403),
        ("centre", "b2", 409),
        ("centre", "no-such-box", 409),
        ("county", "no-such-box", 403),
    ],
)
def test_the_centre_alone_ends_the_alarm_of_a_clone(
    town: People, clones: Path, role: str, box: str, status: int
) -> None:
    """Whoever opened the box sits in its hall, and pay hangs on its figures in hall and county."""
    with town.browser(role) as browser:
        answer = mark(browser, box)
    assert answer.status_code == status, answer.text
    if status == 200:
        (fact,) = said(clones)
        assert (fact["box"], fact["by"], fact["account"], fact["role"]) == (box, role.title(), role, role)
        assert events("known") == [(role, f"fork {box}")]
    else:
        assert said(clones) == []
        assert events("refused") == ([(role, f"fork {box}")] if status == 403 else [])


def test_without_the_pages_token_nothing_is_marked(town: People, clones: Path) -> None:
    with town.browser("centre") as browser:
        browser.get(REDS)
        assert browser.post("/known/", data={"fork": "b1"}).status_code == 403
    assert said(clones) == []


def test_the_second_is_told_so_in_his_language(town: People, clones: Path) -> None:
    with town.browser("centre") as browser:
        assert mark(browser, "b1").status_code == 200
        assert "没有待知悉的分支" in mark(browser, "b1").json()["error"]
        token = form(browser.get(REDS))
        answer = browser.post("/known/?lang=en", data={"fork": "b1", "csrfmiddlewaretoken": token})
    assert "nothing to do" in answer.json()["error"]
    assert "没有" not in json.dumps(answer.json(), ensure_ascii=False)
