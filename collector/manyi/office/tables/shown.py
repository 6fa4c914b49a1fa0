"""A table as the page shows it: every cell a text with its class. It refuses to round a rate up to 100 %."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from manyi.core.days import BEIJING
from manyi.office.tables.model import Cell, Column, Kind, Table

HEATS = 8  # steps of shading
NONE = "—"


@dataclass(frozen=True, slots=True)
class Shown:
    text: str
    css: str
    beside: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    cells: Sequence[Shown]
    css: str = ""
    id: str = ""
    """Of what can be marked as known in this row."""


def groups(columns: Sequence[Column]) -> list[tuple[str, int]]:
    """(title, columns) of the upper row of heads; empty if no column has a group."""
    if not any(column.group for column in columns):
        return []
    return [(title, len(list(own))) for title, own in groupby(columns, key=lambda c: c.group)]


def heads(columns: Sequence[Column]) -> list[Shown]:
    return [Shown(c.title, f"{c.kind} l{c.tone}" if c.tone else str(c.kind)) for c in columns]


def rows(table: Table, unmarked: str = "") -> list[Row]:
    """`unmarked`: title of the column that is empty as long as nobody has marked the row."""
    most: dict[str, int] = {}  # of each group, because ten reds are many and ten ratings are few
    for row in table.rows:
        for value, column in zip(row, table.columns, strict=True):
            if column.heat and isinstance(value, int):
                most[column.group] = max(value, most.get(column.group, 0))
    open_at = next((at for at, c in enumerate(table.columns) if unmarked and c.title == unmarked), None)
    found = []
    for at, row in enumerate(table.rows):
        cells = [
            cell(column, value, most.get(column.group, 0))
            for column, value in zip(table.columns, row, strict=True)
        ]
        waits = open_at is not None and not row[open_at] and at < len(table.ids)
        found.append(Row(cells, "faint" if at in table.faint else "", table.ids[at] if waits else ""))
    return found


def total(table: Table) -> Row | None:
    if table.total is None:
        return None
    return Row([cell(c, value, 0) for c, value in zip(table.columns, table.total, strict=True)])


def cell(column: Column, value: Cell, most: int) -> Shown:
    css = str(column.kind)
    match value:
        case None | "":
            return Shown("" if value == "" or column.kind is not Kind.rate else NONE, css)
        case str():
            return Shown(value, css)
        case tuple():
            rate, low, high = value
            return Shown(f"{percent(rate)}%", css, f"{percent(low)}–{percent(high)}")
        case date():
            return Shown(value.isoformat(), css)
        case int() if column.kind is Kind.moment:
            return Shown(moment(value) if value else "", css)
        case int():
            shade = f" heat{-(-value * HEATS // most)}" if column.heat and most and value else ""
            zero = " zero" if value == 0 else ""
            return Shown(f"{value:,}", f"{css}{shade}{zero}{f' l{column.tone}' if column.tone else ''}")


def moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def percent(share: float) -> str:
    """0.9996 is 99.9, never 100; as the wall says it."""
    rounded = round(share * 100, 1)
    return f"{99.9 if share < 1 and rounded >= 100 else rounded:.1f}"
