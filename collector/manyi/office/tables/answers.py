"""What every answer of a table needs: the stores on a thread, the reader's language there, the audit log, a file, a refusal.

It refuses to hold up the loop that beats for the walls: nothing here reads a store on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _

from manyi.office.access.scope import Scope
from manyi.office.errors import SourceDown
from manyi.office.hub import unix_ms
from manyi.office.runtime import current
from manyi.office.tables.books import Ask, Books, opened
from manyi.office.tables.lists import TooMany
from manyi.office.tables.period import BadPeriod
from manyi.office.tables.turns import Crowded
from manyi.office.tables.workbook import TYPE

# Two answers at a time: a workbook of a year takes seconds, and the ledger's writer needs its core.
making = ThreadPoolExecutor(2, thread_name_prefix="office-tables")
Made = TypeVar("Made")


async def on_thread(make: Callable[..., Made], *parts: Any) -> Made:
    """The answer of `make`, made on a thread in the reader's language."""
    language = translation.get_language()

    def run() -> Made:
        with translation.override(language):
            return make(*parts)

    return await asyncio.get_running_loop().run_in_executor(making, run)


async def read(make: Callable[[Books], Made]) -> Made:
    """What `make` finds in the stores. Raises SourceDown."""
    settings, english = current().settings, (translation.get_language() or "").startswith("en")

    def run() -> Made:
        with opened(settings.data_dir, unix_ms(), settings.silent_ms, english) as books:
            return make(books)

    return await on_thread(run)


async def log(request: HttpRequest, event: str, subject: str, ask: Ask | None = None) -> None:
    """An entry of the audit log."""
    if not current().settings.login:
        return  # without accounts there is nobody to write down
    from manyi.office.access import audit  # noqa: PLC0415  models exist only after django.setup()

    detail: dict[str, Any] = {}
    if ask is not None:
        detail = {**ask.period.asked, "county": ask.county or "", "hall": ask.hall or ""}
        if ask.known:
            detail["known"] = ask.known.isoformat()
    await audit.arecord(request, audit.Event(event), subject=subject, **detail)


def said(request: HttpRequest, error: BadPeriod | TooMany | SourceDown | Crowded | str) -> HttpResponse:
    """A page that says why there is no table."""
    match error:
        case BadPeriod(too_long=True):
            status, text = 400, _("At most 366 days at a time.")
        case BadPeriod():
            status, text = 400, _("These days cannot be read. Choose the period again.")
        case TooMany():
            status, text = 413, _("More than 100,000 ratings: choose a shorter period or one county.")
        case Crowded():
            status, text = 429, _("Tables of yours are still being made. Wait for them, then ask again.")
        case SourceDown():
            status, text = 503, _("The figures cannot be read now: {why}").format(why=error)
        case str():
            status, text = 403, error
    return render(request, "tables/said.html", {"text": text}, status=status)


def attachment(body: bytes, plain: str, name: str) -> HttpResponse:
    """A workbook to be kept; the name in ASCII for old programs, in full for all others."""
    response = HttpResponse(body, content_type=TYPE)
    response.headers["Content-Disposition"] = (
        f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
    )
    return response


def who(request: HttpRequest) -> str:
    """Who asks, for a workbook that will lie about."""
    user = request.user
    if not user.is_authenticated:
        return _("without login, on this machine")
    return f"{getattr(user, 'display_name', '')} ({user.get_username()})"


def scope_here(request: HttpRequest) -> Scope:
    """How far whoever asks may look."""
    scope: Scope = request.office_scope  # type: ignore[attr-defined]  # needs() has put it there
    return scope
