"""An Excel workbook (.xlsx, .xls) to grids, one a sheet. Reads values only: no formula, macro or link is run.

Refuses hidden sheets (what nobody sees must not be imported), passwords, and files that unpack beyond all
measure. An .xlsx is looked through first, with a real XML parser, and calamine is given what was looked at and nothing
else: packed anew, so that no header, name or spelling can show it another file. calamine gives a cell with an Excel
error (#N/A) as an empty one: an .xlsx is looked through for them, an .xls is not. Then a process of its own reads the
file first: one wrong number in it may ask for more memory than there is, and that ends whoever reads.
"""

from __future__ import annotations

import io
import lzma
import re
import struct
import subprocess
import sys
import zipfile
import zlib
from xml.etree import ElementTree
from xml.parsers import expat

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
ROW_DIGITS = 12  # of a row's number; Excel's have seven
MAX_CELLS = 8_000_000  # of a sheet's used rectangle, which calamine holds whole at about 32 bytes a cell
UNREADABLE = (
    CalamineError, ZipError, zipfile.BadZipFile, zlib.error, OSError, ValueError, RuntimeError, EOFError, KeyError,
    lzma.LZMAError, struct.error,
)  # fmt: skip
BOOK = "xl/workbook.xml"
# What of an archive is read: with all of it an .xlsb or .ods inside might be taken for the workbook.
_READ = re.compile(r"\[Content_Types\]\.xml|_rels/.*|xl/(?!workbook\.bin).*")
_WHERE = re.compile(r"([A-Z]{1,3})([0-9]{1,10})", re.IGNORECASE)
_SHEET = b"sheetData"  # what every sheet has, wherever it lies

OLD = bytes.fromhex("d0cf11e0a1b11ae1")  # how every .xls begins
TRIAL_BYTES, TRIAL_S = 2 << 30, 120.0
# Whatever it is told but that memory is short, whoever asks next is told too.
_TRIAL = """
import io, sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]), int(sys.argv[1])))
except ImportError:
    pass  # Windows, where nobody's collector runs
from python_calamine import CalamineWorkbook
try:
    with CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read())) as book:
        for sheet in book.sheets_metadata:
            book.get_sheet_by_name(sheet.name).to_python(skip_empty_area=False)
except MemoryError:
    sys.exit(1)
except BaseException:
    pass
"""

Errors = dict[str, set[tuple[int, int]]]  # by sheet: row from 1, column from 0


def read_workbook(file: str, raw: bytes, problems: list[Problem], notes: list[Problem]) -> list[Grid]:
    """The visible sheets that hold anything."""

    def refuse(zh: str, en: str) -> list[Grid]:
        problems.append(Problem(file, 0, "", zh, en))
        return []

    try:
        looked = look(raw)
        if looked is None or not _survives(looked[1]):
            return refuse("展开后过大，请拆分后再导入", "is too large when unpacked; split it")
        errors, seen = looked
        with CalamineWorkbook.from_filelike(io.BytesIO(seen)) as book:
            return _grids(file, book, errors, notes, is_1904=_is_1904(seen))
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


def _survives(raw: bytes) -> bool:
    """Whether a process that may take so much memory, and no more, comes through this workbook."""
    if not raw.startswith((OLD, b"PK")):
        return True
    try:
        trial = subprocess.run(
            [sys.executable, "-I", "-c", _TRIAL, str(TRIAL_BYTES)],
            input=raw, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=TRIAL_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return False
    return trial.returncode == 0


def _grids(
    file: str, book: CalamineWorkbook, errors: Errors, notes: list[Problem], *, is_1904: bool
) -> list[Grid]:
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
        numbered = tuple((i, tuple(row)) for i, row in enumerate(rows, 1))
        found.append(Grid(file, sheet.name, numbered, merged, is_1904))
    return found


def _is_1904(raw: bytes) -> bool:
    """As a Macintosh once counted days. An .xls does not say it here: none has been written so for many years."""
    if not raw.startswith(b"PK"):
        return False
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return bool(re.search(rb'\bdate1904="(?:1|true)"', archive.read(BOOK)))


def look(raw: bytes) -> tuple[Errors, bytes] | None:
    """Where an .xlsx has Excel errors, and the file to read; None if it would fill the memory: by what it unpacks to, or
    by one cell far from all others. Raises one of UNREADABLE for a file that is no workbook.
    """
    found: Errors = {}
    if not raw.startswith(b"PK"):
        return found, raw
    seen = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as archive, zipfile.ZipFile(seen, "w") as anew:
        if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED:
            return None
        names = parts(archive)
        for part in sorted({name for name in archive.namelist() if _READ.fullmatch(name)}):
            text = archive.read(part)  # no more than the header told: what comes after it is not packed again
            if _SHEET in text:
                cells = _Cells.of(text)
                if cells.right * cells.bottom > MAX_CELLS:
                    return None
                if cells.errors:
                    found[names.get(part, part)] = cells.errors
            anew.writestr(part, text)
        anew.getinfo(BOOK)  # raises KeyError
    return found, seen.getvalue()


class _Cells:
    """How far a sheet's cells reach, and which of them hold an error. A cell counts if it holds something."""

    def __init__(self) -> None:
        self.right = self.bottom = 0
        self.errors: set[tuple[int, int]] = set()
        self._row = self._column = 0
        self._cell: tuple[int, int, bool] | None = None

    @classmethod
    def of(cls, text: bytes) -> _Cells:
        """Raises ValueError for what is no XML."""
        cells, parser = cls(), expat.ParserCreate()
        parser.StartElementHandler = cells._begins
        try:
            parser.Parse(text, True)
        except expat.ExpatError as error:
            raise ValueError(str(error)) from error
        return cells

    def _begins(self, name: str, attributes: dict[str, str]) -> None:
        match name.rpartition(":")[2]:
            case "row":
                self._row, self._column = _number(attributes.get("r", ""), self._row + 1), 0
            case "c":  # without a place of its own it is the next one
                row, self._column = _where(attributes.get("r", "")) or (self._row, self._column + 1)
                self._cell = row, self._column, attributes.get("t") == "e"
            case "v" | "is" | "f" if self._cell is not None:
                row, column, is_error = self._cell
                self._cell = None
                self.right, self.bottom = max(self.right, column), max(self.bottom, row)
                if is_error:
                    self.errors.add((row, column - 1))


def _number(digits: str, otherwise: int) -> int:
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < ROW_DIGITS else otherwise


def _where(place: str) -> tuple[int, int] | None:
    """Row and column, from 1, of a place such as C4."""
    found = _WHERE.fullmatch(place)
    return None if found is None else (int(found[2]), _index(found[1].upper()))


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


def _index(letters: str) -> int:
    value = 0
    for letter in letters:
        value = value * 26 + ord(letter) - ord("A") + 1
    return value
