"""A clerk's own results: what was released in batches (core.wall_own), and the same as a workbook. Nobody else's.

It refuses to take a person's id from the address: the account says whose page it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from manyi.core.wall import own as wall_own
from manyi.office.access.scope import Action, needs
from manyi.office.errors import SourceDown
from manyi.office.tables import people, shown
from manyi.office.tables.answers import attachment, log, on_thread, read, said, scope_here, who
from manyi.office.tables.books import Books, fewest_in_a_batch
from manyi.office.tables.model import Table
from manyi.office.tables.workbook import Stamp, rules_of_ratings, since_first_use, workbook


@dataclass(frozen=True, slots=True)
class _Made:
    table: Table
    name: str
    fewest: int
    now_ms: int


@needs(Action.own)
async def own(request: HttpRequest) -> HttpResponseBase:
    """The page."""
    return await _answer(request, whole=False)


@needs(Action.own)
async def own_file(request: HttpRequest) -> HttpResponseBase:
    """The same as a workbook."""
    return await _answer(request, whole=True)


async def _answer(request: HttpRequest, *, whole: bool) -> HttpResponseBase:
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    staff = scope_here(request).staff
    if not staff:
        return said(
            request, _("This account is not joined to a member of staff. The administrator can do that.")
        )

    def make(books: Books) -> _Made:
        told = wall_own.snapshot(books.wall, staff)
        return _Made(people.own(told), books.person(staff), fewest_in_a_batch(books), books.now_ms)

    try:
        made = await read(make)
    except SourceDown as error:
        return said(request, error)
    if whole:
        await log(request, "export", "own")
    return await on_thread(_file if whole else _page, request, made)


def _page(request: HttpRequest, made: _Made) -> HttpResponseBase:
    context = {
        "name": made.name,
        "heads": shown.heads(made.table.columns),
        "rows": shown.rows(made.table),
        "total": shown.total(made.table),
        "notes": made.table.notes,
        "file": reverse("own-file"),
    }
    return render(request, "tables/own.html", context)


def _file(request: HttpRequest, made: _Made) -> HttpResponseBase:
    title = _("My ratings")
    stamp = Stamp(
        title, made.name, since_first_use(), rules_of_ratings(0, made.fewest), _("In the centre's tables"), made.now_ms,
        who(request),
    )  # fmt: skip
    day = shown.moment(made.now_ms)[:10]
    return attachment(workbook(made.table, stamp), f"own_{day}.xlsx", f"{title}_{day}.xlsx")
