"""Files to rows of text: encodings, headers in Chinese or English, where each cell came from.

It refuses to know what a cell means, and never stops at the first problem. Another source of tables (a
workbook) has only to give `Table`s.
"""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

MAX_BYTES = 16 * 1024 * 1024  # a year's duty of a whole city is 400,000 rows of 40 bytes


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong, where it is, in words for the person who keeps the file. `row` 1 is the header, 0
    the file.
    """

    file: str
    row: int
    column: str
    zh: str
    en: str

    def text(self, lang: str = "zh") -> str:
        if lang == "en":
            where = f", row {self.row}" if self.row else ""
            column = f', column "{self.column}"' if self.column else ""
            return f"{self.file}{where}{column}: {self.en}"
        where = f" 第 {self.row} 行" if self.row else ""
        column = f"“{self.column}”列" if self.column else ""
        return f"{self.file}{where}{column}：{self.zh}"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name in the program, the headers it is known by, and whether the file may leave it
    out.
    """

    name: str
    zh: str
    also: tuple[str, ...] = ()
    optional: bool = False

    def known_as(self) -> set[str]:
        return {fold(h) for h in (self.name, self.zh, *self.also)}


@dataclass(frozen=True, slots=True)
class Line:
    row: int
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """A file's rows, each cell under its column's name; `shown` gives the header as the file wrote it."""

    file: str
    shown: dict[str, str]
    lines: tuple[Line, ...]

    def problem(self, row: int, column: str, zh: str, en: str) -> Problem:
        return Problem(self.file, row, self.shown.get(column, column), zh, en)


def fold(header: str) -> str:
    return header.strip().strip("*").replace(" ", "").replace("_", "").replace("（", "(").lower()


def read(path: Path, columns: tuple[Column, ...]) -> tuple[Table, list[Problem]]:
    """The file as a Table, and what is wrong with it as a file. Raises nothing for bad content."""
    file = path.name
    empty = Table(file, {}, ())
    try:
        size = path.stat().st_size
        raw = path.read_bytes() if size <= MAX_BYTES else b""
    except OSError as error:
        return empty, [
            Problem(file, 0, "", f"无法读取文件（{error.strerror}）", f"cannot be read ({error.strerror})")
        ]
    if size > MAX_BYTES:
        return empty, [Problem(file, 0, "", "文件超过 16 MB，请拆分后再导入", "is over 16 MB; split it")]
    text = decode(raw)
    if text is None:
        return empty, [
            Problem(
                file, 0, "",
                "编码无法识别：请在 Excel 中另存为“CSV UTF-8(逗号分隔)”",
                'wrong encoding: save it as "CSV UTF-8" (UTF-8 and GB18030 are read)',
            )
        ]  # fmt: skip
    return _table(file, text, columns)


def decode(raw: bytes) -> str | None:
    """UTF-8 with or without BOM, else GB18030, else None. UTF-16 and binary files hold NULs and are
    refused.
    """
    if b"\0" in raw:
        return None
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _table(file: str, text: str, columns: tuple[Column, ...]) -> tuple[Table, list[Problem]]:
    problems: list[Problem] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        before = 0
        for cells in reader:
            rows.append((before + 1, cells))
            before = reader.line_num
    except csv.Error as error:
        problems.append(
            Problem(file, reader.line_num, "", f"CSV 格式有误（{error}）", f"not valid CSV ({error})")
        )
    if not rows:
        problems.append(
            Problem(file, 0, "", "文件是空的，至少要有表头", "is empty; it needs at least a header")
        )
        return Table(file, {}, ()), problems
    at, shown = _header(file, rows[0][1], columns, problems)
    width = len(rows[0][1])
    lines = []
    for row, cells in rows[1:]:
        if not any(c.strip() for c in cells):
            continue
        if len(cells) > width and any(c.strip() for c in cells[width:]):
            problems.append(
                Problem(file, row, "", "单元格比表头多，是否多了一个逗号", "has more cells than the header")
            )
        lines.append(Line(row, {n: cells[i].strip() if i < len(cells) else "" for n, i in at.items()}))
    return Table(file, shown, tuple(lines)), problems


def _header(
    file: str, header: list[str], columns: tuple[Column, ...], problems: list[Problem]
) -> tuple[dict[str, int], dict[str, str]]:
    at: dict[str, int] = {}
    shown: dict[str, str] = {}
    for i, title in enumerate(header):
        if not title.strip():
            continue
        column = next((c for c in columns if fold(title) in c.known_as()), None)
        if column is None:
            names = "、".join(c.zh for c in columns)
            problems.append(
                Problem(
                    file, 1, title.strip(), f"不认识这个表头，可用的有：{names}",
                    f"unknown header; known are: {', '.join(c.name for c in columns)}",
                )
            )  # fmt: skip
        elif column.name in at:
            problems.append(
                Problem(file, 1, title.strip(), "这个表头出现了两次", "this header appears twice")
            )
        else:
            at[column.name], shown[column.name] = i, title.strip()
    for column in columns:
        if column.name not in at and not column.optional:
            problems.append(
                Problem(file, 1, column.zh, "缺少这一列", f'the column "{column.name}" is missing')
            )
    return at, shown
