"""A grid of cells to rows of text: headers in Chinese or English, where each cell came from.

Title rows above the header, blank rows, notes and totals below are passed over (headers.py). It refuses to know what a cell
means, to spread a merged cell over the rows it covers, and never stops at the first problem. Another source
of tables has only to give `Grid`s (csvs.py, workbooks.py).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from manyi.core.roster import headers
from manyi.core.roster.cells import UNREAD, Holds, Value, Wrong, is_number, text_of
from manyi.core.roster.headers import IGNORED, Header
from manyi.core.roster.headers import fold as fold  # noqa: PLC0414  of those who have a header and no grid

DAYS = 3  # columns that are days make a grid
_DAY = re.compile(r"(?:\d{1,2}月)?\d{1,2}[日号]?|(?:周|星期)[一二三四五六日天]")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong, where it is, in words for the person who keeps the file. `row` is the file's own
    number, Excel's too; 0 is the file or sheet as a whole. `letter` is Excel's column.
    """

    file: str
    row: int
    column: str
    zh: str
    en: str
    sheet: str = ""
    letter: str = ""

    def text(self, lang: str = "zh") -> str:
        cell = f"{self.letter}{self.row}" if self.letter and self.row else ""
        if lang == "en":
            sheet = f', sheet "{self.sheet}"' if self.sheet else ""
            where = f", row {self.row}" if self.row else ""
            column = f', column "{self.column}"' if self.column else ""
            return f"{self.file}{sheet}{where}{column}{f' ({cell})' if cell else ''}: {self.en}"
        sheet = f" 工作表“{self.sheet}”" if self.sheet else ""
        where = f" 第 {self.row} 行" if self.row else ""
        column = f"“{self.column}”列" if self.column else ""
        return f"{self.file}{sheet}{where}{column}{f'（{cell}）' if cell else ''}：{self.zh}"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name in the program, the headers it is known by, whether the file may leave it out, and
    what its cells hold.
    """

    name: str
    zh: str
    also: tuple[str, ...] = ()
    optional: bool = False
    holds: Holds = Holds.text

    def known_as(self) -> set[str]:
        return {fold(h) for h in (self.name, self.zh, *self.also)}


@dataclass(frozen=True, slots=True)
class Merged:
    """A merged range; rows count from 1, columns from 0, both ends included."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True, slots=True)
class Grid:
    """A file's or sheet's cells: (row number, cells) each. `is_1904`: its days count from 1904, so a number without a format
    is no day that anybody could tell.
    """

    file: str
    sheet: str
    rows: tuple[headers.Row, ...]
    merged: tuple[Merged, ...] = ()
    is_1904: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    row: int
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """A grid's rows, each cell under its column's name; `shown` gives the header as the file wrote it, `at`
    where it stands.
    """

    file: str
    sheet: str
    shown: dict[str, str]
    at: dict[str, int]
    lines: tuple[Line, ...]

    def problem(self, row: int, column: str, zh: str, en: str) -> Problem:
        letter = letters(self.at[column]) if self.sheet and column in self.at else ""
        return Problem(self.file, row, self.shown.get(column, column), zh, en, self.sheet, letter)


def letters(index: int) -> str:
    """Excel's name of a column: 0 is A, 26 is AA."""
    found = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        found = chr(ord("A") + rest) + found
    return found


def build(grid: Grid, columns: tuple[Column, ...], problems: list[Problem], notes: list[Problem]) -> Table:
    """The grid as a Table; says what is wrong with it as a table. Raises nothing for bad content."""
    rows = [(row, cells) for row, cells in grid.rows if any(not _blank(c) for c in cells)]
    if not rows:
        zh, en = "是空的，至少要有表头", "is empty; it needs at least a header"
        problems.append(Problem(grid.file, 0, "", zh, en, grid.sheet))
        return Table(grid.file, grid.sheet, {}, {}, ())
    header = headers.find(rows, frozenset(h for c in columns for h in c.known_as()))
    at, shown = _columns(grid, header, columns, problems, notes)
    table = Table(grid.file, grid.sheet, shown, at, ())
    body = list(_body(table, grid, rows[header.below :], header.titles, problems, notes))
    lines = tuple(_lines(table, body, columns, problems, notes, serials=not grid.is_1904))
    return Table(grid.file, grid.sheet, shown, at, lines)


def _blank(value: Value) -> bool:
    return isinstance(value, str) and not value.strip()


