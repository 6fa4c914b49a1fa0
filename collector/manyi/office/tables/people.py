"""Figures of members of staff, and a clerk's own. Opened by role alone; every look is written to the audit log (views.py).

A table by person leaves out ratings whose reason is 流程 and shows what nobody signed in for. Below FEWEST ratings it says
how many, and nothing else, nor in what is left of a total: a single red says more about the visitor than about the
clerk. A clerk's own page reads
released batches only (core.wall_own) and cannot tell a time, an order or a visit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _

from manyi.core import figures
from manyi.core.rates import enough
from manyi.core.wall import own as wall_own
from manyi.office.tables.books import Ask, Books
from manyi.office.tables.model import Cell, Column, Kind, Table
from manyi.office.tables.units import added, figure_cells, figure_columns, notes, rating_columns, share

FEWEST = wall_own.BATCH_MIN  # ratings below which a person's levels are not told


def staff(books: Books, ask: Ask) -> Table:
    part = replace(ask.part, personal=True)
    found = {str(key[0]): counts for key, counts in figures.sums(books.ratings, part, ("staff",)).items()}
    left_out = figures.number(books.ratings, ask.part) - figures.number(books.ratings, part)
    columns = [
        Column(_("Staff"), Kind.text, width=16),
        Column(_("Id"), Kind.text, width=14),
        *figure_columns(),
    ]
    width = len(figure_columns())
    rows: list[list[Cell]] = []
    faint = set()
    told = []
    for who in sorted(found, key=lambda each: (each == "", each)):
        counts = found[who]
        if not enough(counts[0]):
            faint.add(len(rows))
        name = books.person(who) if who else _("Not signed in")
        if who and counts[0] < FEWEST:
            few = [None] * (width - 1)
            rows.append([name, who, counts[0], *few[:5], _("Fewer than 5: not told"), *few[6:]])
        else:
            rows.append([name, who, *figure_cells(counts)])
            told.append(counts)
    total = [_("Total"), "", *figure_cells(added(told))]
    few_n = sum(counts[0] for counts in found.values()) - sum(counts[0] for counts in told)
    said = (
        *notes(),
        _(
            "A person with fewer than 5 ratings in the period is shown without levels and rates, and is not in the total: {n}."
        ).format(n=few_n),
        _(
            "Ratings about procedure count for the hall and its rules, for nobody in person. Left out here: {n}."
        ).format(n=left_out),
        _(
            "By badge where one was used that day, else by sign-ins that a system told, else by the duty plan. Nobody is guessed."
        ),
    )
    return Table(
        columns,
        rows,
        total,
        said,
        faint=frozenset(faint),
    )


def own(told: dict[str, Any]) -> Table:
    """A clerk's released batches, by month of release."""
    columns = [
        Column(_("Month of release"), Kind.text, width=18),
        Column(_("Batches")),
        *rating_columns(),
    ]
    rows = [[month["month"], *_own_cells(month)] for month in told["months"]]
    faint = frozenset(at for at, month in enumerate(told["months"]) if not enough(month["n"]))
    said = (
        _(
            "To protect everyone who rates, ratings reach you in batches of at least 5, at most one batch a day, "
            "of finished days, without time or order. A batch that is mostly dissatisfied waits for more."
        ),
        _("What is corrected or attributed anew after its release is in the centre's tables, not here."),
        *notes(),
    )
    return Table(columns, rows, [_("Total"), *_own_cells(told)], said, faint=faint)


def _own_cells(told: dict[str, Any]) -> list[Cell]:
    n, (s, b, d) = told["n"], told["level"]
    few = _("Sample too small") if n and not enough(n) else ""
    return [told["batches"], n, s, b, d, share(s, n), share(s + b, n), few]
