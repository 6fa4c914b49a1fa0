"""The office over the real stores: a ledger, its projections, and what becomes of them under its feet."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from manyi.core import stores
from manyi.core.projector import Figures
from manyi.core.roster.rows import fact_rows
from manyi.core.wall.own import CLOSED_AFTER_MS
from manyi.office import OfficeSettings
from manyi.office.errors import HallUnknown, SourceDown
from manyi.office.stores import Stores

from tests.collector.paper_ledger import MINUTE, NOON, TOWN, PaperLedger, on_duty, placed
from tests.collector.test_projector import config
from tests.office.conftest import Office
from tests.office.test_events import picture, stream, total

LATER = NOON + 10 * MINUTE + CLOSED_AFTER_MS


class Collector:
    """A ledger written by hand and the real projections after it, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ledger = PaperLedger(folder)
        self.ledger.fact(*TOWN)
        self.ledger.fact(placed("b1", "w1"), on_duty("w1", "s1", 0))
        self.now_ms = LATER
        self.figures = Figures(config(folder), lambda: self.now_ms)
        self._up_ms = 0

    def close(self) -> None:
        self.figures.close()
        self.ledger.close()

    def visits(self, *levels: int) -> None:
        if not self._up_ms:
            self.ledger.clock("b1", 0, NOON, NOON)
        for level in levels:
            self._up_ms += MINUTE
            self.ledger.press("b1", self._up_ms, level, NOON + self._up_ms)
        self.follow()

    def follow(self) -> None:
        while self.figures.step():
            pass


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    made = Collector(tmp_path)
    yield made
    made.close()


def test_the_wall_is_the_cores_snapshot(collector: Collector) -> None:
    collector.visits(1, 1, 3)
    source = Stores(collector.folder)
    wall = source.wall(LATER)
    assert (wall["total"]["n"], wall["total"]["level"]) == (3, [2, 0, 1])
    assert wall["projected_ms"] == LATER
    assert [entry["staff"] for entry in wall["latest"]] == ["s1"] * 3
    assert set(wall) >= {"now_ms", "day", "city", "counties", "boxes", "account", "alarms"}


def test_places_of_the_roster_and_the_newest_of_each(collector: Collector) -> None:
    collector.visits(1, 3)
    found = Stores(collector.folder)
    places = found.roster()
    assert {tier: [each[0] for each in own] for tier, own in places.items()} == {
        "county": ["c1", "c2"],
        "hall": ["h1", "h2"],
        "staff": ["ann", "bob", "cat"],
    }
    county = next(zh for unit, zh, _en in places["county"] if unit == "c1")
    assert next(zh for unit, zh, _en in places["hall"] if unit == "h1").startswith(county)
    assert [row["level"] for row in found.newest("county", "c1")] == [3, 1]
    assert found.newest("hall", "h1") == found.newest("county", "c1")
    assert found.newest("county", "c2") == []


def test_a_commit_changes_the_version_and_reading_does_not(collector: Collector) -> None:
    source = Stores(collector.folder)
    before = source.version()
    source.wall(LATER)
    assert source.version() == before
    collector.visits(1)
    assert source.version() != before


