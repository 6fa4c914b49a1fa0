"""Visits and unrated: against a count of the visits told, and windows without a queue system have no line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
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
