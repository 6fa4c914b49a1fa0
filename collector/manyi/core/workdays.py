"""Which days are like which, by the Chinese calendar (chinesecalendar, which ships the State Council's notices). Pure.

A day has a kind: whether halls work, and the weekday it counts as. A weekend day that is worked in exchange (调休) counts
as the weekday it stands for: the notice's worked days and its days off in lieu are paired in their order, so 10 October
2026, a Saturday, stands for Wednesday 7 October. A holiday works for nobody and counts as its own weekday.

A year that the library does not know yet is Monday to Friday, and `is_known` says so: the notice for a year comes in
November of the one before, and with it a new version of the library. It refuses to guess a holiday.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from chinese_calendar import constants, is_workday

FOUR = 4  # like days that a day is compared with
# Four like days lie within six weeks even across a spring festival; twice that to be sure.
LOOK_BACK_DAYS = 84
SATURDAY = 6


class Kind(NamedTuple):
    works: bool
    weekday: int
    """The weekday it counts as: 1 is Monday, 7 Sunday."""


def is_known(year: int) -> bool:
    """Whether the library has the year's notice."""
    return year in _years()


@lru_cache(maxsize=4_096)  # ten years of days
def kind(day: date) -> Kind:
    own = day.isoweekday()
    if not is_known(day.year):
        return Kind(own < SATURDAY, own)
    works = bool(is_workday(day))
    return Kind(works, _stands_for().get(day, own) if works else own)


def like(today: date, count: int = FOUR) -> tuple[date, ...]:
    """The last `count` days of the same kind before `today`, newest first; fewer if there are not so many."""
    return tuple(islice((d for d in _before(today) if kind(d) == kind(today)), count))


def counts_as(day: date) -> int | None:
    """The weekday under which a day's load belongs: worked days and ordinary weekends. None for a holiday on
    what would be a working day: it tells nothing about that weekday."""
    works, weekday = kind(day)
    return weekday if works or weekday >= SATURDAY else None


def _before(day: date) -> Iterator[date]:
    return (day - timedelta(days=n) for n in range(1, LOOK_BACK_DAYS + 1))


@lru_cache(maxsize=1)
def _years() -> frozenset[int]:
    return frozenset(day.year for day in constants.holidays)


@lru_cache(maxsize=1)
def _stands_for() -> dict[date, int]:
    """Weekday of the day off that each worked weekend day was exchanged for. In notices before 2019 the two
    do not always match in number: what is left over counts as its own weekday."""
    off: dict[tuple[int, str], list[date]] = {}
    for day, name in sorted(constants.in_lieu_days.items()):
        off.setdefault((day.year, name), []).append(day)
    found: dict[date, int] = {}
    for day, name in sorted(constants.workdays.items()):
        if lieu := off.get((day.year, name)):
            found[day] = lieu.pop(0).isoweekday()
    return found
