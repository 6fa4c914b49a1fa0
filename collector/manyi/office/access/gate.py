"""The one door before every view: no rule, no answer. It refuses what a role may not, and holds back half-finished logins.

A password that somebody else set must be changed, and a role that needs a second factor must have one, before anything
else is answered. Streams ask again while they run (watch.py).
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from allauth.mfa.models import Authenticator
from asgiref.sync import sync_to_async
from django.contrib.auth import alogout
from django.http import HttpRequest, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.decorators import async_only_middleware

from manyi.office.access import audit, device, first
from manyi.office.access.models import User
from manyi.office.access.policy import Policy
from manyi.office.access.scope import Action, Role, refusal, scope_for, scope_of
from manyi.office.access.signals import STARTED
from manyi.office.runtime import current

Handler = Callable[[HttpRequest], Awaitable[HttpResponseBase]]

# Open to an account that still has to change its password, or to add its second factor.
CHANGING = frozenset({"account_change_password", "account_logout"})
ADDING = CHANGING | {
    "mfa_activate_totp",
    "mfa_reauthenticate",
    "account_reauthenticate",
}


@async_only_middleware
def gate(get_response: Handler) -> Handler:
    """Judges by the rule of the view that the address leads to."""

    async def handle(request: HttpRequest) -> HttpResponseBase:
        response = await get_response(request)
        if came_in := getattr(request, "office_came_in", ""):
            device.remember(request, response, came_in)
        if hasattr(request, "office_scope"):
            response.headers["Cache-Control"] = (
                "no-store"  # nothing behind a login stays in a browser's cache
            )
        return response

    handle.process_view = judge  # type: ignore[attr-defined]
    return handle


async def judge(
    request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
) -> HttpResponseBase | None:
    """None to go on; anything else is the answer."""
    rule = getattr(view, "rule", None)
    if rule == "public":
        return None
    machine = bool(getattr(view, "machine", False))
    scope = await scope_for(request)
    policy = current().settings.access
    name = request.resolver_match.view_name if request.resolver_match else ""
    if scope.role is None and name in CHANGING and await sync_to_async(has_first)(request.user):
        return None  # taken into possession before there is a role: nobody else can use it from then on
    if scope.role is None or not isinstance(rule, Action):
        return refusal(request, machine)
    if await _too_old(request, policy):
        await alogout(request)
        return refusal(request, machine)
    step = await sync_to_async(pending)(request.user, policy)
    if step and name not in (CHANGING if step == "account_change_password" else ADDING):
        return _unfinished(step, machine)
    return None if scope.may(rule) else await _refused(request, name, rule, machine)


async def _refused(request: HttpRequest, name: str, rule: Action, machine: bool) -> HttpResponseBase:
    """The front page is the address that everybody types: no attempt at anything, so it leads to the role's own page."""
    if name == "wall":
        return HttpResponseRedirect(reverse("home"))
    await audit.arecord(request, audit.Event.refused, subject=request.path, rule=rule)
    return refusal(request, machine)


def _unfinished(step: str, machine: bool) -> HttpResponseBase:
    if machine:
        return JsonResponse({"error": "login not finished"}, status=403)
    return HttpResponseRedirect(reverse(step))


def pending(user: Any, policy: Policy) -> str:
    """The name of the page that this account must finish first; "" if its login is complete."""
    if not isinstance(user, User):
        user = User.objects.get(pk=user.pk)
    if Role(user.role) is Role.screen:
        return ""  # nobody there to type a code; its link came from the console
    if first.is_first(user):
        return "account_change_password"
    if user.role in policy.second_factor and not _has_factor(user):
        return "mfa_activate_totp"
    return ""


def has_first(user: Any) -> bool:
    """Whether an account that may log in still has the password that somebody else set."""
    found = User.objects.filter(pk=user.pk, is_active=True).first()
    return found is not None and first.is_first(found)


def complete(user: Any, policy: Policy) -> bool:
    """Whether this account may use what its role grants now."""
    return scope_of(user).role is not None and not pending(user, policy)


def _has_factor(user: User) -> bool:
    return bool(Authenticator.objects.filter(user_id=user.pk, type=Authenticator.Type.TOTP).exists())


async def _too_old(request: HttpRequest, policy: Policy) -> bool:
    """The session's absolute life. An unattended wall's session has its own."""
    if scope_of(request.user).role is Role.screen:
        return False
    started: float = await request.session.aget(STARTED, 0)
    return time.time() - started > policy.session_hours * 3600
