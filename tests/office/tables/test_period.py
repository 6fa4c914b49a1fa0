"""Periods: whole days in Beijing, whatever the calendar does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from manyi.core.days import date_of
from manyi.office.tables.period import RANGE_MAX_DAYS, BadPeriod, Kind, Period, around, asked

TODAY = date(2026, 11, 21)
days = st.dates(date(2021, 1, 1), date(2098, 12, 31))
kinds = st.sampled_from([Kind.day, Kind.week, Kind.month, Kind.quarter])


@pytest.mark.parametrize(
    ("kind", "on", "first", "last"),
    [
        ("day", "2026-11-21", "2026-11-21", "2026-11-21"),
        ("week", "2026-11-21", "2026-11-16", "2026-11-22"),
        ("week", "2026-11-22", "2026-11-16", "2026-11-22"),
        ("week", "2027-01-01", "2026-12-28", "2027-01-03"),
        ("month", "2026-11-21", "2026-11-01", "2026-11-30"),
        ("month", "2028-02-29", "2028-02-01", "2028-02-29"),
        ("month", "2026-12-31", "2026-12-01", "2026-12-31"),
        ("quarter", "2026-11-21", "2026-10-01", "2026-12-31"),
        ("quarter", "2026-01-01", "2026-01-01", "2026-03-31"),
        ("quarter", "2026-09-30", "2026-07-01", "2026-09-30"),
    ],
)
def test_a_period_is_found_by_any_day_in_it(kind: str, on: str, first: str, last: str) -> None:
    found = asked({"period": kind, "on": on}, TODAY)
    assert (found.first.isoformat(), found.last.isoformat()) == (first, last)


def test_nothing_asked_for_is_today() -> None:
    assert asked({}, TODAY) == Period(Kind.day, TODAY, TODAY)
    assert asked({"period": "week"}, TODAY).last == date(2026, 11, 22)


@settings(deadline=None)
@given(kinds, days)
def test_periods_of_a_kind_follow_each_other_without_gap(kind: Kind, day: date) -> None:
    found = around(kind, day)
    assert found.first <= day <= found.last
    assert found.before.last + timedelta(days=1) == found.first
    assert found.after.first - timedelta(days=1) == found.last
    assert found.before.after == found
    assert found.before.end_ms == found.begin_ms
    assert asked(found.asked, TODAY) == found


@settings(deadline=None)
@given(days, st.integers(0, RANGE_MAX_DAYS - 1))
def test_a_span_moves_by_its_own_length(first: date, more: int) -> None:
    found = asked({"period": "span", "from": str(first), "to": str(first + timedelta(days=more))}, TODAY)
    assert len(found.days) == more + 1
    assert found.before.after == found
    assert asked(found.asked, TODAY) == found


@settings(deadline=None)
@given(days)
def test_a_day_is_24_hours_from_midnight_in_beijing(day: date) -> None:
    """No summer time; UTC's midnight is eight in the morning and changes nothing."""
    found = around(Kind.day, day)
    assert found.end_ms - found.begin_ms == 86_400_000
    begins = datetime.fromtimestamp(found.begin_ms / 1000, UTC)
    assert (begins.hour, begins.date()) == (16, day - timedelta(days=1))
    assert date_of(found.begin_ms) == day == date_of(found.end_ms - 1)
    assert date_of(found.begin_ms - 1) == day - timedelta(days=1)


@pytest.mark.parametrize(
    "query",
    [
        {"period": "year"},
        {"on": "2026-02-30"},
        {"on": "1999-01-01"},
        {"on": "9999-12-31"},
        {"period": "span"},
        {"period": "span", "from": "2026-11-21", "to": "2026-11-20"},
        {"period": "span", "from": "2026-11-21", "to": "'; DROP"},
    ],
)
def test_what_is_no_period_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(BadPeriod):
        asked(query, TODAY)


def test_a_span_of_more_than_a_year_is_refused_by_name() -> None:
    with pytest.raises(BadPeriod) as refused:
        asked({"period": "span", "from": "2025-01-01", "to": "2026-06-30"}, TODAY)
    assert refused.value.too_long
