"""Tables by time: each day of the period, and hour by weekday. A day without a rating is a line of zeros.

A day worked in exchange for a holiday (调休) counts in the hours under the weekday it stands for; public holidays have a
column of their own, so that nothing is left out and no Wednesday looks like one that it was not.
"""

from __future__ import annotations

from datetime import date, timedelta

from django.utils.translation import gettext as _

from manyi.core import workdays
from manyi.core.days import date_of
from manyi.core.figures import sums
from manyi.core.rates import NOTHING, enough
from manyi.office.tables.books import Ask, Books
from manyi.office.tables.model import Cell, Column, Kind, Table
from manyi.office.tables.units import added, figure_cells, figure_columns, notes

EPOCH = date(1970, 1, 1)
HOLIDAY = 8  # after the seven weekdays
N, D = 0, 3  # in the order of rates.FIELDS


def weekday(number: int) -> str:
    return [_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun"), _("Holiday")][number - 1]


def days(books: Books, ask: Ask) -> Table:
    found = {int(key[0]): counts for key, counts in sums(books.ratings, ask.part, ("day",)).items()}
    today = date_of(books.now_ms)
    rows, counts = [], []
    for day in ask.period.days:
        own = found.get((day - EPOCH).days, NOTHING)
        if day > today and own == NOTHING:
            break  # the rest of a month that has just begun
        counts.append(own)
        rows.append([day, weekday(day.isoweekday()), _kind(day), *figure_cells(own)])
    columns = [
        Column(_("Day"), Kind.day, width=12),
        Column(_("Weekday"), Kind.text, width=8),
        Column(_("Kind of day"), Kind.text, width=12),
        *figure_columns(),
    ]
    total: list[Cell] = [_("Total"), "", "", *figure_cells(added(counts))]
    faint = frozenset(at for at, own in enumerate(counts) if not enough(own[N]))
    return Table(columns, rows, total, notes(), faint=faint)


def hours(books: Books, ask: Ask) -> Table:
    """How many ratings, and how many of them dissatisfied, in each hour of each weekday."""
    n: dict[tuple[int, int], int] = {}
    d: dict[tuple[int, int], int] = {}
    for (day, hour), counts in sums(books.ratings, ask.part, ("day", "hour")).items():
        key = int(hour), column(EPOCH + timedelta(days=int(day)))
        n[key] = n.get(key, 0) + counts[N]
        d[key] = d.get(key, 0) + counts[D]
    kinds = [*range(1, 8), *([HOLIDAY] if any(key[1] == HOLIDAY for key in n) else [])]
    groups = (_("Ratings"), n), (_("Dissatisfied"), d)
    rows: list[list[Cell]] = []
    for hour in range(24):
        cells = [v for _title, at in groups for v in _line([at.get((hour, kind), 0) for kind in kinds])]
        rows.append([f"{hour:02d}:00", *cells])
    columns = [Column(_("Hour"), Kind.text, width=8)]
    for title, _at in groups:
        columns += [Column(weekday(kind), group=title, heat=True) for kind in kinds]
        columns.append(Column(_("Total"), group=title))
    total: list[Cell] = [
        _("Total"),
        *(
            v
            for _title, at in groups
            for v in _line([sum(at.get((h, k), 0) for h in range(24)) for k in kinds])
        ),
    ]
    said = _(
        "A day worked in exchange for a holiday counts as the weekday it stands for; holidays stand apart."
    )
    return Table(columns, rows, total, (said,))


def column(day: date) -> int:
    """The weekday that a day's figures belong under; HOLIDAY for a public holiday on what would be a working day."""
    return workdays.counts_as(day) or HOLIDAY


def _line(values: list[int]) -> list[int]:
    return [*values, sum(values)]


def _kind(day: date) -> str:
    works, _stands = workdays.kind(day)
    if works:
        return _("Worked in exchange") if day.isoweekday() >= workdays.SATURDAY else _("Working day")
    return _("Day off")