def test_where_boxes_stand_is_read_again_only_when_the_roster_changes(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[int] = []
    monkeypatch.setattr(
        "manyi.core.roster.rows.fact_rows", lambda *args, **more: reads.append(1) or fact_rows(*args, **more)
    )
    collector.visits(1)
    source = Stores(collector.folder)
    before = source.places(LATER)
    collector.visits(1, 2)
    assert source.places(LATER) == before != {}
    assert reads == [1]
    collector.ledger.fact(placed("b2", "w1"))
    assert source.places(LATER) == before | {"b2": before["b1"]}
    assert reads == [1, 1]


def test_a_hall_shows_batches_of_five_and_no_person(collector: Collector) -> None:
    collector.follow()
    source = Stores(collector.folder)
    hall = source.wall(LATER)["counties"][0]["halls"][0]["id"]
    collector.visits(1, 1, 1, 3)
    collector.now_ms = LATER
    collector.follow()
    assert source.hall(hall, LATER)["released"] == {"n": 0, "level": [0, 0, 0]}
    collector.visits(2)
    assert source.hall(hall, LATER)["released"] == {"n": 5, "level": [3, 1, 1]}
    told = json.dumps(source.hall(hall, LATER))
    assert "s1" not in told
    assert "w1" not in told
    with pytest.raises(HallUnknown):
        source.hall("nowhere", LATER)
    with pytest.raises(HallUnknown):
        source.hall("w1", LATER)


def test_the_account_is_the_ledgers_with_what_is_shown(collector: Collector) -> None:
    collector.visits(1, 2, 3)
    account = Stores(collector.folder).account(LATER)
    assert account["shown"] == 3
    assert [line["box"] for line in account["boxes"]] == ["b1"]
    assert {"pressed", "stored", "waiting", "lost", "unknown", "forked", "undated", "ok"} <= set(account)


def test_stores_that_are_not_there_yet_may_come_later(tmp_path: Path) -> None:
    source = Stores(tmp_path)
    with pytest.raises(SourceDown, match=r"wall\.db: no such file"):
        source.version()
    with pytest.raises(SourceDown, match=r"no ledger at ledger\.db"):
        source.ledger()
    collector = Collector(tmp_path)
    collector.visits(1)
    source.ledger()
    assert source.wall(LATER)["total"]["n"] == 1
    collector.close()


def test_a_wall_that_was_replaced_is_read_anew(collector: Collector, tmp_path: Path) -> None:
    collector.visits(1, 1)
    source = Stores(collector.folder)
    before = source.version()
    assert source.wall(LATER)["total"]["n"] == 2
    other = tmp_path / "other"
    other.mkdir()
    second = Collector(other)
    second.visits(3)
    second.close()
    (other / "wall.db").replace(collector.folder / "wall.db")
    assert source.version() != before


def test_a_file_of_rubbish_is_named_and_recovered_from(tmp_path: Path) -> None:
    source = Stores(tmp_path)
    (tmp_path / "wall.db").write_bytes(b"rubbish" * 1000)
    with pytest.raises(SourceDown, match=r"wall\.db: file is not a database"):
        source.wall(LATER)
    (tmp_path / "wall.db").unlink()
    collector = Collector(tmp_path)
    collector.visits(2)
    assert source.wall(LATER)["total"]["n"] == 1
    collector.close()


def test_a_commit_reaches_an_open_screen(collector: Collector) -> None:
    collector.now_ms = int(time.time() * 1000)
    collector.figures.wall.tell(projected_ms=collector.now_ms)
    office = Office(OfficeSettings(collector.folder, port=0, login=False))
    office.start()
    try:
        with stream(f"{office.url}/events") as events:
            picture(events)
            collector.ledger.clock("b1", 0, collector.now_ms, collector.now_ms)
            collector.ledger.press("b1", 10, 3, collector.now_ms)
            collector.follow()
            newest = picture(events, lambda data: bool(data["latest"]))["latest"][0]
            assert (newest["level"], newest["staff"], newest["box"]) == (3, "s1", "b1")
        assert httpx.get(f"{office.url}/healthz", trust_env=False, timeout=60).json() == {
            "ok": True,
            "reasons": [],
        }
        assert httpx.get(f"{office.url}/api/account", trust_env=False, timeout=60).json()["shown"] == 1
        assert "manyi_inbox" in httpx.get(f"{office.url}/metrics", trust_env=False, timeout=60).text
    finally:
        office.stop()


def test_the_wall_of_an_empty_city_is_complete(collector: Collector) -> None:
    stores.open_reader(collector.folder / "wall.db").close()
    collector.follow()
    wall = Stores(collector.folder).wall(LATER)
    assert total(0)(wall)
    assert wall["latest"] == []
