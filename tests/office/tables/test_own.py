"""A clerk's own page over HTTP: released batches of the account's own person, and nothing that tells a visit."""

from __future__ import annotations

import re

import pytest
from manyi.core.wall.own import LARGE, may_be_released

from tests.office.people import People
from tests.office.tables.book import MIDNIGHT, Seen
from tests.office.tables.conftest import rows_below, sheet
from tests.office.tables.test_scope import events, told

OWN = ("/me/ratings/", "/me/ratings/file/")


def released(seen: list[Seen], staff: str) -> tuple[int, int]:
    """(ratings, red) of the one batch that the first release of these stores has made: everything before today."""
    before = [s for s in seen if s.staff == staff and s.time_ms < MIDNIGHT]
    return len(before), sum(s.keys[-1] == 3 for s in before)


def test_the_page_and_the_file_hold_the_sum_of_what_was_released(town: People, seen: list[Seen]) -> None:
    n, red = released(seen, "s1")
    assert may_be_released(n, red)
    assert n > LARGE
    with town.browser("staff") as browser:
        page = browser.get(OWN[0]).text
        _heads, rows = rows_below(sheet(browser.get(OWN[1]).content), "发布月份")
    assert (rows[-1][1], rows[-1][2], rows[-1][5]) == (1, n, red)
    assert f">{n}<" in page
    today = sum(s.staff == "s1" and s.time_ms >= MIDNIGHT for s in seen)
    assert today > 0, "what today brought is not in it"


def test_neither_tells_a_time_a_day_a_window_or_a_box(town: People, seen: list[Seen]) -> None:
    with town.browser("staff") as browser:
        for path in OWN:
            text = told(browser.get(path))
            assert "-2+3" not in text
            assert not re.search(r"\bb1\b", text)
            for s in seen:
                assert s.at.strftime("%H:%M:%S") not in text or s.at.minute == 0
            assert "2026-11-18" not in text


def test_a_clerk_opens_no_table_and_nobody_elses_page(town: People) -> None:
    with town.browser("staff") as browser:
        assert not re.search(r"\bs2\b", told(browser.get("/me/ratings/?staff=s2")))
        for path in ("/", "/api/wall", "/events", "/tables/staff/", "/tables/windows/"):
            assert browser.get(path).status_code in (302, 403)


@pytest.mark.parametrize("role", ["centre", "county", "hall_leader", "technician", "auditor"])
def test_the_page_is_for_clerks_alone(town: People, role: str) -> None:
    with town.browser(role) as browser:
        assert [browser.get(path).status_code for path in OWN] == [403, 403]


def test_an_account_without_a_person_is_told_so(town: People) -> None:
    user = town.user("staff")
    user.staff = ""
    user.save()
    with town.browser("staff") as browser:
        answer = browser.get(OWN[0])
    assert answer.status_code == 403
    assert "尚未对应到工作人员" in answer.text


def test_taking_it_away_is_logged(town: People) -> None:
    with town.browser("staff") as browser:
        browser.get(OWN[0])
        browser.get(OWN[1])
    assert events("export") == [("staff", "own")]
