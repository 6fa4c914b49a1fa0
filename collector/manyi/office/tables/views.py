"""The tables' pages and files. Each is made on threads of their own: a year's table holds no wall up.

It refuses to show a place outside the scope, and writes exports and looks at persons to the audit log before it answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from django.http import HttpRequest, HttpResponseNotAllowed, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from manyi.core import account
from manyi.core.days import date_of
from manyi.core.roster.facts import Facts
from manyi.core.roster.policy import visit_ms_of
from manyi.core.roster.rows import fact_rows
from manyi.office.access.scope import Action, Scope, View, needs, refusal
from manyi.office.errors import SourceDown
from manyi.office.runtime import current
from manyi.office.tables import fleet, past, shown
from manyi.office.tables import period as periods
from manyi.office.tables.answers import attachment, log, on_thread, read, said, scope_here, who
from manyi.office.tables.books import (
    NOWHERE_ID,
    Ask,
    Books,
    NotSeen,
    choices,
    fewest_in_a_batch,
    places,
)
from manyi.office.tables.catalogue import Entry, offered
from manyi.office.tables.lists import TooMany
from manyi.office.tables.model import Table
from manyi.office.tables.period import BadPeriod
from manyi.office.tables.turns import Crowded, turn
from manyi.office.tables.workbook import Stamp, days, rules_of_ratings, since_first_use, workbook

PAGE_MAX = 10_000


@needs(Action.self)
async def tables(request: HttpRequest) -> HttpResponseBase:
    """The first table that the role may open."""
    scope = scope_here(request)
    for entry in offered(scope):
        return HttpResponseRedirect(reverse(f"table-{entry.name}"))
    return HttpResponseRedirect(reverse("own")) if scope.may(Action.own) else refusal(request)


def page(entry: Entry) -> View:
    """The view of a table."""

    @needs(entry.action)
    async def table(request: HttpRequest) -> HttpResponseBase:
        return await _answer(request, entry, _page)

    return table


def file(entry: Entry) -> View:
    """The view of a table's workbook."""

    @needs(entry.action)
    async def table_file(request: HttpRequest) -> HttpResponseBase:
        return await _answer(request, entry, _file)

    return table_file


@dataclass(frozen=True, slots=True)
class _Made:
    """Everything that one page or file shows, read at one time."""

    table: Table
    ask: Ask
    counties: list[tuple[str, str]]
    halls: list[tuple[str, str, str]]
    account: account.Line
    visit_ms: int
    hall_batch: int
    place: str
    now_ms: int


async def _answer(
    request: HttpRequest, entry: Entry, answer: Callable[[HttpRequest, Entry, _Made], HttpResponseBase]
) -> HttpResponseBase:
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    scope, whole = scope_here(request), answer is _file
    try:
        if not entry.may(scope):
            raise NotSeen
        async with turn(request):
            made = await read(lambda books: _make(books, entry, request, scope, whole))
            if whole or entry.person:
                await log(request, "export" if whole else "person_viewed", entry.name, made.ask)
            return await on_thread(answer, request, entry, made)
    except NotSeen:
        await log(request, "refused", request.path)
        return refusal(request)
    except (BadPeriod, TooMany, SourceDown, Crowded) as error:
        return said(request, error)


def _make(books: Books, entry: Entry, request: HttpRequest, scope: Scope, whole: bool) -> _Made:
    asked = request.GET
    county, hall = places(scope, books.roster, asked.get("county", ""), asked.get("hall", ""))
    number = asked.get("page", "0")
    at = min(int(number), PAGE_MAX) if number.isascii() and number.isdigit() and len(number) < 9 else 0
    period = periods.asked(asked, date_of(books.now_ms))
    known = past.asked(asked, scope, books.now_ms) if entry.past else None
    ask = Ask(scope, period, county, hall, at, known)
    facts = Facts()
    for row in fact_rows(books.ledger, ("policy",)):
        facts.apply(row)
    policy = facts.of("policy")
    counties, halls = choices(scope, books)
    line = account.added("", fleet.lines(books, ask))
    said: tuple[str, ...] = ()
    if known:
        books, then = past.step_back(books, known, period)
        said = (then.note(),)
    table = entry.make(books, ask, whole)
    return _Made(
        replace(table, notes=(*said, *table.notes)), ask, counties, halls, line,
        visit_ms_of(policy[0] if policy else {}), fewest_in_a_batch(books),
        _place(books, ask), books.now_ms,
    )  # fmt: skip


