"""The account as a table for a terminal. It refuses to work anything out: core/account.py has done that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from manyi.core.account import Account

HEADINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "zh": ("评价器", "按键", "已存", "其中分叉", "待传", "丢失（器）", "丢失（中心）", "不明（至多）", "相符"),
    "en": ("box", "pressed", "stored", "of it forked", "waiting", "lost (box)", "lost (centre)",
           "unknown (at most)", "adds up"),
}  # fmt: skip
_TOTAL: Final = {"zh": "合计", "en": "total"}
_YES_NO: Final = {"zh": ("是", "否"), "en": ("yes", "NO")}


def table(found: Account, lang: str = "zh") -> str:
    """The account for people: one line a box, then the total."""
    rows = [HEADINGS[lang]]
    for line in (*found.lines, found.total):
        figures = (
            line.pressed, line.stored, line.forked, line.waiting, line.lost_box, line.lost_centre, line.unknown,
        )  # fmt: skip
        rows.append((line.box or _TOTAL[lang], *(f"{n:,}" for n in figures), _YES_NO[lang][not line.ok]))
    widths = [max(_width(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(_pad(cell, widths[i], i) for i, cell in enumerate(row)).rstrip() for row in rows
    )


def _width(text: str) -> int:
    """Columns on a terminal: a Chinese character takes two."""
    return sum(2 if ord(c) > 0x2E7F else 1 for c in text)


def _pad(text: str, width: int, column: int) -> str:
    fill = " " * (width - _width(text))
    return text + fill if column == 0 else fill + text
