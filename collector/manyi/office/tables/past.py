"""Tables as they were known on an earlier day, and what was put right since: for those who see the whole city.

An earlier day means all rows of the ledger up to the end of it, which that day's published root seals; so whoever kept a
figure can have it again, and whoever doubts it can check the root. Names are today's. Refuses visits (they are kept in one
version), and a day whose rows the figures have not taken in yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from django.utils.translation import gettext as _

from manyi.core import root as roots
from manyi.core import stores
from manyi.core.days import date_of
from manyi.core.ratings.known_at import Anew, anew, stand_at
from manyi.core.ratings.rating import Rating
from manyi.office.access.scope import Scope
from manyi.office.errors import SourceDown
from manyi.office.tables.books import Ask, Books
from manyi.office.tables.lists import FILE_ROWS, PAGE_ROWS, TooMany, level
from manyi.office.tables.model import Cell, Column, Kind, Table
from manyi.office.tables.period import EARLIEST, BadPeriod, Period
from manyi.office.tables.units import named

ROOT_SHOWN = 16  # hexadecimal digits: enough to find it on a notice board, where the whole one stands


@dataclass(frozen=True, slots=True)
class Past:
    """The end of a day in the ledger."""

    day: date
    row: int
    root: str

    def note(self) -> str:
        said = _(
            "As known at the end of {day}: the ledger up to row {row}, sealed by that day's root {root}…"
        )
        return said.format(day=self.day, row=self.row, root=self.root[:ROOT_SHOWN])


def asked(query: Mapping[str, str], scope: Scope, now_ms: int) -> date | None:
    """The day that an address asks for. None: what is known now. Raises BadPeriod."""
    text = query.get("known", "")
    if not text or not scope.whole_city:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise BadPeriod from error
    if day < EARLIEST:
        raise BadPeriod
    return day if day < date_of(now_ms) else None


def step_back(books: Books, day: date, period: Period) -> tuple[Books, Past]:
    """The books of that day, for one period. Raises SourceDown."""
    found = roots.of_day(books.ledger, day, books.now_ms)
    if int(stores.get(books.ratings, "cursor", "0")) < found.last:
        raise SourceDown(_("the ratings are being made from the ledger; try again in a few minutes"))
    stand_at(books.ratings, found.last, period.begin_ms, period.end_ms)
    return replace(books, visits=None), Past(day, found.last, found.after.hex())


def put_right(books: Books, ask: Ask, whole: bool) -> Table:
    """Ratings that were attributed or dated anew, each time as a line, the newest first."""
    condition, values = ask.part.where()
    rows = FILE_ROWS if whole else PAGE_ROWS
    found = list(anew(books.ratings, condition, values, rows + 1, 0 if whole else ask.page * rows))
    if whole and len(found) > rows:
        raise TooMany
    columns = [
        Column(_("Recorded"), Kind.moment),
        Column(_("Ledger row")),
        Column(_("Rating"), Kind.text, width=12),
        *_columns(_("Was")),
        *_columns(_("Is now")),
        Column(_("Box"), Kind.text, width=16),
    ]
    lines = [_line(books, each) for each in found[:rows]]
    said = _(
        "A correction of the roster, a late sign-in or a box that learned the time late: the rating gets a new version, "
        "and the old one stays. What visitors put right themselves is not here."
    )
    return Table(columns, lines, None, (said,), more=len(found) > rows)


def _columns(group: str) -> list[Column]:
    return [
        Column(_("Time"), Kind.moment, group=group),
        Column(_("Hall"), Kind.text, group=group, width=20),
        Column(_("Window"), Kind.text, group=group, width=16),
        Column(_("Staff"), Kind.text, group=group, width=14),
    ]


def _line(books: Books, each: Anew) -> list[Cell]:
    now = each.now
    return [now.at_ms, now.row_id, level(now.level), *_side(books, each.was), *_side(books, now), now.box]


def _side(books: Books, r: Rating) -> list[Cell]:
    who = books.person(r.staff) if r.staff else _("Not signed in")
    return [r.time_ms, named(books, r.hall), named(books, r.window), who]
