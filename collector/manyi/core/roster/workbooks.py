"""An Excel workbook (.xlsx, .xls) to grids, one a sheet. Reads values only: no formula, macro or link is run.

Refuses hidden sheets (what nobody sees must not be imported), passwords, and files that unpack beyond all
measure. calamine gives a cell with an Excel error (#N/A) as an empty one: an .xlsx is looked through for them,
an .xls is not.
"""

import io
import re
import zipfile
import zlib
from xml.etree import ElementTree

from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    ZipError,
)

from manyi.core.roster.cells import ExcelError, Value
from manyi.core.roster.table import Grid, Merged, Problem

MAX_UNPACKED = 256 * 1024 * 1024  # bytes; a full 16 MB workbook of text unpacks to about 150 MB
MAX_CELLS = 8_000_000  # of a sheet's used rectangle, which calamine holds whole at about 32 bytes a cell
UNREADABLE = (
    CalamineError, ZipError, zipfile.BadZipFile, zlib.error, OSError, ValueError, RuntimeError, EOFError,
)  # fmt: skip
_CELL = re.compile(rb"<(?:\w+:)?c\s([^>]*)(?<!/)>")  # a cell that holds something
_WHERE = re.compile(rb'\br="([A-Z]{1,3})([0-9]{1,7})"')
_IS_ERROR = re.compile(rb'\bt="e"')

Errors = dict[str, set[tuple[int, int]]]  # by sheet: row from 1, column from 0


def read_workbook(file: str, raw: bytes, problems: list[Problem], notes: list[Problem]) -> list[Grid]:
    """The visible sheets that hold anything."""

    def refuse(zh: str, en: str) -> list[Grid]:
        problems.append(Problem(file, 0, "", zh, en))
        return []

    try:
        errors = look(raw)
        if errors is None:
            return refuse("展开后过大，请拆分后再导入", "is too large when unpacked; split it")
        with CalamineWorkbook.from_filelike(io.BytesIO(raw)) as book:
            return _grids(file, book, errors, notes)
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


def _grids(file: str, book: CalamineWorkbook, errors: Errors, notes: list[Problem]) -> list[Grid]:
    found = []
    for sheet in book.sheets_metadata:
        if sheet.typ is not SheetTypeEnum.WorkSheet:
            continue
        cells = book.get_sheet_by_name(sheet.name)
        rows: list[list[Value]] = [list(row) for row in cells.to_python(skip_empty_area=False)]
        if not rows:
            continue
        if sheet.visible is not SheetVisibleEnum.Visible:
            notes.append(Problem(file, 0, "", "隐藏的工作表，未读", "hidden sheet, not read", sheet.name))
            continue
        for row, column in errors.get(sheet.name, ()):
            if row <= len(rows) and column < len(rows[row - 1]):
                rows[row - 1][column] = ExcelError()
        merged = tuple(
            Merged(top + 1, left, bottom + 1, right)
            for (top, left), (bottom, right) in cells.merged_cell_ranges or ()
        )
        found.append(Grid(file, sheet.name, tuple((i, tuple(row)) for i, row in enumerate(rows, 1)), merged))
    return found


def look(raw: bytes) -> Errors | None:
    """Where an .xlsx has Excel errors; None if it would fill the memory: by what it unpacks to, or by one cell
    far from all others.
    """
    found: Errors = {}
    if not raw.startswith(b"PK"):
        return found
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED:
            return None
        names = parts(archive)
        for part in archive.namelist():
            if not (part.startswith("xl/worksheets/") and part.endswith(".xml")):
                continue
            right = bottom = 0
            for cell in _CELL.finditer(archive.read(part)):
                if where := _WHERE.search(cell[1]):
                    row, column = int(where[2]), _index(where[1])
                    right, bottom = max(right, column), max(bottom, row)
                    if _IS_ERROR.search(cell[1]):
                        found.setdefault(names.get(part, part), set()).add((row, column - 1))
            if right * bottom > MAX_CELLS:
                return None
    return found


def parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """The name of each sheet by its part of the archive."""
    try:
        links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    except (KeyError, ElementTree.ParseError):
        return {}
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    sheets = {}
    for sheet in book.iterfind(".//{*}sheet"):
        target = next((targets.get(v) for k, v in sheet.items() if k.endswith("}id")), None)
        if target:
            part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            sheets[part] = sheet.get("name", "")
    return sheets


def _index(letters: bytes) -> int:
    value = 0
    for letter in letters:
        value = value * 26 + letter - ord("A") + 1
    return value
