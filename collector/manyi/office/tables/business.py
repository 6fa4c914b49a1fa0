"""Visits by business type (业务), hall by hall: what queue systems told, under the roster's names.

It refuses to guess: what was told without a type is a line of its own, and a code that the roster does not name is shown
as the number it is.
"""

from __future__ import annotations

from collections import Counter

from django.utils.translation import gettext as _

from manyi.core.visits.store import of_business
from manyi.office.tables.books import Ask, Books
from manyi.office.tables.model import Cell, Column, Kind, Table
from manyi.office.tables.units import named, share


def name_of(books: Books, code: int) -> str:
    """Of a business type; "" for 0, which is: not told."""
    known = books.roster.business.get(code)
    if known is None:
        return str(code) if code else ""
    return (known.en or known.zh) if books.english else known.zh


def business(books: Books, ask: Ask) -> Table:
    found: Counter[tuple[str, str, int]] = Counter()
    if books.visits is not None:
        for (window, code), n in of_business(books.visits, ask.period.begin_ms, ask.period.end_ms).items():
            place = books.roster.place(window)
            if ask.covers(place):
                found[place.county, place.hall, code] += n
    halls: Counter[str] = Counter()
    for (_county, hall, _code), n in found.items():
        halls[hall] += n
    rows: list[list[Cell]] = [
        [
            named(books, county), named(books, hall), name_of(books, code) or _("Not told"), code or None, n,
            share(n, halls[hall]),
        ]
        for (county, hall, code), n in sorted(found.items(), key=lambda one: (one[0][:2], -one[1], one[0][2]))
    ]  # fmt: skip
    columns = [
        Column(_("County"), Kind.text, width=18),
        Column(_("Hall"), Kind.text, width=24),
        Column(_("Business type"), Kind.text, width=24),
        Column(_("Code")),
        Column(_("Visits")),
        Column(_("Share of the hall's visits"), Kind.rate),
    ]
    total: list[Cell] = [_("Total"), "", "", None, found.total(), None]
    said = _(
        "Only windows whose queue system tells visits. Names are the roster's; a code that it does not name stays a number."
    )
    return Table(columns, rows, total if rows else None, (said,))
