"""An inner zone, whose ledger is a copy that comes in files: it shows everything, and says where to do what it cannot."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from manyi.core.told.sources import digest_of

from tests.office.people import People, people
from tests.office.tables.test_known import REDS, red, said

TOKEN = "t" * 43


@pytest.fixture
def inside(accounts_template: Path, folder: Path) -> Iterator[People]:
    """The same city as a copy: its ledger follows another."""
    with closing(sqlite3.connect(folder / "ledger.db")) as conn, conn:
        conn.execute("INSERT INTO meta VALUES ('follows', 'a1b2c3d4e5f60718')")
    sources = folder / "sources.toml"
    sources.write_text(f'[queue_h1]\ntoken_sha256 = "{digest_of(TOKEN)}"\nhalls = ["h1-0"]\n')
    sources.chmod(0o600)
    with people(accounts_template, folder, None, inner=True, visits_file=sources) as found:  # type: ignore[arg-type]
        yield found


def test_a_copy_shows_no_button_and_says_where_to_mark(inside: People) -> None:
    with inside.browser("centre") as browser:
        page = browser.get(REDS).text
        assert "data-id=" not in page
        assert "known.js" not in page
        assert "请到采集区的网页上标记" in page
        assert "collecting zone" in browser.get(f"{REDS}&lang=en").text
        wall = browser.get("/").text
        assert 'data-elsewhere="1"' in wall
        assert "data-known=" not in wall
        assert "Mark in the collecting zone" in browser.get("/?lang=en").text
    with inside.browser("screen") as browser:
        assert "data-elsewhere" not in browser.get("/").text


def test_whoever_marks_all_the_same_is_told_kindly(inside: People, folder: Path) -> None:
    rating = red(folder, "h1-0")
    with inside.browser("centre") as browser:
        browser.cookies.set("manyi-csrf", "x" * 32, domain="127.0.0.1")
        for language, word in (("zh-hans", "采集区"), ("en", "collecting zone")):
            answer = browser.post(
                f"/known/?lang={language}",
                data={"id": rating},
                headers={"X-CSRFToken": "x" * 32},
            )
            assert answer.status_code == 409
            assert word in answer.json()["error"]
            assert str(folder) not in answer.text
    assert said(folder) == []


def test_a_queue_system_is_sent_to_the_collecting_zone(inside: People) -> None:
    visit = {"id": "A001", "window": "w1", "finished": "2026-11-21T10:00:00+08:00"}
    with inside.browser() as machine:
        answer = machine.post(
            "/api/visits",
            content=json.dumps({"visits": [visit]}),
            headers={"Authorization": f"Bearer {TOKEN}"},
        )
    assert answer.status_code == 409, answer.text
    assert "Retry-After" not in answer.headers, "sending it again helps nobody"
    assert "采集区" in answer.json()["error"]
    assert "collecting zone" in answer.json()["error"]
