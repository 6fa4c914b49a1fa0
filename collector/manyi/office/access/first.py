"""First passwords: set by somebody else, good for one login and a few days, and told to the owner with when and by whom.

Whoever hands one over could use it first. Then the owner's own login is refused and says when and from where it was used;
the audit log names who made it. It refuses to be anybody's lasting password: nothing else is answered until it was changed.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import reauthenticate_by_password
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from manyi.office.access import audit
from manyi.office.access.models import User
from manyi.office.access.policy import FIRST_PASSWORD_HOURS

# Of URL-safe characters, 6 bits each: 96 bits, typed once and then changed.
CHARACTERS = 12


def made(user: User, by: str) -> str:
    """Give the account a random first password; answers it. The caller saves."""
    password = secrets.token_urlsafe(CHARACTERS * 3 // 4)
    given(user, password, by)
    return password


def given(user: User, password: str, by: str) -> None:
    """This one, typed by whoever is `by`."""
    user.set_password(password)
    user.must_change = True
    user.password_by, user.password_at, user.password_used = by, timezone.now(), None


def is_first(user: User) -> bool:
    return user.must_change and user.has_usable_password()


def refused(request: HttpRequest, user: User) -> HttpResponse | None:
    """The answer to a right first password that is good no more; None if it is good, or another's login."""
    if not is_first(user):
        return None
    ends = user.password_at + timedelta(hours=FIRST_PASSWORD_HOURS)
    if not user.password_used and timezone.now() < ends:
        return None
    return _spent(request, user, "used" if user.password_used else "too old")


def _spent(request: HttpRequest, user: User, why: str) -> HttpResponse:
    audit.record(request, audit.Event.first_refused, subject=user.username, why=why, made_by=user.password_by)
    ends = user.password_at + timedelta(hours=FIRST_PASSWORD_HOURS)
    return render(request, "access/spent.html", {"user_": user, "ends": ends}, status=403)


def use_up(request: HttpRequest, user: User) -> None:
    """A first password opens its one session now. Raises ImmediateHttpResponse if another login was faster, which came
    as far as this with the same password; nothing of this one is left then.
    """
    if not (is_first(user) and _by_password(request, user)):
        return
    now = timezone.now()
    # One statement asks and answers: two logins at the same moment cannot both win.
    if not User.objects.filter(pk=user.pk, password_used=None).update(password_used=now):
        request.session.flush()
        user.refresh_from_db()
        request.user = AnonymousUser()
        raise ImmediateHttpResponse(_spent(request, user, "used"))


def _by_password(request: HttpRequest, user: User) -> bool:
    return any(each["method"] == "password" for each in get_authentication_records(request, user))


def came_in(request: HttpRequest, user: User, address: str) -> None:
    """Notes an account's first login ever."""
    now, changes = timezone.now(), dict[str, Any]()
    by_password = _by_password(request, user)
    if user.first_login is None:
        changes |= {"first_login": now, "first_address": address}
        audit.record(
            request, audit.Event.first_login, subject=user.username, actor=user, made_by=user.made_by
        )
    if changes:
        User.objects.filter(pk=user.pk).update(**changes)
    if by_password and not Authenticator.objects.filter(user_id=user.pk).exists():
        reauthenticate_by_password(request)  # the page that adds the second factor need not ask for it again


def changed(request: HttpRequest, user: User) -> None:
    """The owner has chosen his own, and typed the old one for it."""
    User.objects.filter(pk=user.pk).update(must_change=False, password_by="", password_used=None)
    user.must_change, user.password_by, user.password_used = False, "", None
    reauthenticate_by_password(request)
