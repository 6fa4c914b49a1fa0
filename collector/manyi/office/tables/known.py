"""已知悉: somebody who may says that a dissatisfied rating, or a box that told two stories, has been seen. By POST, with a
token, by a named account alone.

Without accounts there is no name to stand for it: the address does not exist and the button is not drawn. It refuses a
rating of another place, one that is not dissatisfied, a second word (core.known keeps the first), and to write into an
inner zone's copy of the ledger.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

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
from manyi.office.errors import SourceDown
from manyi.office.hub import unix_ms
from manyi.office.runtime import current
from manyi.office.tables.answers import on_thread, read, scope_here
from manyi.words import apart

PARTS = 3  # box/life/seq
SEQ_MAX = 10  # digits of a 32-bit number; the database could not hold much longer ones
ID_MAX = 96  # characters: a box of 24, a life of 16, a number


@needs(Action.known, machine=True)
async def mark(request: HttpRequest) -> HttpResponseBase:
    """Marks the rating `id`, or the box `fork`, and answers {"ok": true}, or why not in the reader's language."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    box, rating = request.POST.get("fork", "")[:ID_MAX], request.POST.get("id", "")[:ID_MAX]
    by = (getattr(request.user, "display_name", "") or request.user.get_username())[: known.NAME_MAX]
    scope = scope_here(request)
    if box:
        status, why = await _fork(box, scope, by)
    else:
        status, why = await on_thread(_said, _rating, rating, scope, by)
    what = f"fork {box}" if box else rating
    if status == 200:
        await audit.arecord(request, audit.Event.known, subject=what)
    elif status == 403:
        await audit.arecord(request, audit.Event.refused, subject=what, rule=Action.known)
    return JsonResponse(
        {"ok": True} if status == 200 else {"error": why or _("There is no such rating.")}, status=status
    )


async def _fork(box: str, scope: Scope, by: str) -> tuple[int, str]:
    """Judged by where the box hangs now, as its alarm is."""
    try:
        place = await read(lambda books: books.roster.where(box, books.now_ms))
    except SourceDown as error:
        return 503, str(error)
    if not scope.sees_hall(place.hall, place.county):
        return 403, ""
    return await on_thread(_said, _forked, box, scope, by)


def _said(work: Callable[[str, Scope, str], int], what: str, scope: Scope, by: str) -> tuple[int, str]:
    """(status, why not) of that work, in the reader's language: the core says everything in both."""
    try:
        return work(what, scope, by), ""
    except CopyError:
        return 409, _("This is the inner zone: mark it on the collecting zone's web page.")
    except InputError as error:
        zh, en = apart(error)
        return 409, en if (get_language() or "").startswith("en") else zh
    except (LedgerError, sqlite3.Error) as error:
        return 503, str(error)


def _forked(box: str, scope: Scope, by: str) -> int:
    ledger = current().settings.data_dir / "ledger.db"
    known.mark_forks(ledger, box, by, unix_ms(), role=str(scope.role or ""))
    return 200


def _rating(rating: str, scope: Scope, by: str) -> int:
    parts = rating.split("/")
    if len(parts) != PARTS or not (parts[2].isascii() and parts[2].isdigit() and len(parts[2]) <= SEQ_MAX):
        return 404
    box, life, seq = parts[0], parts[1], int(parts[2])
    folder = current().settings.data_dir
    with closing(stores.open_reader(folder / "ratings.db")) as conn:
        found = ratings.one(conn, box, life, seq)
    if found is None or found.level != DISSATISFIED:
        return 404
    if not scope.sees_hall(found.hall, found.county):
        return 403
    known.mark(folder / "ledger.db", box, life, seq, by, unix_ms(), role=str(scope.role or ""))
    return 200
