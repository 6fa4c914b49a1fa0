"""What Django, allauth and axes report becomes entries of the audit log. It refuses to decide anything."""

from __future__ import annotations

from typing import Any

from allauth.account.signals import password_changed, password_set
from allauth.mfa import signals as factor
from allauth.mfa.models import Authenticator
from auditlog.models import LogEntry
from axes.signals import user_locked_out
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models.signals import post_save
from django.http import HttpRequest
from django.utils import timezone

from manyi.office.access import device, first
from manyi.office.access.adapters import address, typed_name
from manyi.office.access.audit import Event, copy, record
from manyi.office.access.models import User, end_sessions

# Unix seconds at which the session's owner logged in; its absolute life counts from there.
STARTED = "manyi.started"


def connect() -> None:
    """Called once, when the models exist."""
    user_logged_in.connect(_in, dispatch_uid="manyi.in")
    user_logged_out.connect(_out, dispatch_uid="manyi.out")
    user_login_failed.connect(_failed, dispatch_uid="manyi.failed")
    user_locked_out.connect(_locked, dispatch_uid="manyi.locked")
    for signal in (password_changed, password_set):
        signal.connect(_password, dispatch_uid="manyi.password")
    for signal, event in (
        (factor.authenticator_added, Event.factor_added),
        (factor.authenticator_removed, Event.factor_removed),
        (factor.authenticator_reset, Event.factor_renewed),
        (factor.authentication_failed, Event.factor_failed),
    ):
        signal.connect(_factor(event), dispatch_uid=f"manyi.{event}", weak=False)
    post_save.connect(copy, sender=LogEntry, dispatch_uid="manyi.syslog")


def _in(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
    first.use_up(request, user)
    request.session[STARTED] = int(timezone.now().timestamp())
    record(request, Event.login, subject=user.username, actor=user)
    first.came_in(request, user, address(request))
    request.office_came_in = user.username  # type: ignore[attr-defined]  # the gate has the answer to put the cookie on


def _out(sender: Any, request: HttpRequest | None, user: User | None, **_: Any) -> None:
    if user is not None:
        record(request, Event.logout, subject=user.username, actor=user)


def _failed(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    record(request, Event.login_failed, subject=typed_name(request, credentials))


def _locked(sender: Any, request: HttpRequest, username: str, **_: Any) -> None:
    record(request, Event.locked, subject=device.account(username))


def _password(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
    first.changed(request, user)
    record(request, Event.password_changed, subject=user.username, actor=user)


def _factor(event: Event) -> Any:
    def note(sender: Any, request: HttpRequest, user: User, **more: Any) -> None:
        kind = getattr(more.get("authenticator"), "type", "")
        record(request, event, subject=user.username, actor=user, kind=kind)
        if event is Event.factor_added and kind == Authenticator.Type.TOTP:
            end_sessions(user, besides=request.session.session_key)  # they came in by the password alone

    return note
