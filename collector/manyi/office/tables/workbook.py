"""A table as a workbook that stands alone: what, of when, by which rules, with which account, taken by whom and when.

Numbers are numbers and times are dates of the spreadsheet, in Beijing's time, because a workbook knows no zones. Every
text is written as a text: whatever a roster calls somebody, no cell is ever a formula or a link.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeAlias

import xlsxwriter  # type: ignore[import-untyped]
from django.utils.translation import gettext as _

from manyi.core.account import Line
from manyi.core.days import BEIJING
from manyi.office.tables.model import Cell, Column, Kind, Table

TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": True,
}
DAY, MOMENT, SHARE, COUNT = "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss", "0.00%", "#,##0"
WIDTHS = {Kind.text: 14, Kind.number: 11, Kind.rate: 10, Kind.moment: 20, Kind.day: 12}
TITLE_MAX = 31  # characters of a sheet's name, and none of these in it
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\]")
# A sheet cannot hold these; a name from a roster might.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
TEXT_MAX = 32_767  # characters of a cell


Said: TypeAlias = Sequence[str | int | date]  # the cells of one line


@dataclass(frozen=True, slots=True)
class Stamp:
    """What makes the sheet stand alone."""

    title: str
    place: str
    period: Said
    rules: Sequence[Said]
    account: Line | str
    """Or why there is none: on a clerk's own sheet, what the box counts now would tell when somebody pressed."""
    now_ms: int
    who: str


def days(first: date, last: date) -> Said:
    """A period of whole days."""
    return (first, _("to"), last, _("both days included, Beijing time"))


def since_first_use() -> Said:
    """The period of a table that is as of now."""
    return (_("As of now, since first use"),)


def rules_of_ratings(visit_ms: int, hall_batch: int) -> list[Said]:
    """By which rules ratings are counted and released; `visit_ms` 0 where visits are not the matter."""
    visit = (_("A visit lasts, ms"), visit_ms) if visit_ms else ()
    return [
        (*visit, _("Ratings in a released batch, at least"), hall_batch),
        (
            _(
                "Satisfaction rate = satisfied ÷ all ratings; satisfied or basically satisfied = both ÷ all ratings; "
                "Wilson 95% intervals; sample too small below 59 ratings."
            ),
        ),
    ]


def workbook(table: Table, stamp: Stamp) -> bytes:
    """The file."""
    held = io.BytesIO()
    book = xlsxwriter.Workbook(held, OPTIONS)
    book.set_properties({"title": clean(stamp.title), "created": _moment(stamp.now_ms)})
    sheet = book.add_worksheet(_NOT_IN_NAMES.sub(" ", clean(stamp.title))[:TITLE_MAX].strip("' ") or "manyi")
    _Sheet(book, sheet).fill(table, stamp)
    book.close()
    return held.getvalue()


def clean(text: str) -> str:
    """What a cell can hold."""
    return _CONTROL.sub("", text)[:TEXT_MAX]


