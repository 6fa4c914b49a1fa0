"""The empty workbook in which offices tell their windows, staff and duty, for whoever fills it in.

It refuses to take a filled one: the roster is imported on the server, where its errors are shown cell by cell
(docs/ROSTER.md).
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from manyi.core.roster import template
from manyi.office.access.scope import Action, needs
from manyi.office.tables.answers import attachment, log, on_thread


@needs(Action.roster)
async def blank(request: HttpRequest) -> HttpResponseBase:
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    lang = "en" if (get_language() or "").startswith("en") else "zh"
    body = await on_thread(template.workbook, lang)
    await log(request, "export", "roster-template")
    return attachment(body, "roster-template.xlsx", f"{_('Roster template')}.xlsx")
