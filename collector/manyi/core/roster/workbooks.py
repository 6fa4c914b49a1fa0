"""An Excel workbook (.xlsx, .xls) to grids, one a sheet. Reads values only: no formula, macro or link is run.

Refuses hidden sheets (what nobody sees must not be imported), passwords, and files that unpack beyond all
measure. A cell with an Excel error (#N/A) reads as empty, as calamine gives it.
"""

import io
import re
import zipfile
import zlib

from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    ZipError,
)

from manyi.core.roster.table import Grid, Merged, Problem

MAX_UNPACKED = 256 * 1024 * 1024  # bytes; a full 16 MB workbook of text unpacks to about 150 MB
MAX_CELLS = 8_000_000  # of a sheet's used rectangle, which calamine holds whole at about 32 bytes a cell
UNREADABLE = (
    CalamineError, ZipError, zipfile.BadZipFile, zlib.error, OSError, ValueError, RuntimeError, EOFError,
)  # fmt: skip
_CELL = re.compile(rb'<(?:\w+:)?c\s(?:[^>]*?\s)?r="([A-Z]{1,3})([0-9]{1,7})"[^>]*(?<!/)>')


def read_workbook(file: str, raw: bytes, problems: list[Problem], notes: list[Problem]) -> list[Grid]:
    """The visible sheets that hold anything."""

    def refuse(zh: str, en: str) -> list[Grid]:
        problems.append(Problem(file, 0, "", zh, en))
        return []

    try:
        if too_large(raw):
            return refuse("展开后过大，请拆分后再导入", "is too large when unpacked; split it")
        with CalamineWorkbook.from_filelike(io.BytesIO(raw)) as book:
            return list(_grids(file, book, notes))
    except PasswordError:
        return refuse("有密码保护，请取消密码后再导入", "is protected by a password; remove it")
    except BaseException as error:
        # a damaged .xls can make the reader panic, which pyo3 raises as a BaseException without a public name
        if not isinstance(error, UNREADABLE) and type(error).__name__ != "PanicException":
            raise
        return refuse(
            "不是 Excel 工作簿：请用 Excel 或 WPS 打开后另存为 .xlsx",
            "is no Excel workbook: open it in Excel or WPS and save it as .xlsx",
        )


def _grids(file: str, book: CalamineWorkbook, notes: list[Problem]) -> list[Grid]:
    found = []
    for sheet in book.sheets_metadata:
        if sheet.typ is not SheetTypeEnum.WorkSheet:
            continue
        cells = book.get_sheet_by_name(sheet.name)
        rows = cells.to_python(skip_empty_area=False)
        if not rows:
            continue
        if sheet.visible is not SheetVisibleEnum.Visible:
            notes.append(Problem(file, 0, "", "隐藏的工作表，未读", "hidden sheet, not read", sheet.name))
            continue
        merged = tuple(
            Merged(top + 1, left, bottom + 1, right)
            for (top, left), (bottom, right) in cells.merged_cell_ranges or ()
        )
        found.append(Grid(file, sheet.name, tuple((i, tuple(row)) for i, row in enumerate(rows, 1)), merged))
    return found


def too_large(raw: bytes) -> bool:
    """Whether an .xlsx would fill the memory: by what it unpacks to, or by one cell far from all others."""
    if not raw.startswith(b"PK"):
        return False
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED:
            return True
        for part in archive.infolist():
            if part.filename.startswith("xl/worksheets/") and part.filename.endswith(".xml"):
                right = bottom = 0
                for letters, row in _CELL.findall(archive.read(part)):
                    right, bottom = max(right, _index(letters)), max(bottom, int(row))
                if right * bottom > MAX_CELLS:
                    return True
    return False


def _index(letters: bytes) -> int:
    value = 0
    for letter in letters:
        value = value * 26 + letter - ord("A") + 1
    return value
