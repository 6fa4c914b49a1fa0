"""The officers' lists as workbooks, under the same head as every other table's (tables/workbook.py).

What lies behind them are accounts and events, not ratings: no press is counted in them, and the line of the account says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from manyi.core.days import date_of
from manyi.office.hub import unix_ms
from manyi.office.tables.answers import attachment, who
from manyi.office.tables.model import Cell, Column, Kind, Table
from manyi.office.tables.workbook import Said, Stamp, days, workbook

WIDTH = 22  # characters of a column


def attached(
    request: HttpRequest,
    name: str,
    title: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell]],
    rules: Sequence[Said],
    period: tuple[date, date] | None = None,
) -> HttpResponse:
    """The workbook, to be kept; without a period it is as of now."""
    now_ms = unix_ms()
    first, last = period or (None, date_of(now_ms))
    stamp = Stamp(
        title,
        _("The whole city"),
        days(first, last) if first else (_("As of now"),),
        rules,
        _("Accounts and events, not ratings: no press is counted here"),
        now_ms,
        who(request),
    )
    when = f"{first}_{last}" if first else f"{last}"
    return attachment(workbook(Table(columns, rows), stamp), f"{name}_{when}.xlsx", f"{title}_{when}.xlsx")


def column(title: str, kind: Kind = Kind.text, width: int = WIDTH) -> Column:
    return Column(title, kind, width=width)
