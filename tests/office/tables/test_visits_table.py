"""Visits and unrated: against a count of the visits told, and windows without a queue system have no line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from manyi.core.ledger import facts, schema
from manyi.core.projector import Figures
from manyi.core.told.sources import Source
from manyi.core.visits.intake import Intake

from tests.collector.test_projector import config
from tests.office.people import People
from tests.office.tables.book import DAY, HOUR, MIDNIGHT, NOW, Seen
from tests.office.tables.conftest import rows_below, sheet

TUESDAY = MIDNIGHT - 4 * DAY
ON = "on=2026-11-17"


@pytest.fixture
def told(folder: Path, seen: list[Seen]) -> dict[str, tuple[int, int]]:
    """(visits, ratings) of the two windows whose queue systems spoke that Tuesday: one with four visitors who did not
    rate, one with a rating more than visitors."""
    ratings = {
        w: sum(s.window == w and TUESDAY <= s.time_ms < TUESDAY + DAY for s in seen) for w in ("w1", "w9")
    }
    visits = {"w1": ratings["w1"] + 4, "w9": ratings["w9"] - 1}
    items = [
        {"id": f"{window}-{n}", "window": window, "finished_ms": TUESDAY + 9 * HOUR + n * 1_000}
        for window, number in visits.items()
        for n in range(number)
    ]
    intake = Intake(folder)
    answer = intake.take(Source("queue_city", "0" * 64), json.dumps(items).encode(), NOW)
    intake.close()
    assert answer.as_dict()["taken"] == len(items), answer
    figures = Figures(config(folder), lambda: NOW)
    while figures.step():
        pass
    figures.close()
    return {window: (visits[window], ratings[window]) for window in visits}


def test_visits_are_what_was_told(ask: Callable[..., Any], told: dict[str, tuple[int, int]]) -> None:
    heads, rows = rows_below(sheet(ask(f"/tables/visits/file/?{ON}").content), "县区")
    assert heads[3:6] == ["办件", "已评", "未评"]
    by_window = {row[2]: row for row in rows}
    assert set(by_window) == {"-2+3", "乙一号", ""}, "w2 and w3 told nothing: no line, not a line of zeros"
    visits, ratings = told["w1"]
    assert by_window["-2+3"][3:6] == [visits, ratings, 4]
    assert by_window["-2+3"][6] == pytest.approx(ratings / visits)
    assert by_window["-2+3"][9:11] == [0, 1]
    visits, ratings = told["w9"]
    assert by_window["乙一号"][3:6] == [visits, visits, 0]
    assert by_window["乙一号"][9] == ratings - visits == 1
    assert rows[-1][3] == sum(v for v, _r in told.values())
    assert rows_below(sheet(ask("/tables/visits/file/?on=2026-11-16").content), "县区")[1] == []


def test_a_county_sees_its_own_visits(town: People, told: dict[str, tuple[int, int]]) -> None:
    with town.browser("county") as browser:
        _heads, rows = rows_below(sheet(browser.get(f"/tables/visits/file/?{ON}").content), "县区")
    assert [row[3] for row in rows] == [told["w1"][0]] * 2


def test_visits_by_business_type_bear_the_rosters_names(ask: Callable[..., Any], folder: Path) -> None:
    ledger = schema.open_for_writing(folder / "ledger.db")
    types = [
        ("business", {"code": 12, "zh": "社保登记", "en": "Registration", "unit": ""}),
        ("business", {"code": 13, "zh": "失业金", "en": "", "unit": ""}),
    ]
    facts.append_facts(ledger, NOW, types)
    ledger.close()
    said = [
        "社保登记",
        "Registration",
        13,
        77,
        None,
    ]  # names in both languages, codes known and unknown, not told
    items = [
        {
            "id": f"{n}",
            "window": "w1",
            "finished_ms": TUESDAY + n,
            **({} if biz is None else {"business": biz}),
        }
        for n, biz in enumerate(said)
    ]
    intake = Intake(folder)
    assert intake.take(Source("queue_city", "0" * 64), json.dumps(items).encode(), NOW).taken == len(said)
    intake.close()
    figures = Figures(config(folder), lambda: NOW)
    while figures.step():
        pass
    figures.close()
    heads, rows = rows_below(sheet(ask(f"/tables/business/file/?{ON}").content), "县区")
    assert heads[2:5] == ["业务类型", "代码", "办件"]
    assert [row[2:5] for row in rows[:-1]] == [
        ["社保登记", 12, 2], ["未报", "", 1], ["失业金", 13, 1], ["77", 77, 1],
    ]  # fmt: skip
    assert rows[0][5] == pytest.approx(2 / 5)
    assert rows[-1][4] == len(said)