def _columns(
    grid: Grid, header: Header, columns: tuple[Column, ...], problems: list[Problem], notes: list[Problem]
) -> tuple[dict[str, int], dict[str, str]]:
    def say(where: list[Problem], i: int | None, title: str, zh: str, en: str) -> None:
        letter = letters(i) if grid.sheet and i is not None else ""
        where.append(Problem(grid.file, header.row, title, zh, en, grid.sheet, letter))

    at: dict[str, int] = {}
    shown: dict[str, str] = {}
    unknown: list[tuple[int, str]] = []
    for i, title in enumerate(header.titles):
        column = next((c for c in columns if fold(title) in c.known_as()), None)
        if not title or (column is None and fold(title) in IGNORED):
            continue
        if column is None:
            unknown.append((i, title))
        elif column.name in at:
            say(problems, i, title, "这个表头出现了两次", "this header appears twice")
        else:
            at[column.name], shown[column.name] = i, title
    missing = [c for c in columns if c.name not in at and not c.optional]
    if missing and sum(bool(_DAY.fullmatch(fold(title))) for _, title in unknown) >= DAYS:
        zh = "每天一列的表读不了：请改成每人每段时间一行"
        en = "a table with a column for each day is not read: give each stay a row of its own"
        say(problems, None, "", zh, en)
        return at, shown
    zh, en = "、".join(c.zh for c in columns), ", ".join(c.name for c in columns)
    for i, title in unknown:  # one of them may be what is missing; else it is a column of the bureau's own
        if missing:
            say(problems, i, title, f"不认识这个表头，可用的有：{zh}", f"unknown header; known are: {en}")
        else:
            say(notes, i, title, "不认识这一列，未读", "unknown column, not read")
    for c in missing:
        say(problems, None, c.zh, "缺少这一列", f'the column "{c.name}" is missing')
    return at, shown


def _body(
    table: Table, grid: Grid, rows: list[headers.Row], titles: tuple[str, ...], problems: list[Problem],
    notes: list[Problem],
) -> Iterator[headers.Row]:  # fmt: skip
    names = {i: name for name, i in table.at.items()}
    across: set[int] = set()
    for m in grid.merged:
        covered = [i for i in range(m.left, m.right + 1) if i in names]
        if m.top == m.bottom and len(covered) > 1:
            across.add(m.top)
        elif m.bottom > m.top and covered and rows and m.bottom >= rows[0][0]:
            zh = f"第 {m.top} 至 {m.bottom} 行是合并单元格：请取消合并，每行都填写"
            en = f"rows {m.top} to {m.bottom} are merged: unmerge them and fill in every row"
            problems.append(table.problem(max(m.top, rows[0][0]), names[covered[0]], zh, en))
    for row, cells in rows:
        if row in across:
            zh, en = "跨列合并的行，当作标题或说明，未读", "merged across columns: a title or note, not read"
            notes.append(table.problem(row, "", zh, en))
            continue
        if headers.is_aside(cells, titles):
            zh, en = "合计、备注或签名一类的行，未读", "a total, a note or a signature, not read"
            notes.append(table.problem(row, "", zh, en))
            continue
        if any(not _blank(c) for c in cells[len(titles) :]):
            zh, en = "单元格比表头多，是否多了一个逗号", "has more cells than the header"
            problems.append(table.problem(row, "", zh, en))
        yield row, cells


def _lines(
    table: Table, rows: list[headers.Row], columns: tuple[Column, ...], problems: list[Problem], notes: list[Problem],
    *, serials: bool,
) -> Iterator[Line]:  # fmt: skip
    holds = {c.name: c.holds for c in columns}
    numbers: dict[str, list[tuple[int, str]]] = {}
    zeros: set[str] = set()
    for row, cells in rows:
        texts: dict[str, str] = {}
        for name, i in table.at.items():
            value = cells[i] if i < len(cells) else ""
            text = text_of(value, holds[name], serials=serials)
            if isinstance(text, Wrong):
                problems.append(table.problem(row, name, text.zh, text.en))
                text = UNREAD
            elif holds[name] in (Holds.code, Holds.time) and is_number(value):
                numbers.setdefault(name, []).append((row, text))
            elif holds[name] is Holds.code and text.isdigit() and text[0] == "0":
                zeros.add(name)
            texts[name] = text
        if any(texts.values()):
            yield Line(row, texts)
    for name, found in numbers.items():
        if holds[name] is Holds.time:
            row, text = found[0]
            zh = f"{len(found)} 个单元格是数字，按日期时间读取，如 {text}"
            notes.append(
                table.problem(row, name, zh, f"{len(found)} cells are numbers, read as times such as {text}")
            )
        else:
            _numbers(table, name, found, name in zeros, problems, notes)


def _numbers(
    table: Table, name: str, found: list[tuple[int, str]], zeros: bool,
    problems: list[Problem], notes: list[Problem],
) -> None:  # fmt: skip
    """Codes that Excel holds as numbers: wrong where others of the column begin with 0, else worth a word."""
    if zeros:
        for row, text in found:
            zh = f"是数字 {text}，同列其他编号以 0 开头，前面的 0 可能已丢失：请设为“文本”格式后重新填写"
            en = f"is the number {text}; others here begin with 0, so zeros may be lost: format it as Text"
            problems.append(table.problem(row, name, zh, en))
        return
    row, text = found[0]
    zh = f"{len(found)} 个单元格是数字，按 {text} 这样读取；编号若以 0 开头，0 已丢失，应改为文本"
    en = f"{len(found)} cells are numbers, read as {text}; a code that began with 0 has lost it"
    notes.append(table.problem(row, name, zh, en))
