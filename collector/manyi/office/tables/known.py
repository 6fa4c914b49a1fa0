"""已知悉: somebody who may says that a dissatisfied rating, or a box that told two stories, has been seen. By POST, with a
token, by a named account alone.

Without accounts there is no name to stand for it: the address does not exist and the button is not drawn. It refuses a
rating of another place, one that is not dissatisfied, a second word (core.known keeps the first), to end the alarm of a
cloned box for anybody but the centre (whoever could have cloned it sits in its hall), and to write into an inner zone's
copy of the ledger.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import NamedTuple

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
from manyi.words import apart

PARTS = 3  # box/life/seq
SEQ_MAX = 10  # digits of a 32-bit number; the database could not hold much longer ones
ID_MAX = 96  # characters: a box of 24, a life of 16, a number


class Who(NamedTuple):
    """Who says it: the name that screens show, the account, and how far it may look."""

    name: str
    account: str
    scope: Scope


@needs(Action.known, machine=True)
async def mark(request: HttpRequest) -> HttpResponseBase:
    """Marks the rating `id`, or the box `fork`, and answers {"ok": true}, or why not in the reader's language."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    box, rating = request.POST.get("fork", "")[:ID_MAX], request.POST.get("id", "")[:ID_MAX]
    account = request.user.get_username()
    who = Who(
        (getattr(request.user, "display_name", "") or account)[: known.NAME_MAX], account, scope_here(request)
    )
    if box and not who.scope.whole_city:
        status, why = 403, ""
    elif box:
        status, why = await on_thread(_said, _forked, box, who)
    else:
        status, why = await on_thread(_said, _rating, rating, who)
    what = f"fork {box}" if box else rating
    if status == 200:
        await audit.arecord(request, audit.Event.known, subject=what)
    elif status == 403:
        await audit.arecord(request, audit.Event.refused, subject=what, rule=Action.known)
    return JsonResponse(
        {"ok": True} if status == 200 else {"error": why or _("There is no such rating.")}, status=status
    )


def _said(work: Callable[[str, Who], int], what: str, who: Who) -> tuple[int, str]:
    """(status, why not) of that work, in the reader's language: the core says everything in both."""
    try:
        return work(what, who), ""
    except CopyError:
        return 409, _("This is the inner zone: mark it on the collecting zone's web page.")
    except InputError as error:
        zh, en = apart(error)
        return 409, en if (get_language() or "").startswith("en") else zh
    except (LedgerError, sqlite3.Error) as error:
        return 503, str(error)


def _forked(box: str, who: Who) -> int:
    ledger = current().settings.data_dir / "ledger.db"
    known.mark_forks(ledger, box, who.name, unix_ms(), role=str(who.scope.role or ""), account=who.account)
    return 200


def _rating(rating: str, who: Who) -> int:
    parts = rating.split("/")
    if len(parts) != PARTS or not (parts[2].isascii() and parts[2].isdigit() and len(parts[2]) <= SEQ_MAX):
        return 404
    box, life, seq = parts[0], parts[1], int(parts[2])
    folder = current().settings.data_dir
    with closing(stores.open_reader(folder / "ratings.db")) as conn:
        found = ratings.one(conn, box, life, seq)
    if found is None or found.level != DISSATISFIED:
        return 404
    if not who.scope.sees_hall(found.hall, found.county):
        return 403
    role = str(who.scope.role or "")
    known.mark(folder / "ledger.db", box, life, seq, who.name, unix_ms(), role=role, account=who.account)
    return 200
