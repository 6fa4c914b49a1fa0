"""The audit log: who did what, when, from where. Entries are django-auditlog's; a copy of each goes to syslog.

Nothing here edits an entry, and the database refuses it too (migration 0002). Only what is older than keep_days is
removed, by prune() alone. It refuses passwords, codes and links: an event names who and what, never a secret.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import time
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from asgiref.sync import sync_to_async
from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Min
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from manyi.core.config import AUDIT_MIN_DAYS
from manyi.core.errors import SetupError
from manyi.office.access.fold import Fold
from manyi.office.access.models import User

# A subject or detail that somebody typed is cut here; the log is no place to store things.
TEXT_CHARACTERS = 200
# A clock that has jumped ahead, or was set so, makes every entry old: the log loses a week by it, not all that it has.
PRUNE_DAYS = 7
CONSOLE = "(console)"  # who acts where nobody is logged in
TOO_MANY = 429
# What is never told by its number alone: an account that has filled its day (fold.py) does no more of these.
REFUSED_WHEN_FULL = frozenset(
    {
        "account_made",
        "account_changed",
        "role_changed",
        "password_reset",
        "factor_reset",
        "unlocked",
        "export",
    }
)

_lock = Lock()
_fold: Fold[LogEntry] = Fold()
_syslog = logging.getLogger("manyi.audit.syslog")
_syslog.propagate = False
_syslog.setLevel(logging.INFO)


class Event(StrEnum):
    """What is logged besides changes of accounts, which django-auditlog sees by itself."""

    login = "login"
    first_login = "first_login"
    first_refused = "first_refused"
    login_failed = "login_failed"
    locked = "locked"
    unlocked = "unlocked"
    logout = "logout"
    password_changed = "password_changed"
    password_reset = "password_reset"
    factor_added = "factor_added"
    factor_removed = "factor_removed"
    factor_renewed = "factor_renewed"
    factor_failed = "factor_failed"
    factor_reset = "factor_reset"
    account_made = "account_made"
    account_changed = "account_changed"
    role_changed = "role_changed"
    screen_link = "screen_link"
    screen_opened = "screen_opened"
    sso_connected = "sso_connected"
    sso_refused = "sso_refused"
    refused = "refused"
    export = "export"
    known = "known"
    person_viewed = "person_viewed"
    audit_read = "audit_read"


NAMES = {
    Event.login: ("登录", "Login"),
    Event.first_login: ("账号首次登录", "First login of the account"),
    Event.first_refused: ("初始口令失效被拒", "First password refused"),
    Event.login_failed: ("登录失败", "Login failed"),
    Event.locked: ("账号锁定", "Locked"),
    Event.unlocked: ("解除锁定", "Unlocked"),
    Event.logout: ("退出", "Logout"),
    Event.password_changed: ("修改口令", "Password changed"),
    Event.password_reset: ("重置口令", "Password reset"),
    Event.factor_added: ("启用二次验证", "Second factor added"),
    Event.factor_removed: ("停用二次验证", "Second factor removed"),
    Event.factor_renewed: ("更换恢复码", "Recovery codes renewed"),
    Event.factor_failed: ("二次验证失败", "Second factor failed"),
    Event.factor_reset: ("重置二次验证", "Second factor reset"),
    Event.account_made: ("新建账号", "Account made"),
    Event.account_changed: ("修改账号", "Account changed"),
    Event.role_changed: ("变更角色", "Role changed"),
    Event.screen_link: ("生成大屏链接", "Wall link made"),
    Event.screen_opened: ("大屏登录", "Wall opened"),
    Event.sso_connected: ("绑定单点登录", "Single sign-on matched"),
    Event.sso_refused: ("拒绝单点登录", "Single sign-on refused"),
    Event.refused: ("越权访问被拒", "Access refused"),
    Event.export: ("导出", "Export"),
    Event.known: ("标记已知悉", "Marked as known"),
    Event.person_viewed: ("查看人员页", "Person viewed"),
    Event.audit_read: ("查阅审计日志", "Audit log read"),
}


def record(
    request: HttpRequest | None, event: Event, *, subject: str = "", actor: User | None = None, **detail: Any
) -> None:
    """One entry, or one more of the same (fold.py). Call it in a thread that may use the database; `actor` is for events
    without a logged-in request.

    `subject`: what it was about (an account's name, a staff id, a table's name). Raises ImmediateHttpResponse if the account
    has filled its day and this must not be told by a number alone; nothing else then happens either.
    """
    asking = getattr(request, "user", None)
    who = actor or (asking if isinstance(asking, User) else None)
    if who is None and getattr(asking, "is_authenticated", False):  # still wrapped in Django's lazy object
        who = User.objects.filter(pk=asking.pk).first()  # type: ignore[union-attr]
    told = {key: str(value)[:TEXT_CHARACTERS] for key, value in detail.items()}
    address = (request.META.get("REMOTE_ADDR") or None) if request is not None else None
    entry = LogEntry(
        content_type=ContentType.objects.get_for_model(User),
        object_pk=str(subject)[:TEXT_CHARACTERS] or (who.username if who else "-"),
        object_repr=str(subject)[:TEXT_CHARACTERS],
        action=LogEntry.Action.ACCESS,
        actor=who,
        remote_addr=address,
        additional_data={
            "event": str(event),
            "by": who.username if who else "",
            "role": who.role if who else "",
            **told,
        },
    )
    whose, known = (who.username, True) if who else (address or CONSOLE, request is None)
    rest = (entry.object_repr, address, tuple(sorted(told.items())))
    with _lock:
        if event in REFUSED_WHEN_FULL and known and _fold.full(whose, time.time()):
            raise ImmediateHttpResponse(_enough(request))
        is_new = _fold.take(event, whose, rest, entry, time.time(), known=known)
    if is_new:
        entry.save()


def settle(*, all_of_it: bool = False) -> None:
    """Write what was counted: the windows that have ended, or all. In a thread that may use the database."""
    with _lock:
        due = list(_fold.due(time.time(), all_of_it=all_of_it))
    for entry, times, alike in due:
        entry.additional_data |= {"times": str(times)} | ({} if alike else {"alike": "no"})
        entry.save()


def forget() -> None:
    """Another database: what was counted belongs to the one before."""
    global _fold  # noqa: PLW0603  the log is one per process, as its database is
    with _lock:
        _fold = Fold()


def _enough(request: HttpRequest | None) -> HttpResponse:
    text = _("This account has reached the audit log's limit for today. Go on tomorrow, or tell the auditor.")
    context = {"title": _("Enough for today"), "text": text}
    return render(request, "access/said.html", context, status=TOO_MANY)


arecord = sync_to_async(record, thread_sensitive=True)


def prune(keep_days: int) -> int:
    """Remove entries older than that (never younger than AUDIT_MIN_DAYS), PRUNE_DAYS of the oldest at once; answers how many."""
    oldest = timezone.now() - timedelta(days=max(keep_days, AUDIT_MIN_DAYS))
    begins = LogEntry.objects.aggregate(at=Min("timestamp"))["at"]
    if begins is not None:
        oldest = min(oldest, begins + timedelta(days=PRUNE_DAYS))
    # The raw delete: entries hang on nothing, and a cascade would read them all first.
    entries = LogEntry.objects.filter(timestamp__lt=oldest)
    return int(entries._raw_delete(entries.db))


def line(entry: LogEntry) -> str:
    """An entry as one line of JSON, for syslog."""
    more = entry.additional_data or {}
    told = {
        "at": entry.timestamp.isoformat(timespec="milliseconds"),
        "event": more.get("event") or ("account_made" if entry.action == 0 else "account_changed"),
        "by": more.get("by") or (entry.actor.username if entry.actor else ""),
        "subject": entry.object_repr,
        "address": entry.remote_addr or "",
        **{key: value for key, value in more.items() if key not in ("event", "by")},
    }
    if entry.changes:
        told["changes"] = entry.changes
    return json.dumps(told, ensure_ascii=False)


def copy(sender: Any, instance: LogEntry, created: bool, **_: Any) -> None:
    """Send a new entry to syslog, if there is one."""
    if created and _syslog.handlers:
        _syslog.info("%s", line(instance))


def send_to(where: str) -> None:
    """Where copies go from now on: "host:port" by UDP, the path of a socket, or "" for nowhere. Raises SetupError."""
    for handler in list(_syslog.handlers):
        _syslog.removeHandler(handler)
        handler.close()
    if not where:
        return
    host, _, port = where.rpartition(":")
    target: str | tuple[str, int] = (host.strip("[]"), int(port)) if host and port.isdigit() else where
    try:
        if isinstance(target, str) and not Path(target).is_socket():
            raise OSError("no such socket")
        handler = logging.handlers.SysLogHandler(target, facility=logging.handlers.SysLogHandler.LOG_AUTHPRIV)
    except OSError as error:
        raise SetupError(
            f"[audit] syslog = {where!r} 无法使用（{error}） / cannot be used ({error}). "
            'Name "host:port" or a socket such as /dev/log.'
        ) from error
    handler.ident = "manyi-audit: "
    handler.append_nul = False
    _syslog.addHandler(handler)
