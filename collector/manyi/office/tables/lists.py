"""Ratings one by one: the centre's list, and the dissatisfied ones with whom to call and who has taken note.

It refuses names of staff to a scope that sees no persons, and a workbook that would silently end in the middle.
"""

from __future__ import annotations

from dataclasses import replace

from django.utils.translation import gettext as _

from manyi.core import figures
from manyi.core.ratings import signed
from manyi.core.ratings.rating import Rating
from manyi.core.ratings.settle import DISSATISFIED
from manyi.core.wall.store import rating_id
from manyi.office.access.scope import Role
from manyi.office.tables.books import Ask, Books
from manyi.office.tables.business import name_of
from manyi.office.tables.model import Cell, Column, Kind, Table
from manyi.office.tables.units import named

PAGE_ROWS = 100
FILE_ROWS = 100_000  # a workbook of more cannot be read by a person: choose a shorter period


class TooMany(Exception):
    """More rows than a workbook takes."""


def level(number: int) -> str:
    return ["", _("Satisfied"), _("Basically satisfied"), _("Dissatisfied")][number]


def ratings(books: Books, ask: Ask, whole: bool) -> Table:
    found, more = _listed(books, ask, ask.part, whole)
    columns = [
        Column(_("Time"), Kind.moment),
        *_places(),
        Column(_("Rating"), Kind.text, width=12),
        Column(_("First press"), Kind.text, width=12),
        Column(_("Presses")),
        Column(_("Invited"), Kind.text, width=8),
        Column(_("Reason"), Kind.text, width=10),
        Column(_("Business type"), Kind.text, width=18),
        *([Column(_("Staff"), Kind.text, width=14)] if ask.scope.sees_persons else []),
        Column(_("Box"), Kind.text, width=16),
        Column(_("Dated by"), Kind.text, width=12),
    ]
    rows: list[list[Cell]] = []
    for r in found:
        row: list[Cell] = [r.time_ms, *_where(books, r), level(r.level), level(r.first), r.presses]
        row += [_("yes") if r.prompted else "", _reason(r.reason), name_of(books, r.biz)]
        if ask.scope.sees_persons:
            row.append(_who(books, r))
        rows.append([*row, r.box, _("clock") if r.dated == "clock" else _("bounds")])
    return Table(columns, rows, None, _dating(), more=more)


def reds(books: Books, ask: Ask, whole: bool) -> Table:
    """Dissatisfied ratings, newest first, each with hall telephone and leader on duty at its time."""
    found, more = _listed(books, ask, replace(ask.part, level=DISSATISFIED), whole)
    persons = ask.scope.sees_persons
    columns = [
        Column(_("Time"), Kind.moment),
        *_places(),
        Column(_("First press"), Kind.text, width=12),
        Column(_("Reason"), Kind.text, width=10),
        *([Column(_("Staff"), Kind.text, width=14)] if persons else []),
        Column(_("Hall telephone"), Kind.text, width=16),
        Column(_("Leader on duty"), Kind.text, width=14),
        Column(_("Leader's telephone"), Kind.text, width=16),
        Column(_("Known since"), Kind.moment),
        *([Column(_("Known by"), Kind.text, width=14)] if persons else []),
        Column(_("Role"), Kind.text, width=14),
    ]
    rows: list[list[Cell]] = []
    for r in found:
        leader = signed.leader(books.ratings, books.roster, r.hall, r.time_ms)
        hall = books.roster.units.get(r.hall)
        row: list[Cell] = [r.time_ms, *_where(books, r), level(r.first), _reason(r.reason)]
        if persons:
            row.append(_who(books, r))
        row += [
            hall.tel if hall else "",
            leader.zh if leader else "",
            leader.tel if leader else "",
            r.known_ms,
        ]
        if persons:
            row.append(r.known_by)
        rows.append([*row, role_name(r.known_role, books.english)])
    n, waiting = figures.known_late(books.ratings, ask.part)
    said = _("{n} dissatisfied ratings in this period, {waiting} of them not yet marked as known.")
    ids = [rating_id(r) for r in found]
    return Table(columns, rows, None, (said.format(n=n, waiting=waiting), *_dating()), ids, more)


def role_name(role: str, english: bool) -> str:
    if role not in Role.__members__:
        return role
    return Role(role).en if english else Role(role).zh


def _listed(books: Books, ask: Ask, part: figures.Part, whole: bool) -> tuple[list[Rating], bool]:
    if whole:
        found = figures.listed(books.ratings, part, FILE_ROWS + 1)
        if len(found) > FILE_ROWS:
            raise TooMany
        return found, False
    found = figures.listed(books.ratings, part, PAGE_ROWS + 1, ask.page * PAGE_ROWS)
    return found[:PAGE_ROWS], len(found) > PAGE_ROWS


def _places() -> list[Column]:
    return [
        Column(_("County"), Kind.text, width=18),
        Column(_("Hall"), Kind.text, width=24),
        Column(_("Window"), Kind.text, width=18),
    ]


def _where(books: Books, r: Rating) -> list[Cell]:
    return [named(books, r.county), named(books, r.hall), named(books, r.window)]


def _who(books: Books, r: Rating) -> str:
    return books.person(r.staff) if r.staff else _("Not signed in")


def _reason(reason: int) -> str:
    return {1: _("Attitude"), 2: _("Efficiency"), 3: _("Procedure")}.get(reason, "")


def _dating() -> tuple[str, ...]:
    return (
        _(
            "Times are Beijing's. “Bounds”: the box never learned the time; it lies between two known moments."
        ),
    )
