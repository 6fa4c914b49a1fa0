"""The officers' lists as workbooks: plain rows under bold heads. It refuses to write anything but texts.

What lies behind them are accounts and events, not figures: there is no period, no policy and no account line to stamp.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

import xlsxwriter  # type: ignore[import-untyped]
from django.http import HttpResponse

from manyi.office.tables.workbook import OPTIONS, TYPE, clean

WIDTH = 22  # characters of a column


def attached(name: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> HttpResponse:
    """The workbook `name`.xlsx, to be kept."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, OPTIONS) as book:
        sheet = book.add_worksheet(name)
        bold = book.add_format({"bold": True})
        for at, head in enumerate(heads):
            sheet.write_string(0, at, clean(head), bold)
        for line, row in enumerate(rows, start=1):
            for at, cell in enumerate(row):
                sheet.write_string(line, at, clean(cell))
        sheet.set_column(0, len(heads) - 1, WIDTH)
        sheet.freeze_panes(1, 0)
    response = HttpResponse(made.getvalue(), content_type=TYPE)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
    return response
