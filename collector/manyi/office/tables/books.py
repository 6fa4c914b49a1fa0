"""The stores that tables are made from, opened for one answer, read only; and how far a scope may look into them.

It refuses a place outside the scope, and an account whose role needs a place and has none sees nothing at all.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from threading import Lock

from manyi.core import stores
from manyi.core.errors import LedgerError
from manyi.core.figures import Part
from manyi.core.ledger import schema
from manyi.core.roster import rows
from manyi.core.roster.current import Current
from manyi.core.roster.model import Place, Roster, Unit
from manyi.core.wall.own import BATCH_MIN
from manyi.office.access.scope import Role, Scope
from manyi.office.errors import SourceDown
from manyi.office.tables.period import Period

NOWHERE_ID = "-"  # in an address: what the roster does not place


class NotSeen(Exception):
    """The place lies outside the scope."""


@dataclass(frozen=True, slots=True)
class Books:
    """`visits` is None until a queue system has told any."""

    ratings: sqlite3.Connection
    wall: sqlite3.Connection
    ledger: sqlite3.Connection
    visits: sqlite3.Connection | None
    roster: Roster
    now_ms: int
    silent_ms: int
    english: bool

    def name(self, unit: str) -> str:
        """A unit's name in the reader's language; its id if the roster has lost it, "" for none."""
        found = self.roster.units.get(unit)
        if found is None:
            return unit
        return (self.english and found.en) or found.zh or found.en or unit

    def person(self, staff: str) -> str:
        found = self.roster.staff.get(staff)
        if found is None:
            return staff
        return (self.english and found.en) or found.zh or staff

    def units(self, tier: str) -> list[Unit]:
        """In the roster's order of ids, as the wall has them."""
        return sorted((u for u in self.roster.units.values() if u.tier == tier), key=lambda u: u.id)


@dataclass(frozen=True, slots=True)
class Ask:
    """What a table is made for. `county` and `hall` have passed the scope: None is everything that it sees."""

    scope: Scope
    period: Period
    county: str | None = None
    hall: str | None = None
    page: int = 0
    known: date | None = None
    """As it was known at the end of that day; None: as it is known now."""

    @property
    def part(self) -> Part:
        return Part(self.period.begin_ms, self.period.end_ms, self.county, self.hall)

    def covers(self, place: Place) -> bool:
        """Whether something that stands there belongs into the table."""
        if self.hall is not None:
            return place.hall == self.hall
        return self.county is None or place.county == self.county


_roster_lock = Lock()
_rosters: dict[tuple[str, int], Current] = {}


@contextmanager
def opened(folder: Path, now_ms: int, silent_ms: int, english: bool) -> Iterator[Books]:
    """Raises SourceDown if a store cannot be read."""
    try:
        with ExitStack() as stack:
            ratings = stack.enter_context(closing(stores.open_reader(folder / "ratings.db")))
            wall = stack.enter_context(closing(stores.open_reader(folder / "wall.db")))
            ledger = stack.enter_context(closing(schema.open_for_reading(folder / "ledger.db")))
            file = folder / "visits.db"
            visits = stack.enter_context(closing(stores.open_reader(file))) if file.exists() else None
            roster = _roster(folder, ledger)
            yield Books(ratings, wall, ledger, visits, roster, now_ms, silent_ms, english)
    except (LedgerError, sqlite3.Error, OSError) as error:
        raise SourceDown(str(error).replace(f"{folder}/", "").splitlines()[0]) from error


def _roster(folder: Path, ledger: sqlite3.Connection) -> Roster:
    key = str(folder), (folder / "ledger.db").stat().st_ino  # a restored ledger is another file
    with _roster_lock:
        if key not in _rosters:
            _rosters.clear()
            _rosters[key] = rows.current_roster()
        return _rosters[key].of(ledger)


def fewest_in_a_batch(books: Books) -> int:
    """As the projector was told (`[policy] hall_batch`)."""
    return int(stores.get(books.wall, "hall_batch", str(BATCH_MIN)))


def places(scope: Scope, roster: Roster, county: str, hall: str) -> tuple[str | None, str | None]:
    """The county and hall that figures are kept to; "" asks for everything the scope sees. Raises NotSeen."""
    if hall and not scope.sees_hall(hall, roster.place(hall).county):
        raise NotSeen
    wanted = "" if county == NOWHERE_ID else county
    if county and not scope.sees_county(wanted):
        raise NotSeen
    if scope.whole_city:
        return (wanted if county else None), (hall or None)
    if scope.role is Role.county and scope.county:
        return scope.county, (hall or None)
    if scope.role is Role.hall_leader and scope.hall:
        return None, scope.hall
    raise NotSeen


def choices(scope: Scope, books: Books) -> tuple[list[tuple[str, str]], list[tuple[str, str, str]]]:
    """Counties (id, name) and halls (id, name, county's name) that a filter may offer."""
    counties = [(u.id, books.name(u.id)) for u in books.units("county") if scope.sees_county(u.id)]
    halls = []
    for unit in books.units("hall"):
        county = books.roster.place(unit.id).county
        if scope.sees_hall(unit.id, county):
            halls.append((unit.id, books.name(unit.id), books.name(county)))
    return counties, halls
