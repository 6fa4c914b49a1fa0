"""A table: columns with a kind, rows of plain values. One shape for the page and for the workbook. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TypeAlias


class Kind(StrEnum):
    """What a column's cells are; how they look is the page's and the workbook's business."""

    text = "text"
    number = "count"
    rate = "rate"  # (value, low, high) or None: three columns of a workbook
    moment = "moment"  # Unix ms; 0: none
    day = "day"


Rate: TypeAlias = tuple[float, float, float]
Cell: TypeAlias = str | int | Rate | date | None


@dataclass(frozen=True, slots=True)
class Column:
    """`group` stands above neighbours that share it. `width` in characters of the workbook; 0: by kind."""

    title: str
    kind: Kind = Kind.number
    group: str = ""
    width: int = 0
    tone: str = ""
    """Of a level: "1", "2" or "3"."""
    heat: bool = False
    """Shaded by size on the page."""


@dataclass(frozen=True, slots=True)
class Table:
    """`total` closes the rows. `notes` are said below the table, and in the workbook."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    total: Sequence[Cell] | None = None
    notes: Sequence[str] = ()
    ids: Sequence[str] = ()
    """Of each row, where a button needs it: box/life/seq of what can be marked as known."""
    more: bool = False
    """There is a further page."""
    faint: frozenset[int] = field(default_factory=frozenset)
    """Rows whose sample is too small for their rates."""
