"""已知悉: somebody who may says that a dissatisfied rating has been seen. By POST, with a token, by a named account alone.

Without accounts there is no name to stand for it: the address does not exist and the button is not drawn. It refuses a
rating of another place, one that is not dissatisfied, a second word (core.known keeps the first), and to write into an
inner zone's copy of the ledger.
"""

from __future__ import annotations

import sqlite3

from django.http import HttpRequest, HttpResponseNotAllowed, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from manyi.core import known, stores
from manyi.core.errors import CopyError, InputError, LedgerError
from manyi.core.ratings import store as ratings
from manyi.core.ratings.settle import DISSATISFIED
from manyi.office.access import audit
from manyi.office.access.scope import Action, Scope, needs
from manyi.office.hub import unix_ms
from manyi.office.runtime import current
from manyi.office.tables.answers import on_thread, scope_here

PARTS = 3  # box/life/seq
SEQ_MAX = 10  # digits of a 32-bit number; the database could not hold much longer ones
ID_MAX = 96  # characters: a box of 24, a life of 16, a number


@needs(Action.known, machine=True)
async def mark(request: HttpRequest) -> HttpResponseBase:
    """Marks the rating `id` and answers {"ok": true}, or why not in the reader's language."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    scope = scope_here(request)
    rating = request.POST.get("id", "")
    by = (getattr(request.user, "display_name", "") or request.user.get_username())[: known.NAME_MAX]
    status, why = await on_thread(_mark, rating, scope, by, (get_language() or "").startswith("en"))
    if status == 200:
        await audit.arecord(request, audit.Event.known, subject=rating)
    elif status == 403:
        await audit.arecord(request, audit.Event.refused, subject=rating, rule=Action.known)
    return JsonResponse(
        {"ok": True} if status == 200 else {"error": why or _("There is no such rating.")}, status=status
    )


def _mark(rating: str, scope: Scope, by: str, english: bool) -> tuple[int, str]:
    """(status, why not)."""
    parts = rating[:ID_MAX].split("/")
    if len(parts) != PARTS or not (parts[2].isascii() and parts[2].isdigit() and len(parts[2]) <= SEQ_MAX):
        return 404, ""
    box, life, seq = parts[0], parts[1], int(parts[2])
    folder = current().settings.data_dir
    try:
        conn = stores.open_reader(folder / "ratings.db")
        try:
            found = ratings.one(conn, box, life, seq)
        finally:
            conn.close()
        if found is None or found.level != DISSATISFIED:
            return 404, ""
        if not scope.sees_hall(found.hall, found.county):
            return 403, ""
        known.mark(folder / "ledger.db", box, life, seq, by, unix_ms(), role=str(scope.role or ""))
    except (InputError, CopyError) as error:
        elsewhere = _("This is the inner zone: mark it on the collecting zone's web page.")
        return 409, elsewhere if isinstance(error, CopyError) else _half(str(error), english)
    except (LedgerError, sqlite3.Error) as error:
        return 503, str(error)
    return 200, ""


def _half(text: str, english: bool) -> str:
    """The core says everything in both languages."""
    zh, _slash, en = text.partition(" / ")
    return (en or zh) if english else zh
