"""The auditor's page: the audit log, filtered, paged and as a workbook. It refuses to change an entry; there is no form."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from asgiref.sync import sync_to_async
from auditlog.models import LogEntry
from django.core.paginator import Paginator
from django.db.models import Min, Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from manyi.core.config import AUDIT_MIN_DAYS
from manyi.office.access import audit
from manyi.office.access.files import attached, column
from manyi.office.access.fold import BURST, DAY_ENTRIES, WINDOW_S
from manyi.office.access.scope import Action, needs
from manyi.office.runtime import current
from manyi.office.tables.model import Cell, Kind
from manyi.office.tables.workbook import Said

ROWS = 50  # on one page
FILE_ROWS = 100_000  # a workbook of more cannot be read by a person; its head says that it is not all
DETAIL_WIDTH = 60  # characters of its column
ZONE = ZoneInfo("Asia/Shanghai")
LOOKING = "manyi.audit"  # in the session: the filter that was last logged
FIRST_YEAR, LAST_YEAR = 2020, 2099  # no entry is older or newer, and arithmetic with days stays in range
# Of entries that stand for many (fold.py): alike, or different ones of which the newest is shown.
_TIMES = (
    ("同样的又有 {} 次", "同类的又有 {} 次，内容不尽相同，这里是最后一次"),
    ("{} more alike", "{} more of this kind, not all alike; this is the newest"),
)
TITLES = (
    ("时间", "Time"),
    ("事件", "Event"),
    ("账号", "By"),
    ("对象", "Subject"),
    ("来源地址", "Address"),
    ("说明", "Detail"),
)


@needs(Action.audit)
async def audit_log(request: HttpRequest) -> HttpResponseBase:
    """The log, newest first."""
    return await sync_to_async(_page)(request)


@needs(Action.audit)
async def audit_file(request: HttpRequest) -> HttpResponseBase:
    """What the filter shows, as a workbook. Taking it away is itself logged."""
    return await sync_to_async(_file)(request)


def _page(request: HttpRequest) -> HttpResponse:
    found = chosen(request)
    page = Paginator(found, ROWS).get_page(request.GET.get("page"))
    events = [(str(event), names[_which()]) for event, names in audit.NAMES.items()]
    query = request.GET.copy()
    query.pop("page", None)
    asked = query.urlencode()
    # Once for each look: turning a page is none, beginning at another page or with another filter is one.
    if page.number == 1 or request.session.get(LOOKING) != asked:
        request.session[LOOKING] = asked
        audit.record(request, audit.Event.audit_read, subject="audit", filter=asked)
    return render(
        request,
        "access/audit.html",
        {
            "rows": [row(entry) for entry in page],
            "page": page,
            "titles": [title[_which()] for title in TITLES],
            "events": events,
            "query": asked,
            "asked": request.GET,
        },
    )


def _file(request: HttpRequest) -> HttpResponse:
    audit.record(request, audit.Event.export, subject="audit", filter=request.GET.urlencode())
    when, *heads, detail = (title[_which()] for title in TITLES)
    columns = [column(when, Kind.moment), *map(column, heads), column(detail, width=DETAIL_WIDTH)]
    entries = list(chosen(request)[: FILE_ROWS + 1])
    rows: list[list[Cell]] = [
        [int(entry.timestamp.timestamp() * 1000), *row(entry)[1:]] for entry in entries[:FILE_ROWS]
    ]
    oldest = LogEntry.objects.aggregate(at=Min("timestamp"))["at"] or timezone.now()
    kept = timezone.localtime(oldest, ZONE).date()
    rules = _rules(request.GET, kept)
    if len(entries) > FILE_ROWS:
        rules.insert(0, (_("NOT ALL: the newest {n} entries; choose fewer days").format(n=FILE_ROWS),))
    begin, end = _day(request.GET.get("from", "")), _day(request.GET.get("to", ""))
    first = begin.date() if begin else kept
    last = end.date() if end else max(first, timezone.localtime(timezone=ZONE).date())
    return attached(request, "audit", _("Audit log"), columns, rows, rules, (first, last))


def _rules(asked: QueryDict, oldest: date) -> list[Said]:
    """Which entries were asked for, how long any is kept, and when one stands for many."""
    event, text = asked.get("event", ""), _text(asked)
    names = audit.NAMES[audit.Event(event)] if event in audit.NAMES else (event, event)
    narrowed = [_("Event"), names[_which()]] if event else []
    narrowed += [_("Account, subject or address"), text] if text else []
    days = max(current().settings.access.keep_days, AUDIT_MIN_DAYS)
    return [
        (_("Filter"), *(narrowed or [_("none: every entry of these days")])),
        (_("Entries are kept for, days"), days, _("The oldest entry is of"), oldest),
        (
            _(
                "Entries alike: {burst} in {minutes} minutes one by one, the rest as one entry with their number; of one "
                "account beyond {day} entries a day, the same by event alone."
            ).format(burst=BURST, minutes=int(WINDOW_S / 60), day=DAY_ENTRIES),
        ),
    ]


def chosen(request: HttpRequest) -> QuerySet[LogEntry]:
    """The entries that the filter of the page asks for, newest first."""
    asked = request.GET
    found: QuerySet[LogEntry] = LogEntry.objects.select_related("actor").order_by("-timestamp", "-pk")
    event, text = asked.get("event", ""), _text(asked)
    if event in ("account_made", "account_changed"):
        kind = LogEntry.Action.CREATE if event == "account_made" else LogEntry.Action.UPDATE
        found = found.filter(Q(additional_data__event=event) | Q(action=kind))
    elif event:
        found = found.filter(additional_data__event=event)
    if text:
        found = found.filter(
            Q(object_repr__icontains=text)
            | Q(actor__username__icontains=text)
            | Q(remote_addr__startswith=text)
        )
    begin, end = _day(asked.get("from", "")), _day(asked.get("to", ""))
    if begin:
        found = found.filter(timestamp__gte=begin)
    if end:
        found = found.filter(timestamp__lt=end + timedelta(days=1))
    return found


def row(entry: LogEntry) -> list[str]:
    """An entry's columns in the order of TITLES."""
    more: dict[str, Any] = entry.additional_data or {}
    event = more.get("event") or ("account_made" if entry.action == 0 else "account_changed")
    names = audit.NAMES[audit.Event(event)] if event in audit.NAMES else None
    by = more.get("by") or (entry.actor.username if entry.actor else "")
    detail = [_TIMES[_which()][more.get("alike") == "no"].format(more["times"])] if "times" in more else []
    detail += [
        f"{k}: {v}" for k, v in more.items() if k not in ("event", "by", "role", "times", "alike") and v
    ]
    detail += [f"{field}: {old} → {new}" for field, (old, new) in (entry.changes or {}).items()]
    return [
        timezone.localtime(entry.timestamp, ZONE).strftime("%Y-%m-%d %H:%M:%S"),
        names[_which()] if names else str(event),
        by,
        entry.object_repr,
        entry.remote_addr or "",
        "; ".join(detail),
    ]


def _text(asked: QueryDict) -> str:
    return asked.get("text", "").strip()[: audit.TEXT_CHARACTERS]


def _which() -> int:
    return 1 if get_language() == "en" else 0


def _day(text: str) -> datetime | None:
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=ZONE)
    except ValueError:
        return None
    return day if FIRST_YEAR <= day.year <= LAST_YEAR else None