class _Sheet:
    def __init__(self, book: Any, sheet: Any) -> None:
        self._book, self._sheet, self._row = book, sheet, 0
        self._formats: dict[tuple[str, bool], Any] = {}

    def fill(self, table: Table, stamp: Stamp) -> None:
        columns = _expanded(table.columns)
        self._above(stamp)
        top = self._row
        self._heads(columns)
        self._sheet.freeze_panes(self._row, 1)
        first = self._row
        for row in table.rows:
            self._line(table.columns, row)
        if table.rows:
            self._sheet.autofilter(first - 1, 0, self._row - 1, len(columns) - 1)
        if table.total is not None:
            self._line(table.columns, table.total, bold=True)
        self._row += 1
        for note in table.notes:
            self._text(0, note)
            self._row += 1
        for at, (column, _title) in enumerate(columns):
            self._sheet.set_column(at, at, column.width or WIDTHS[column.kind])
        self._sheet.set_landscape()
        self._sheet.fit_to_pages(1, 0)
        self._sheet.repeat_rows(top, first - 1)

    def _above(self, stamp: Stamp) -> None:
        self._sheet.write_string(
            0, 0, clean(stamp.title), self._book.add_format({"bold": True, "font_size": 16})
        )
        self._row = 1
        self._say(_("Where"), stamp.place)
        self._say(_("Period"), *stamp.period)
        for at, rule in enumerate(stamp.rules):
            self._say("" if at else _("Rules"), *rule)
        if isinstance(stamp.account, str):
            self._say(_("Account"), stamp.account)
        else:
            self._account(stamp.account)
        self._say(_("Exported"), _moment(stamp.now_ms), _("by"), stamp.who)
        self._row += 1

    def _account(self, a: Line) -> None:
        self._say(
            _("Account"), _("Presses counted by the box"), a.pressed, "= " + _("Stored"), a.stored,
            "+ " + _("Waiting in the box"), a.waiting, "+ " + _("Lost"), a.lost, _("Unknown, at most"), a.unknown,
            _("Adds up") if a.ok else _("DOES NOT ADD UP"),
        )  # fmt: skip

    def _say(self, what: str, *cells: str | int | date) -> None:
        self._text(0, what, bold=True)
        for at, cell in enumerate(cells, 1):
            match cell:
                case datetime():
                    self._sheet.write_datetime(self._row, at, cell, self._format(MOMENT))
                case date():
                    self._sheet.write_datetime(self._row, at, cell, self._format(DAY))
                case int():
                    self._sheet.write_number(self._row, at, cell, self._format(COUNT))
                case _:
                    self._text(at, cell)
        self._row += 1

    def _heads(self, columns: Sequence[tuple[Column, str]]) -> None:
        """One row, or two where neighbours share a group."""
        head = self._book.add_format(
            {"bold": True, "bg_color": "#DCE9F3", "border": 1, "text_wrap": True, "valign": "vcenter"}
        )
        for at, (column, title) in enumerate(columns):
            said = f"{column.group}\n{title}" if column.group else title
            self._sheet.write_string(self._row, at, clean(said), head)
        self._sheet.set_row(self._row, 48)
        self._row += 1

    def _line(self, columns: Sequence[Column], row: Sequence[Cell], *, bold: bool = False) -> None:
        at = 0
        for column, cell in zip(columns, row, strict=True):
            if column.kind is Kind.rate:
                for part in cell if isinstance(cell, tuple) else (None,) * 3:
                    if part is not None:
                        self._sheet.write_number(self._row, at, part, self._format(SHARE, bold))
                    at += 1
                continue
            self._cell(at, column.kind, cell, bold)
            at += 1
        self._row += 1

    def _cell(self, at: int, kind: Kind, cell: Cell, bold: bool) -> None:
        match cell:
            case None:
                return
            case str():
                self._text(at, cell, bold=bold)
            case int() if kind is Kind.moment:
                if cell:
                    self._sheet.write_datetime(self._row, at, _moment(cell), self._format(MOMENT, bold))
            case int():
                self._sheet.write_number(self._row, at, cell, self._format(COUNT, bold))
            case date():
                self._sheet.write_datetime(self._row, at, cell, self._format(DAY, bold))

    def _text(self, at: int, text: str, *, bold: bool = False) -> None:
        if text:
            self._sheet.write_string(self._row, at, clean(text), self._format("@", bold))

    def _format(self, number: str, bold: bool = False) -> Any:
        if (number, bold) not in self._formats:
            self._formats[number, bold] = self._book.add_format({"num_format": number, "bold": bold})
        return self._formats[number, bold]


def _expanded(columns: Sequence[Column]) -> list[tuple[Column, str]]:
    """The columns of the sheet with their titles: a rate is three."""
    found = []
    for column in columns:
        found.append((column, column.title))
        if column.kind is Kind.rate:
            found.append((column, _("95% interval, low")))
            found.append((column, _("95% interval, high")))
    return found


def _moment(ms: int) -> datetime:
    """In Beijing's time, to the millisecond."""
    return datetime.fromtimestamp(ms / 1000, BEIJING).replace(tzinfo=None)
