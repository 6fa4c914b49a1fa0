"""The pages of the administrator (who has an account) and of the security officer (what it may do).

Kept apart: whoever makes accounts and passwords grants no role and resets no second factor, whoever does so makes no
account and knows no password, so that neither alone can be somebody else; and neither touches an officer or himself.
Officers are made on the console (`manyi office officer`). Every change is an entry of the audit log.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from asgiref.sync import sync_to_async
from auditlog.context import set_actor
from axes.models import AccessAttempt
from axes.utils import reset
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from manyi.office.access import audit, device, first
from manyi.office.access.files import attached, column
from manyi.office.access.forms import AccountForm, NewAccountForm, Places, RoleForm
from manyi.office.access.models import User, end_sessions
from manyi.office.access.policy import FAILURES, FIRST_PASSWORD_HOURS, LOCK_MINUTES, SCREEN_DAYS
from manyi.office.access.scope import OFFICERS, Action, Role, needs
from manyi.office.errors import SourceDown
from manyi.office.frames import encode
from manyi.office.runtime import current
from manyi.office.tables.model import Cell, Kind

_Places = dict[str, list[tuple[str, str, str]]]


@needs(Action.accounts)
async def accounts(request: HttpRequest) -> HttpResponseBase:
    """Every account."""
    return await sync_to_async(_list)(request, "access/accounts.html")


@needs(Action.accounts)
async def accounts_file(request: HttpRequest) -> HttpResponseBase:
    """The same as a workbook."""
    return await sync_to_async(_accounts_file)(request)


@needs(Action.accounts)
async def account_new(request: HttpRequest) -> HttpResponseBase:
    """A new account, without a role; its first password is shown once."""
    return await sync_to_async(_acting(_new))(request)


@needs(Action.accounts)
async def account_edit(request: HttpRequest, number: int) -> HttpResponseBase:
    """An account's name, and whether it may be used; a new first password."""
    return await sync_to_async(_acting(_edit))(request, number)


@needs(Action.roles)
async def roles(request: HttpRequest) -> HttpResponseBase:
    """Every account with its role, and whether it is locked."""
    return await sync_to_async(_list)(request, "access/roles.html")


@needs(Action.roles)
async def roles_file(request: HttpRequest) -> HttpResponseBase:
    """The same as a workbook."""
    return await sync_to_async(_roles_file)(request)


@needs(Action.roles)
async def role_edit(request: HttpRequest, number: int) -> HttpResponseBase:
    """An account's role and place; unlock it; reset its second factor."""
    return await sync_to_async(_acting(_role))(request, number, await _places())


async def _places() -> Places | None:
    """What the roster offers as places; None if it cannot be read now."""
    parts = current()
    try:
        return msgspec.json.decode(await parts.hub.ask("units", parts.source.roster, encode), type=_Places)
    except SourceDown:
        return None


