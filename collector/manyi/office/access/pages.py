"""Pages about oneself, and the answers that say no. It refuses to change anything but one's own session."""

from __future__ import annotations

from typing import Any

from allauth.core.internal import ratelimit
from allauth.mfa.models import Authenticator
from allauth.socialaccount.providers.openid_connect import views as oidc
from asgiref.sync import sync_to_async
from django.contrib.auth import login
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from manyi.office.access import audit
from manyi.office.access.adapters import APP
from manyi.office.access.gate import has_first
from manyi.office.access.menu import menu
from manyi.office.access.models import User
from manyi.office.access.policy import LINK_MINUTES, LOCK_MINUTES, SCREEN_DAYS
from manyi.office.access.scope import Action, Role, needs, public, scope_for

LINK_SALT = "manyi.office.screen"
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
TOO_MANY = 429


@public
async def home(request: HttpRequest) -> HttpResponseBase:
    """Where a login leads when nothing else was asked for."""
    scope = await scope_for(request)
    if not scope.role and not request.user.is_authenticated:
        return HttpResponseRedirect(reverse("account_login"))
    if not scope.role and await sync_to_async(has_first)(request.user):
        return HttpResponseRedirect(reverse("account_change_password"))
    if not scope.role:
        return render(request, "access/forbidden.html", {"roleless": True}, status=403)
    return HttpResponseRedirect(next((address for address, _label in menu(scope)), reverse("me")))


@needs(Action.self)
async def me(request: HttpRequest) -> HttpResponseBase:
    """Who I am here, and what I may do about it."""
    return await sync_to_async(_me)(request)


@needs(Action.self)
async def factor(request: HttpRequest) -> HttpResponseBase:
    """allauth's name for the page that shows the second factor: the same page."""
    return HttpResponseRedirect(reverse("me"))


def _me(request: HttpRequest) -> HttpResponse:
    found = {each.type for each in Authenticator.objects.filter(user_id=request.user.pk)}
    return render(
        request,
        "access/me.html",
        {"totp": Authenticator.Type.TOTP in found, "codes": Authenticator.Type.RECOVERY_CODES in found},
    )


def sso(request: HttpRequest, provider_id: str) -> HttpResponse:
    """On the way to the identity provider. Whoever has no account can set out, and must not do so without end."""
    if not ratelimit.consume(request, app=APP, action="sso_started"):
        refused: HttpResponse = ratelimit.respond_429(request)
        return refused
    answer: HttpResponse = oidc.login(request, provider_id)
    return answer


@public
async def screen(request: HttpRequest, token: str) -> HttpResponseBase:
    """An unattended wall's login, once. A button, so that no preview of the link uses it up."""
    return await sync_to_async(_screen)(request, token)


def _screen(request: HttpRequest, token: str) -> HttpResponse:
    try:
        number, link = signing.loads(token, salt=LINK_SALT, max_age=LINK_MINUTES * 60)
    except (signing.BadSignature, ValueError, TypeError):
        return _spent(request)
    if request.method != "POST":
        return render(request, "access/screen.html")
    # One statement finds the link and uses it up: two browsers cannot both win.
    if not link or not User.objects.filter(pk=number, link=link, role=Role.screen, is_active=True).update(
        link=""
    ):
        return _spent(request)
    user = User.objects.get(pk=number)
    login(request, user, backend=BACKEND)
    request.session.set_expiry(SCREEN_DAYS * 24 * 3600)
    audit.record(request, audit.Event.screen_opened, subject=user.username, actor=user)
    return HttpResponseRedirect(reverse("wall"))


def _spent(request: HttpRequest) -> HttpResponse:
    text = _("This link was used or is too old. Make a new one: manyi office screen")
    return render(request, "access/said.html", {"title": _("Link not valid"), "text": text}, status=403)


def locked(request: HttpRequest, response: Any = None, credentials: Any = None, *_more: Any) -> HttpResponse:
    """What axes answers to a locked pair of account and address."""
    text = _("What to do: wait {minutes} minutes, or ask the security officer to unlock the account.")
    return render(request, "access/locked.html", {"todo": text.format(minutes=LOCK_MINUTES)}, status=TOO_MANY)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that did not come from our own page, or that lay open for too long."""
    return render(
        request,
        "access/said.html",
        {
            "title": _("This form is too old"),
            "text": _("Open the page again and send the form once more. Cookies must be allowed."),
        },
        status=403,
    )
