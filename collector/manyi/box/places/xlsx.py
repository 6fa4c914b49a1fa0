"""Rows at the end of a sheet of an .xlsx, as text, each cell formatted as the one above it. Pure.

All else of the workbook stays as it is: other sheets, widths, colours, lists to choose from, whatever a newer Excel has put
in. So the sheet's XML is cut and joined, not read and written anew. Refuses a sheet in which it does not find its way.
"""

from __future__ import annotations

import io
import re
import zipfile
from html import escape

from manyi.box.words import BoxError
from manyi.core.roster.table import letters
from manyi.core.roster.workbooks import parts

_DATA = re.compile(rb"<(\w+:)?sheetData\b[^>]*?(?:/>|>(.*?)</(?:\w+:)?sheetData>)", re.DOTALL)
_ROW = re.compile(rb"<(?:\w+:)?row\b([^>]*?)(?:/>|>.*?</(?:\w+:)?row>)", re.DOTALL)
_CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*?)(?:/>|>.*?</(?:\w+:)?c>)", re.DOTALL)
_ROW_AT = re.compile(rb'\br="(\d+)"')
_CELL_AT = re.compile(rb'\br="([A-Z]+)\d+"')
_LOOK = re.compile(rb'\ss="\d+"')


def with_rows(raw: bytes, sheet: str, end: int, like: int, more: list[dict[int, str]]) -> bytes:
    """The workbook with `more` (text by column, from 0) behind row `end` of the sheet, formatted as row `like`. Raises
    BoxError."""
    with zipfile.ZipFile(io.BytesIO(raw)) as old:
        part = next((part for part, name in parts(old).items() if name == sheet), "")
        data = _DATA.search(old.read(part)) if part else None
        if data is None:
            raise BoxError(
                f"工作表“{sheet}”改写不了：用 Excel 或 WPS 另存为 .xlsx 再试",
                f'the sheet "{sheet}" cannot be added to: save the workbook as .xlsx again, in Excel or WPS',
            )
        rows = _joined(data[1] or b"", data[2] or b"", end, like, more)
        changed = data.string[: data.start()] + rows + data.string[data.end() :]
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as new:
            for info in old.infolist():
                new.writestr(info, changed if info.filename == part else old.read(info))
    return out.getvalue()


def _joined(prefix: bytes, body: bytes, end: int, like: int, more: list[dict[int, str]]) -> bytes:
    """The sheetData with the new rows, of which some may have been there, blank, for their looks."""
    rows: dict[int, tuple[bytes, bytes]] = {}  # number: attributes, the whole row
    for row in _ROW.finditer(body):
        at = _ROW_AT.search(row[1])
        rows[int(at[1]) if at else max(rows, default=0) + 1] = row[1], row[0]
    above = _cells(rows.get(like, (b"", b""))[1])
    for number, texts in enumerate(more, end + 1):
        attributes, blank = rows.get(number, (b' r="%d"' % number, b""))
        cells = _cells(blank)
        for index, text in texts.items():
            column = letters(index)
            look = _LOOK.search(cells.get(column, b"")) or _LOOK.search(above.get(column, b""))
            cells[column] = b'<%bc r="%b%d"%b t="inlineStr"><%bis><%bt>%b</%bt></%bis></%bc>' % (
                prefix, column.encode(), number, look[0] if look else b"",
                prefix, prefix, escape(text, quote=False).encode(), prefix, prefix, prefix,
            )  # fmt: skip
        inside = b"".join(cells[column] for column in sorted(cells, key=lambda c: (len(c), c)))
        rows[number] = attributes, b"<%brow%b>%b</%brow>" % (prefix, attributes, inside, prefix)
    return b"<%bsheetData>%b</%bsheetData>" % (prefix, b"".join(rows[n][1] for n in sorted(rows)), prefix)


def _cells(row: bytes) -> dict[str, bytes]:
    """A row's cells by the letters of their columns."""
    return {at[1].decode(): cell[0] for cell in _CELL.finditer(row) if (at := _CELL_AT.search(cell[1]))}