def _page(request: HttpRequest, entry: Entry, made: _Made) -> HttpResponseBase:
    ask, table = made.ask, made.table
    kept = {"county": request.GET.get("county", ""), "hall": request.GET.get("hall", "")}
    place = {key: value for key, value in kept.items() if value}
    if ask.known:
        place["known"] = ask.known.isoformat()
    now = ask.period.asked | place
    settings = current().settings
    markable = not ask.known and ask.scope.may(Action.known) and settings.login and bool(table.ids)
    may_mark = markable and not settings.inner

    def address(asked: dict[str, str]) -> str:
        return f"{reverse(f'table-{entry.name}')}?{urlencode(asked)}"

    kinds = [
        (kind, name, address(periods.around(kind, ask.period.last).asked | place))
        for kind, name in (
            (periods.Kind.day, _("Day")),
            (periods.Kind.week, _("Week")),
            (periods.Kind.month, _("Month")),
            (periods.Kind.quarter, _("Quarter")),
        )
    ]
    context = {
        "entry": entry,
        "tabs": [(each, f"{reverse(f'table-{each.name}')}?{urlencode(now)}") for each in offered(ask.scope)],
        "groups": shown.groups(table.columns),
        "heads": shown.heads(table.columns),
        "rows": shown.rows(table, _("Known since")),
        "total": shown.total(table),
        "notes": table.notes,
        "mark": may_mark,
        "elsewhere": markable and settings.inner,
        "period": ask.period,
        "kinds": kinds,
        "earlier": address(ask.period.before.asked | place),
        "later": address(ask.period.after.asked | place),
        "today": address({"period": "day"} | place),
        "counties": made.counties if not ask.scope.hall and len(made.counties) > 1 else [],
        "halls": made.halls if len(made.halls) > 1 else [],
        "nowhere": NOWHERE_ID if ask.scope.whole_city else "",
        "asked": kept,
        "past": entry.past and ask.scope.whole_city,
        "known": ask.known,
        "place": made.place,
        "account": made.account,
        "file": f"{reverse(f'table-{entry.name}-file')}?{urlencode(now)}",
        "newer": address(now | {"page": str(ask.page - 1)}) if entry.paged and ask.page else "",
        "older": address(now | {"page": str(ask.page + 1)}) if table.more else "",
        "number": ask.page + 1,
        "here": f"{request.path}?{urlencode(now)}",
        "known_address": reverse("known") if may_mark else "",
        "now": shown.moment(made.now_ms),
    }
    return render(request, "tables/table.html", context)


def _file(request: HttpRequest, entry: Entry, made: _Made) -> HttpResponseBase:
    period = made.ask.period if entry.period else None
    stamp = Stamp(
        str(entry.title), made.place, days(period.first, period.last) if period else since_first_use(),
        rules_of_ratings(made.visit_ms, made.hall_batch), made.account, made.now_ms, who(request),
    )  # fmt: skip
    when = f"{period.first}_{period.last}" if period else shown.moment(made.now_ms)[:10]
    if made.ask.known:
        when += f"_known-{made.ask.known}"
    return attachment(workbook(made.table, stamp), f"{entry.name}_{when}.xlsx", f"{entry.title}_{when}.xlsx")


def _place(books: Books, ask: Ask) -> str:
    if ask.hall is not None:
        return f"{books.name(books.roster.place(ask.hall).county)} {books.name(ask.hall)}".strip()
    if ask.county is not None:
        return books.name(ask.county) if ask.county else _("Unassigned")
    return _("The whole city")
