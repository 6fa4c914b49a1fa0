"""Which rows of a grid are a table's header, and which below it are none of the table's. Pure.

A header stands in one row, or in two where the lower divides columns of the upper (在岗时间 over 开始 and 结束). Totals, notes
and signatures below the table, and the header once more on each printed page, are no rows of it. It knows words, no columns.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from manyi.core.roster.cells import Value

WITHIN = 20  # rows; a title, its subtitle, the unit and the date above a header are four
IGNORED = frozenset({"序号", "备注", "说明", "no", "no.", "#", "remark", "remarks", "note", "notes"})
_WORDS = "备注|附注|注|说明|填表说明|合计|总计|小计|共计|负责人|(?:制表|填表|填报|审核|复核|审批|联系)人"
_BEFORE_A_COLON = f"{_WORDS}|制表|填表|审核|复核|审批|(?:填报|制表)(?:单位|日期|时间)"
_IS_ASIDE = re.compile(rf"(?:{_WORDS})(?:\d+\D?)?|(?:{_BEFORE_A_COLON})\d*[:：].*", re.DOTALL)

Row = tuple[int, tuple[Value, ...]]


@dataclass(frozen=True, slots=True)
class Header:
    """`row`: the file's number of the row that it ends with; `below`: how many of the rows it and what is above it take;
    `titles`: of each column, "" for none.
    """

    row: int
    below: int
    titles: tuple[str, ...]


def fold(header: str) -> str:
    """A header without what bureaus put around it: spaces, stars, line breaks, （必填） at its end."""
    plain = unicodedata.normalize("NFKC", header).lower()
    return re.sub(r"\([^()]*\)$", "", re.sub(r"[\s_*:]", "", plain))


def find(rows: Sequence[Row], known: frozenset[str]) -> Header:
    """The first row, or two of which the second divides the first, with the most known headers, two at least; else the first
    row, whose problems then tell.
    """
    most, found = 1, Header(rows[0][0], 1, _titles(rows[0][1]))
    for i, (number, cells) in enumerate(rows[:WITHIN]):
        one = Header(number, i + 1, _titles(cells))
        for below, lower in rows[i + 1 : i + 2]:
            if divided := _divided(one.titles, _titles(lower), known):
                one = Header(below, i + 2, divided)
        hits = sum(fold(title) in known for title in one.titles)
        if hits > most:
            most, found = hits, one
    return found


def _titles(cells: Sequence[Value]) -> tuple[str, ...]:
    return tuple(str(cell).strip() for cell in cells)


def _divided(upper: tuple[str, ...], lower: tuple[str, ...], known: frozenset[str]) -> tuple[str, ...]:
    """Both rows as one, if both are a header: the upper in part, the lower in all that it says, and none of that under
    something known; else nothing.
    """
    pairs = list(zip_longest(upper, lower, fillvalue=""))
    words = {fold(low) for _, low in pairs if low}
    if not words & known or words - known - IGNORED or not any(fold(up) in known for up, _ in pairs):
        return ()
    if any(low and fold(up) in known for up, low in pairs):
        return ()
    return tuple(low or up for up, low in pairs)


def is_aside(cells: Sequence[Value], titles: Sequence[str]) -> bool:
    """Whether a row below the header is none of the table's: a total, a note, a signature, or the header once more."""
    first = next((text for text in _titles(cells) if text), "")
    if first.isascii():  # an id, as in most rows
        return False
    if _IS_ASIDE.fullmatch(re.sub(r"\s", "", first)):
        return True
    again = [fold(title) for title in _titles(cells)]
    return again == [fold(title) for title in titles]
