"""Days of the Chinese calendar: swapped weekends, holidays, years the library does not know, and what is like what."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from manyi.core import workdays
from manyi.core.days import date_of, day_begin, midnight_ms

NEWEST = max(workdays._years())


@pytest.mark.parametrize(
    ("day", "works", "weekday"),
    [
        ("2026-11-18", True, 3),  # an ordinary Wednesday
        ("2026-11-21", False, 6),
        ("2026-09-20", True, 2),  # a Sunday worked for Tuesday 6 October
        ("2026-10-10", True, 3),  # a Saturday worked for Wednesday 7 October
        ("2026-10-01", False, 4),
        ("2026-10-06", False, 2),  # a Tuesday off in lieu
        ("2026-02-14", True, 5),  # a Saturday worked for Friday 20 February
    ],
)
def test_day_counts_as_the_weekday_it_is_worked_for(day: str, works: bool, weekday: int) -> None:
    assert workdays.kind(date.fromisoformat(day)) == (works, weekday)


def test_like_days_skip_holidays_and_take_the_sunday_that_was_worked_for_a_tuesday() -> None:
    like = workdays.like(date(2026, 10, 13))
    assert [day.isoformat() for day in like] == ["2026-09-29", "2026-09-22", "2026-09-20", "2026-09-15"]


def test_worked_saturday_is_compared_with_the_weekdays_it_stands_for() -> None:
    like = workdays.like(date(2026, 10, 10))
    assert [day.isoformat() for day in like] == ["2026-09-30", "2026-09-23", "2026-09-16", "2026-09-09"]


def test_resting_day_is_compared_with_resting_days() -> None:
    like = workdays.like(date(2026, 11, 22))
    assert [day.isoformat() for day in like] == ["2026-11-15", "2026-11-08", "2026-11-01", "2026-10-25"]


def test_holiday_tells_nothing_about_its_weekday_but_a_weekend_does() -> None:
    assert workdays.counts_as(date(2026, 10, 1)) is None
    assert workdays.counts_as(date(2026, 11, 21)) == 6
    assert workdays.counts_as(date(2026, 9, 20)) == 2


def test_year_without_a_notice_is_monday_to_friday_and_says_so() -> None:
    year = NEWEST + 1
    assert not workdays.is_known(year)
    assert workdays.is_known(NEWEST)
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]
    assert all(workdays.kind(d) == (d.isoweekday() < 6, d.isoweekday()) for d in days)
    assert len(workdays.like(date(year, 1, 6))) == 4, "across the end of what is known"


@given(st.dates(date(2019, 1, 1), date(NEWEST + 2, 12, 31)))
def test_any_day_has_four_like_it_unless_it_is_a_holiday_and_they_are_of_its_kind(day: date) -> None:
    like = workdays.like(day)
    kind = workdays.kind(day)
    assert all(workdays.kind(d) == kind and d < day for d in like)
    assert list(like) == sorted(set(like), reverse=True)
    if workdays.counts_as(day) is not None and workdays.counts_as(day) < 6:  # type: ignore[operator]
        assert len(like) == 4


@given(st.dates(date(2019, 1, 1), date(2040, 12, 31)))
def test_day_begins_where_the_rollups_day_begins(day: date) -> None:
    begin_ms = midnight_ms(day)
    assert day_begin(begin_ms) == begin_ms == day_begin(begin_ms + 86_399_999)
    assert date_of(begin_ms) == date_of(begin_ms + 86_399_999) == day
