"""The pages people look at: wall, hall screen, errors. They hold no figure; the stream brings those. No method but reading."""

from __future__ import annotations

import functools
from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from manyi.office import words
from manyi.office.access.scope import Action, Scope, needs, public
from manyi.office.errors import HallUnknown, SourceDown
from manyi.office.frames import encode
from manyi.office.hub import unix_ms
from manyi.office.runtime import current


@needs(Action.wall)
async def wall(request: HttpRequest) -> HttpResponse:
    """The live wall."""
    return _page(request, "office/wall.html", {"words": words.wall(), **_marking(request)})


@public
async def hall(request: HttpRequest, hall: str) -> HttpResponse:
    """A hall's public screen. A store that is down is no reason to refuse: the screen says that it waits."""
    parts = current()
    try:
        read = functools.partial(parts.source.hall, hall, unix_ms())
        await parts.hub.ask(f"hall/{hall}", read, encode)
    except HallUnknown:
        return _error(request, 404, _("There is no such hall."))
    except SourceDown:
        pass
    return _page(request, "office/hall.html", {"words": words.hall(), "hall": hall})


@public
async def language(request: HttpRequest, code: str) -> HttpResponse:
    """Remember the language and go back to the screen. Harmless enough for GET; the cookie is the office's only one."""
    back = request.GET.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        back = "/"
    response = HttpResponseRedirect(back)
    if code in dict(settings.LANGUAGES):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            code,
            max_age=settings.LANGUAGE_COOKIE_AGE,
            samesite=settings.LANGUAGE_COOKIE_SAMESITE,
            httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
        )
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A host name this service does not answer to, or a request that cannot be read."""
    if isinstance(exception, DisallowedHost):
        return _error(
            request, 400, _("This address is not allowed. Its name belongs in [web] allowed_hosts.")
        )
    return _error(request, 400, _("The request cannot be read. Open the page again."))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Whatever a package refuses by itself."""
    return _error(request, 403, _("This is not allowed."))


def too_many(request: HttpRequest) -> HttpResponse:
    """Faster than anybody types."""
    return _error(request, 429, _("Too many at once. Wait five minutes and try again."))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """No such page."""
    return _error(request, 404, _("There is no such page."))


def server_error(request: HttpRequest) -> HttpResponse:
    """A bug; the log has it."""
    return _error(request, 500, _("The server made a mistake. Its log says which."))


def _page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    response = render(request, template, context | {"build": current().build, "now_ms": unix_ms()})
    response.headers["Cache-Control"] = "no-store"
    return response


def _marking(request: HttpRequest) -> dict[str, Any]:
    """Where this account marks ratings as known (已知悉), and whether it may mark forked boxes too; `elsewhere` if it may,
    but in the collecting zone alone.
    """
    scope: Scope = request.office_scope  # type: ignore[attr-defined]
    settings = current().settings
    if not settings.login or not scope.may(Action.known):
        return {}
    if settings.inner:
        return {"elsewhere": True}
    return {"mark": reverse("known"), "forks": scope.whole_city}


def _error(request: HttpRequest, status: int, text: str) -> HttpResponse:
    return render(request, "office/error.html", {"status": status, "text": text}, status=status)
