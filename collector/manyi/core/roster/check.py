"""A roster's files as a whole: everything that is wrong in them, or the facts they state.

offices 机构, boxes 评价器, staff 人员, duty 在岗, leaders 值班领导, business 业务类型, as CSV files or sheets; at least one of
them. What a table refers to must stand in another of them or in the roster that is already `known`. It
refuses to give any fact while one error is left.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from manyi.core.roster import entries, layouts, sources
from manyi.core.roster.entries import Found
from manyi.core.roster.facts import Body
from manyi.core.roster.model import Roster
from manyi.core.roster.references import Tables, references
from manyi.core.roster.table import Problem, Table, build

Parse = Callable[[Table, list[Problem]], Found]

TABLES: dict[str, tuple[str, Parse]] = {
    "offices": ("office", entries.offices),
    "boxes": ("placement", entries.boxes),
    "staff": ("staff", entries.staff),
    "duty": ("duty", entries.duty),
    "leaders": ("leader", entries.leaders),
    "business": ("business", entries.business),
}
EXAMPLE = "example-"  # how the template's ids begin: worth a word if they are still there


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found. `facts` are (kind, body), and empty while `problems` is not."""

    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]
    facts: tuple[tuple[str, Body], ...]

    @property
    def ok(self) -> bool:
        return not self.problems

    def text(self, lang: str = "zh") -> str:
        """One line per problem and note, in the order of files and rows."""
        notes = [("Note: " if lang == "en" else "提示：") + n.text(lang) for n in self.notes]
        return "\n".join([p.text(lang) for p in self.problems] + notes)


def check(path: Path, known: Roster | None = None) -> Report:
    """All errors of a folder, or of one workbook, at once. Raises nothing for bad content."""
    source = sources.find(path)
    problems, notes = source.problems, source.notes
    tables: Tables = {}
    for name, grid in source.grids.items():
        kind, parse = TABLES[name]
        if grid is not None:
            table = build(grid, layouts.COLUMNS[name], problems, notes)
            tables[kind] = (table, parse(table, problems))
    references(tables, known, problems)
    order = [(table.file, table.sheet) for table, _ in tables.values()]
    problems.sort(key=lambda p: (_place(p, order), p.row))
    notes.sort(key=lambda p: (_place(p, order), p.row))
    notes += [n for table, found in tables.values() for n in _examples(table, found)]
    facts = tuple(
        ("cover" if kind == "duty" and entries.is_cover(line) else kind, body)
        for kind, (_, found) in tables.items()
        for line, body in found
    )
    return Report(tuple(problems), tuple(notes), () if problems else facts)


def _place(problem: Problem, order: list[tuple[str, str]]) -> int:
    place = (problem.file, problem.sheet)
    return order.index(place) if place in order else len(order)


def _examples(table: Table, found: Found) -> list[Problem]:
    zh, en = (
        "模板的示例行还在，会被当作真的",
        "a row of the template's example is still here; it counts as real",
    )
    rows = [line.row for line, body in found if any(str(body.get(k, "")).startswith(EXAMPLE) for k in _IDS)]
    return [table.problem(row, "", zh, en) for row in rows[:1]]


_IDS = ("id", "box", "staff", "hall", "unit")
