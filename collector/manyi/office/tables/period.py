"""The period that a table is about: whole days in Beijing. Pure; refuses a period that ends before it begins.

Day, week (Monday to Sunday), month, quarter, or from–to. The first four are found by any day in them, so that earlier and
later are one link. China has had no summer time since 1991: a day is 24 hours, and begins at 16:00 UTC of the day before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from manyi.core.days import midnight_ms

ONE = timedelta(days=1)
RANGE_MAX_DAYS = 366  # a year: what a table of one row a day can still be read as
# No box of this kind is older; arithmetic stays in range.
EARLIEST, LATEST = date(2020, 1, 1), date(2099, 12, 31)


class Kind(StrEnum):
    """Its value is what the address says."""

    day = "day"
    week = "week"
    month = "month"
    quarter = "quarter"
    span = "span"


@dataclass(frozen=True, slots=True)
class Period:
    """Both days are in it."""

    kind: Kind
    first: date
    last: date

    @property
    def begin_ms(self) -> int:
        return midnight_ms(self.first)

    @property
    def end_ms(self) -> int:
        """The first moment after it."""
        return midnight_ms(self.last + ONE)

    @property
    def days(self) -> list[date]:
        return [self.first + ONE * n for n in range((self.last - self.first).days + 1)]

    @property
    def before(self) -> Period:
        """The one that ends the day before this begins: of the same kind, a span of the same length."""
        if self.kind is Kind.span:
            return Period(self.kind, self.first - (self.last - self.first) - ONE, self.first - ONE)
        return around(self.kind, self.first - ONE)

    @property
    def after(self) -> Period:
        if self.kind is Kind.span:
            return Period(self.kind, self.last + ONE, self.last + (self.last - self.first) + ONE)
        return around(self.kind, self.last + ONE)

    @property
    def asked(self) -> dict[str, str]:
        """As parameters of an address."""
        if self.kind is Kind.span:
            return {"period": self.kind, "from": self.first.isoformat(), "to": self.last.isoformat()}
        return {"period": self.kind, "on": self.first.isoformat()}


class BadPeriod(ValueError):
    """Days that are none, the wrong way round, or too many. `span`: too many."""

    def __init__(self, too_long: bool = False) -> None:
        super().__init__("no such period")
        self.too_long = too_long


def around(kind: Kind, day: date) -> Period:
    """The day, week, month or quarter that `day` lies in."""
    match kind:
        case Kind.week:
            first = day - ONE * day.weekday()
            return Period(kind, first, first + ONE * 6)
        case Kind.month:
            return Period(kind, day.replace(day=1), _next_month(day, 1) - ONE)
        case Kind.quarter:
            first = day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
            return Period(kind, first, _next_month(first, 3) - ONE)
        case _:
            return Period(kind, day, day)


def asked(query: Mapping[str, str], today: date) -> Period:
    """What an address asks for; today if it says nothing. Raises BadPeriod."""
    try:
        kind = Kind(query.get("period") or Kind.day)
        if kind is Kind.span:
            return _span(date.fromisoformat(query.get("from", "")), date.fromisoformat(query.get("to", "")))
        on = query.get("on")
        day = date.fromisoformat(on) if on else today
    except ValueError as error:
        if isinstance(error, BadPeriod):
            raise
        raise BadPeriod from error
    if not EARLIEST <= day <= LATEST:
        raise BadPeriod
    return around(kind, day)


def _span(first: date, last: date) -> Period:
    if not EARLIEST <= first <= last <= LATEST:
        raise BadPeriod
    if (last - first).days + 1 > RANGE_MAX_DAYS:
        raise BadPeriod(too_long=True)
    return Period(Kind.span, first, last)


def _next_month(day: date, months: int) -> date:
    """The first day of the month so many later."""
    month = day.month - 1 + months
    return date(day.year + month // 12, month % 12 + 1, 1)