def _acting(work: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    def done(request: HttpRequest, *parts: Any) -> HttpResponse:
        with set_actor(request.user, request.META.get("REMOTE_ADDR")), transaction.atomic():
            return work(request, *parts)

    return done


def _list(request: HttpRequest, template: str) -> HttpResponse:
    return render(request, template, {"rows": _rows(request, template)})


def _rows(request: HttpRequest, template: str) -> list[dict[str, Any]]:
    failing = {device.account(name) for name in AccessAttempt.objects.values_list("username", flat=True)}
    armed = set(Authenticator.objects.filter(type=Authenticator.Type.TOTP).values_list("user_id", flat=True))
    return [
        {
            "user": user,
            "role": _named(user),
            "failing": user.username in failing,
            "factor": user.pk in armed,
            "state": state(user),
            "mine": not untouchable(request, user) and (user.role != Role.screen or "accounts" in template),
        }
        for user in User.objects.all()
    ]


def _accounts_file(request: HttpRequest) -> HttpResponse:
    columns = [column(_("Account name")), column(_("Name")), column(_("State")),
               column(_("Last login"), Kind.moment)]  # fmt: skip
    rows: list[list[Cell]] = [
        [user.username, user.display_name, state(user), int(user.last_login.timestamp() * 1000) if user.last_login else 0]
        for user in User.objects.all()
    ]  # fmt: skip
    rules = [
        (_("A first password opens an account once, within hours"), FIRST_PASSWORD_HOURS),
        (_("A session ends without a click, after minutes"), current().settings.access.idle_minutes,
         _("and in any case, after hours"), current().settings.access.session_hours,
         _("a wall's, after days"), SCREEN_DAYS),
    ]  # fmt: skip
    audit.record(request, audit.Event.export, subject="accounts")
    return attached(request, "accounts", _("Accounts"), columns, rows, rules)


def _roles_file(request: HttpRequest) -> HttpResponse:
    columns = [
        column(head)
        for head in (_("Account name"), _("Name"), _("Role"), _("County"), _("Hall"), _("Member of staff"),
                     _("Second factor"), _("State"))
    ]  # fmt: skip
    rows: list[list[Cell]] = [
        [(user := row["user"]).username, user.display_name, row["role"], user.county, user.hall, user.staff,
         _("On") if row["factor"] else "",
         _("Disabled") if not user.is_active else _("Wrong passwords") if row["failing"] else ""]
        for row in _rows(request, "roles")
    ]  # fmt: skip
    needed = current().settings.access.second_factor
    rules = [
        (_("Wrong passwords before an account is locked where they came from"), FAILURES,
         _("Locked for, minutes"), LOCK_MINUTES),
        (_("Roles that need a second factor"), *(_of(Role(role)) for role in needed)),
    ]  # fmt: skip
    audit.record(request, audit.Event.export, subject="roles")
    return attached(request, "roles", _("Roles and unlocking"), columns, rows, rules)


def state(user: User) -> str:
    """Whether it can be used, in the reader's language."""
    if not user.is_active:
        return _("Disabled")
    return _("First password") if first.is_first(user) else _("In use")


def _named(user: User) -> str:
    return _of(Role(user.role)) if user.role else ""


def _of(role: Role) -> str:
    return role.en if get_language() == "en" else role.zh


def untouchable(request: HttpRequest, user: User) -> bool:
    """Nobody changes himself here, and an officer is changed on the console alone."""
    return user.pk == request.user.pk or user.role in OFFICERS


def _other(request: HttpRequest, number: int) -> User:
    user = User.objects.filter(pk=number).first()
    if user is None or untouchable(request, user):
        raise Http404
    return user


def _new(request: HttpRequest) -> HttpResponse:
    form = NewAccountForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = form.save(commit=False)
        user.made_by = request.user.get_username()
        password = first.made(user, user.made_by)
        user.save()
        audit.record(request, audit.Event.account_made, subject=user.username)
        return _secret(request, user, password, "accounts")
    return render(request, "access/account.html", {"form": form, "user_": None})


def _edit(request: HttpRequest, number: int) -> HttpResponse:
    user = _other(request, number)
    if request.POST.get("do") == "password" and user.role != Role.screen:
        password = first.made(user, request.user.get_username())
        user.save()
        unlock(user.username)
        audit.record(request, audit.Event.password_reset, subject=user.username)
        return _secret(request, user, password, "accounts")
    form = AccountForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        form.save()
        if not user.is_active:
            end_sessions(user)
        audit.record(request, audit.Event.account_changed, subject=user.username)
        return HttpResponseRedirect(reverse("accounts"))
    return render(request, "access/account.html", {"form": form, "user_": user})


def _role(request: HttpRequest, number: int, places: Places | None) -> HttpResponse:
    user = _other(request, number)
    if user.role == Role.screen:
        raise Http404  # walls are made and renewed on the console
    wanted = request.POST.get("do", "") if request.method == "POST" else ""
    form = RoleForm(request.POST if wanted == "role" else None, instance=user, places=places)
    match wanted:
        case "role" if form.is_valid():
            before = User.objects.get(pk=user.pk)
            form.save()
            audit.record(
                request,
                audit.Event.role_changed,
                subject=user.username,
                before=_place(before),
                after=_place(user),
            )
            return HttpResponseRedirect(reverse("roles"))
        case "unlock":
            unlock(user.username)
            audit.record(request, audit.Event.unlocked, subject=user.username)
            return HttpResponseRedirect(reverse("roles"))
        case "factor":
            reset_factor(user)
            audit.record(request, audit.Event.factor_reset, subject=user.username)
            return HttpResponseRedirect(reverse("roles"))
        case _:
            factor = any(
                kind.objects.filter(user_id=user.pk).exists() for kind in (Authenticator, SocialAccount)
            )
            return render(request, "access/role.html", {"form": form, "user_": user, "factor": factor})


def _secret(request: HttpRequest, user: User, password: str, back: str) -> HttpResponse:
    response = render(
        request, "access/password.html", {"user_": user, "password": password, "back": reverse(back)}
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _place(user: User) -> str:
    return " ".join(part for part in (user.role or "-", user.county, user.hall, user.staff) if part)


def unlock(username: str) -> int:
    """Forget the failures of that account, at its own browsers too; answers how many rows there were."""
    own = AccessAttempt.objects.filter(username__startswith=f"{username}{device.JOINT}").delete()[0]
    return int(reset(username=username)) + int(own)


def reset_factor(user: User) -> None:
    """The account logs in by password alone next time, and adds a second factor then if its role needs one. Its match to
    an identity of single sign-on is forgotten too: the next one of its name is taken."""
    Authenticator.objects.filter(user_id=user.pk).delete()
    SocialAccount.objects.filter(user_id=user.pk).delete()
    end_sessions(user)
