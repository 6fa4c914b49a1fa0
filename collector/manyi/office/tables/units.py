"""Tables by place: counties, halls, windows, and 改评 by window. A place without a rating is a line of zeros, not left out.

It refuses to rank by the bare rate: places stand where core.ranking puts them, ties as ties.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.utils.translation import gettext as _

from manyi.core.figures import Key, sums
from manyi.core.ranking import Sums, standings
from manyi.core.rates import NOTHING, enough, wilson
from manyi.core.ratings.sums import Counts
from manyi.office.tables.books import Ask, Books
from manyi.office.tables.model import Cell, Column, Kind, Rate, Table


def rating_columns() -> list[Column]:
    """How many ratings of each level, both rates, and whether the sample carries them."""
    return [
        Column(_("Ratings")),
        Column(_("Satisfied"), tone="1"),
        Column(_("Basically satisfied"), tone="2"),
        Column(_("Dissatisfied"), tone="3"),
        Column(_("Satisfaction rate"), Kind.rate),
        Column(_("Satisfied or basically satisfied"), Kind.rate),
        Column(_("Sample"), Kind.text, width=10),
    ]


def figure_columns() -> list[Column]:
    """What every table of ratings counts, in the order of figure_cells."""
    first = _("First press")
    return [
        *rating_columns(),
        Column(_("Satisfied"), group=first, tone="1"),
        Column(_("Basically satisfied"), group=first, tone="2"),
        Column(_("Dissatisfied"), group=first, tone="3"),
        Column(_("Changed to better")),
        Column(_("Presses")),
    ]


def figure_cells(counts: Counts) -> list[Cell]:
    n, s, b, d, first_s, first_b, first_d, corrected, presses, _flagged = counts
    few = _("Sample too small") if n and not enough(n) else ""
    return [
        n, s, b, d, share(s, n), share(s + b, n), few, first_s, first_b, first_d, corrected, presses,
    ]  # fmt: skip


def share(k: int, n: int) -> Rate | None:
    """A rate with its Wilson 95 % interval; None of nothing."""
    return (k / n, *wilson(k, n)) if n else None


def added(rows: Iterable[Counts]) -> Counts:
    return tuple(map(sum, zip(NOTHING, *rows, strict=True)))


def named(books: Books, unit: str) -> str:
    return books.name(unit) if unit else _("Unassigned")


def counties(books: Books, ask: Ask) -> Table:
    found = sums(books.ratings, ask.part, ("county",))
    wanted: list[Key] = [
        (u.id,) for u in books.units("county") if ask.covers(books.roster.place(u.id)) or (u.id,) in found
    ]
    return _ranked([Column(_("County"), Kind.text, width=20)], _rows(books, wanted, found, 1))


def halls(books: Books, ask: Ask) -> Table:
    found = sums(books.ratings, ask.part, ("county", "hall"))
    wanted: list[Key] = [
        _hall_key(books, u.id) for u in books.units("hall") if ask.covers(books.roster.place(u.id))
    ]
    lead = [Column(_("County"), Kind.text, width=18), Column(_("Hall"), Kind.text, width=24)]
    return _ranked(lead, _rows(books, wanted, found, 2))


def windows(books: Books, ask: Ask) -> Table:
    found = sums(books.ratings, ask.part, ("county", "hall", "window"))
    rows = _rows(books, _windows(books, ask), found, 3)
    body = [[*names, *figure_cells(counts)] for names, counts in rows]
    columns = [*_window_columns(), *figure_columns()]
    return _table(columns, body, [c for _names, c in rows], 3, notes())


def corrections(books: Books, ask: Ask) -> Table:
    """改评: red first, better last, within one visit. Most of them first."""
    found = sums(books.ratings, ask.part, ("county", "hall", "window"))
    rows = _rows(books, _windows(books, ask), found, 3)
    rows.sort(key=lambda row: -row[1][7])
    columns = [
        *_window_columns(),
        Column(_("Ratings")),
        Column(_("Dissatisfied, first press"), tone="3"),
        Column(_("Dissatisfied, as rated"), tone="3"),
        Column(_("Changed to better")),
        Column(_("Of those first dissatisfied"), Kind.rate),
        Column(_("Presses")),
    ]

    def cells(c: Counts) -> list[Cell]:
        return [c[0], c[6], c[3], c[7], share(c[7], c[6]), c[8]]

    body = [[*names, *cells(counts)] for names, counts in rows]
    total = [_("Total"), "", "", *cells(added(c for _names, c in rows))]
    said = _(
        "Changed to better: dissatisfied first and better last within one visit. Visitors correct slips; "
        "a clerk who reaches over leaves the same trace."
    )
    return Table(columns, body, total, (said,))


def notes() -> tuple[str, ...]:
    return (
        _("Satisfaction rate: satisfied of all. Both rates carry their Wilson 95% interval."),
        _("Sample too small: fewer than 59 ratings cannot support “at least 95%”."),
    )


def _hall_key(books: Books, hall: str) -> tuple[str, str]:
    return books.roster.place(hall).county, hall


def _windows(books: Books, ask: Ask) -> list[Key]:
    places = [books.roster.place(u.id) for u in books.units("window")]
    return sorted(((p.county, p.hall, p.window) for p in places if ask.covers(p)), key=str)


def _window_columns() -> list[Column]:
    return [
        Column(_("County"), Kind.text, width=18),
        Column(_("Hall"), Kind.text, width=24),
        Column(_("Window"), Kind.text, width=18),
    ]


def _rows(
    books: Books, wanted: Sequence[Key], found: dict[Key, Counts], names: int
) -> list[tuple[list[Cell], Counts]]:
    """A line of each wanted place, then of what the roster does not have there (any more)."""
    at = set(wanted)
    keys = [*dict.fromkeys(wanted), *sorted((key for key in found if key not in at), key=str)]
    rows: list[tuple[list[Cell], Counts]] = []
    for key in keys:
        rows.append(([named(books, str(unit)) for unit in key[:names]], found.get(key, NOTHING)))
    return rows


def _ranked(lead: list[Column], rows: list[tuple[list[Cell], Counts]]) -> Table:
    """With the place of each among those of the table; what nobody placed has none."""
    units = [Sums(at, c[0], c[1], c[1] + c[2]) for at, (_names, c) in enumerate(rows)]
    place = {standing.sums.unit: standing.place for standing in standings(units)}
    body = [[*names, place[at], *figure_cells(counts)] for at, (names, counts) in enumerate(rows)]
    columns = [*lead, Column(_("Rank"), Kind.text, width=8), *figure_columns()]
    said = _("Rank: by satisfaction rate; whoever the samples cannot tell apart shares one place.")
    return _table(columns, body, [c for _names, c in rows], len(lead) + 1, (*notes(), said))


def _table(
    columns: list[Column], body: list[list[Cell]], counts: list[Counts], lead: int, said: tuple[str, ...]
) -> Table:
    total: list[Cell] = [_("Total"), *[""] * (lead - 1), *figure_cells(added(counts))]
    faint = frozenset(at for at, c in enumerate(counts) if not enough(c[0]))
    return Table(columns, body, total, said, faint=faint)
