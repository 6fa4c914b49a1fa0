"""Where the roster's tables are: a folder of CSV files and workbooks, or one workbook; which table is which.

A sheet is known by its name, a workbook with one sheet also by the file's, and where no name says it by a header that has
all columns of one kind. Refuses to choose between two tables of one kind.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from manyi.core.roster import headers, layouts
from manyi.core.roster.csvs import read_csv
from manyi.core.roster.table import Grid, Problem, fold
from manyi.core.roster.workbooks import read_workbook

MAX_BYTES = 16 * 1024 * 1024  # a year's duty of a whole city is 400,000 rows of 40 bytes
WORKBOOKS = (".xlsx", ".xls")
TEXTS = (".csv", ".txt")  # Excel saves its tabs as .txt
TELLING = 3  # columns that must be there; fewer of them many another table has too
GUIDES = frozenset({"填表说明", "说明", "notes", "readme"})  # sheets that only explain
_AFTER = re.compile(r"(安排表|登记表|信息表|花名册|名单|名册|信息|一览|表)?\d*$")

NAMES: dict[str, tuple[str, ...]] = {
    "offices": ("机构", "机构窗口", "机构与窗口", "单位"),
    "boxes": ("评价器", "评价器位置", "设备"),
    "staff": ("人员", "工作人员", "窗口人员"),
    "duty": ("在岗", "排班", "上岗"),
    "leaders": ("值班领导", "带班领导", "领导值班"),
    "business": ("业务类型", "业务", "业务种类", "业务事项"),
}


@dataclass(frozen=True, slots=True)
class Sources:
    """The grids by the name of their kind, in the order of `NAMES`; one that cannot be read is None."""

    grids: dict[str, Grid | None]
    problems: list[Problem]
    notes: list[Problem]


def find(path: Path) -> Sources:
    """Everything in a folder, or one workbook. Raises nothing for bad content."""
    problems: list[Problem] = []
    notes: list[Problem] = []
    files = sorted(path.glob("*")) if path.is_dir() else [path]
    named: list[tuple[str, str, Grid | None]] = []  # kind, where, grid
    for file in files:
        suffix = file.suffix.lower()
        if file.name.startswith(("~$", ".")) or not file.is_file():
            continue  # Excel's own lock files
        if suffix not in (*TEXTS, *WORKBOOKS):
            if not path.is_dir() or kind_of(file.stem) or suffix in (".et", ".ods", ".xlsm", ".xlsb"):
                zh, en = "请另存为 .xlsx 或 CSV，未读", "not read: save it as .xlsx or CSV"
                (notes if path.is_dir() else problems).append(Problem(file.name, 0, "", zh, en))
            continue
        if suffix == ".txt" and path.is_dir() and kind_of(file.stem) is None:
            continue  # somebody's words
        raw = _bytes(file, problems)
        if suffix in TEXTS:
            named += _csv(file, raw, problems, notes)
        elif raw is not None:
            named += _sheets(file, raw, problems, notes)
    found: dict[str, tuple[str, Grid | None]] = {}
    for kind, where, grid in named:
        if kind in found:
            zh = f"“{NAMES[kind][0]}”已在 {found[kind][0]} 里：只能留一份"
            en = f'"{kind}" stands in {found[kind][0]} already: keep one of them'
            problems.append(Problem(where, 0, "", zh, en))
        else:
            found[kind] = (where, grid)
    if not found and not problems:
        names = "、".join(f"{name}.csv" for name in NAMES)
        zh, en = f"没有可导入的文件（{names}）", f"holds none of {names.replace('、', ', ')}"
        problems.append(Problem(str(path), 0, "", zh, en))
    return Sources({kind: found[kind][1] for kind in NAMES if kind in found}, problems, notes)


def kind_of(name: str) -> str | None:
    """The kind that a file or sheet of this name holds."""
    wanted = {fold(name), _AFTER.sub("", fold(name))} - {""}
    return next((kind for kind, words in NAMES.items() if wanted & {kind, *words}), None)


def _kind_of(grid: Grid, *names: str) -> str | None:
    """The kind that a header tells: one whose columns are all there, and which a name ends with, as 2026年11月窗口人员排班表
    does, or that are many enough.
    """
    rows = [row for row in grid.rows if any(str(cell).strip() for cell in row[1])]
    plain = [_AFTER.sub("", fold(name)) for name in names]
    ends = {kind for kind, words in NAMES.items() if any(each.endswith((kind, *words)) for each in plain)}
    found: dict[str, int] = {}
    for kind, columns in layouts.COLUMNS.items():
        known = frozenset(h for c in columns for h in c.known_as())
        titles = set(map(fold, headers.find(rows, known).titles)) if rows else set()
        needed = [c for c in columns if not c.optional]
        if all(c.known_as() & titles for c in needed) and (kind in ends or len(needed) >= TELLING):
            found[kind] = len(needed)
    return max(found, key=found.__getitem__, default=None)


def _bytes(file: Path, problems: list[Problem]) -> bytes | None:
    try:
        if file.stat().st_size <= MAX_BYTES:
            return file.read_bytes()
    except OSError as error:
        zh, en = f"无法读取文件（{error.strerror}）", f"cannot be read ({error.strerror})"
        problems.append(Problem(file.name, 0, "", zh, en))
        return None
    problems.append(Problem(file.name, 0, "", "文件超过 16 MB，请拆分后再导入", "is over 16 MB; split it"))
    return None


def _csv(
    file: Path, raw: bytes | None, problems: list[Problem], notes: list[Problem]
) -> list[tuple[str, str, Grid | None]]:
    wrong: list[Problem] = []
    grid = None if raw is None else read_csv(file.name, raw, wrong)
    kind = kind_of(file.stem) or (_kind_of(grid, file.stem) if grid else None)
    if kind is None:
        notes.append(Problem(file.name, 0, "", "不认识这个文件，未读", "unknown file, not read"))
        return []
    problems += wrong
    return [(kind, file.name, grid)]


def _sheets(
    file: Path, raw: bytes, problems: list[Problem], notes: list[Problem]
) -> list[tuple[str, str, Grid | None]]:
    grids = read_workbook(file.name, raw, problems, notes)
    kinds = [kind_of(grid.sheet) for grid in grids]
    if len(grids) == 1 and kinds == [None]:
        kinds = [kind_of(file.stem)]
    also = (file.stem,) if len(grids) == 1 else ()
    kinds = [kind or _kind_of(grid, grid.sheet, *also) for kind, grid in zip(kinds, grids, strict=True)]
    named: list[tuple[str, str, Grid | None]] = []
    for kind, grid in zip(kinds, grids, strict=True):
        if kind is not None:
            named.append((kind, f"{file.name}[{grid.sheet}]", grid))
        elif fold(grid.sheet) not in GUIDES:
            zh, en = "不认识这个工作表，未读", "unknown sheet, not read"
            notes.append(Problem(file.name, 0, "", zh, en, grid.sheet))
    return named
