"""Every table there is, and who may open it. A table without a line here does not exist.

It refuses to widen an action of scope.py: `roles` and `city` only narrow it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from manyi.office.access.scope import Action, Role, Scope
from manyi.office.tables import business, fleet, lists, past, people, times, units
from manyi.office.tables.books import Ask, Books
from manyi.office.tables.model import Table


@dataclass(frozen=True, slots=True)
class Entry:
    """`make(books, ask, whole)`: `whole` for a workbook, which has no pages."""

    name: str
    title: Promise | str
    action: Action
    make: Callable[[Books, Ask, bool], Table]
    period: bool = True
    """Whether it is of a period; else it is as of now."""
    counties: bool = False
    """Of whole counties: not for somebody who sees one hall."""
    city: bool = False
    """For those who see the whole city."""
    roles: frozenset[Role] | None = None
    person: bool = False
    """Names members of staff beside their results: each look is logged."""
    paged: bool = False
    past: bool = True
    """Can be told as it was known on an earlier day."""

    def may(self, scope: Scope) -> bool:
        if not scope.may(self.action) or (self.city and not scope.whole_city):
            return False
        if self.counties and scope.role is Role.hall_leader:
            return False
        return self.roles is None or scope.role in self.roles


def _plain(make: Callable[[Books, Ask], Table]) -> Callable[[Books, Ask, bool], Table]:
    return lambda books, ask, _whole: make(books, ask)


_ALL = (
    Entry("counties", _("Counties"), Action.ratings, _plain(units.counties), counties=True),
    Entry("halls", _("Halls"), Action.ratings, _plain(units.halls)),
    Entry("windows", _("Windows"), Action.ratings, _plain(units.windows)),
    Entry("days", _("Days"), Action.ratings, _plain(times.days)),
    Entry("hours", _("Hours and weekdays"), Action.ratings, _plain(times.hours)),
    Entry("reds", _("Dissatisfied ratings"), Action.ratings, lists.reds, paged=True),
    Entry("corrections", _("Changed to better"), Action.ratings, _plain(units.corrections)),
    Entry("visits", _("Visits and unrated"), Action.ratings, _plain(fleet.visits), past=False),
    Entry("business", _("Visits by business type"), Action.ratings, _plain(business.business), past=False),
    Entry("ratings", _("All ratings"), Action.ratings, lists.ratings, city=True, person=True, paged=True),
    Entry(
        "anew",
        _("Attributed anew"),
        Action.ratings,
        past.put_right,
        city=True,
        person=True,
        paged=True,
        past=False,
    ),
    Entry(
        "staff",
        _("Staff"),
        Action.persons,
        _plain(people.staff),
        roles=frozenset({Role.centre, Role.hall_leader}),
        person=True,
    ),
    Entry("boxes", _("Boxes"), Action.fleet, _plain(fleet.boxes), period=False, past=False),
    Entry("account", _("Account"), Action.account, _plain(fleet.accounts), period=False, past=False),
)
TABLES: Mapping[str, Entry] = {entry.name: entry for entry in _ALL}


def offered(scope: Scope) -> list[Entry]:
    """In the order of the menu."""
    return [entry for entry in _ALL if entry.may(scope)]
