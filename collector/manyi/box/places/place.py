"""Which window a box stands at: from scanned labels or a replacement to rows of the roster's table of boxes. Pure.

Refuses to guess a window or a time, and to move the past: a replacement begins when it began.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from manyi.box.papers.label import read
from manyi.box.words import BoxError, Unfit, both
from manyi.core.days import BEIJING
from manyi.core.roster.cells import Holds, Value, Wrong, text_of
from manyi.core.roster.layouts import BOXES
from manyi.core.roster.table import fold
from manyi.core.roster.times import moment

FORM = "%Y-%m-%d %H:%M"
STORE = ""
"""The window of a box that stands nowhere."""


@dataclass(frozen=True, slots=True)
class Placed:
    box: str
    window: str
    since: str  # Beijing time, as the roster writes it


HEADS = {head for column in BOXES for head in column.known_as()}
CELLS = (Holds.code, Holds.code, Holds.time)  # code, window, time


def scans(rows: Iterable[tuple[int, Sequence[Value]]], now: str) -> list[Placed]:
    """Rows of code, window and, if it was not `now`, a time; by their numbers. Raises Unfit."""
    found, problems = [], []
    for number, row in rows:
        try:
            cells = _cells(row)
            if not any(cells) or cells[0].startswith("#") or fold(cells[1]) in HEADS:
                continue
            if not cells[0] or not cells[1] or len(cells) > len(CELLS):
                raise BoxError("应为 码,窗口,时间", "must be code, window, time")
            found.append(Placed(read(cells[0]), cells[1], when(cells[2]) if cells[2] else now))
        except BoxError as error:
            problems.append(both(f"第 {number} 行：{error.zh}", f"row {number}: {error.en}"))
    names = [p.box for p in found]
    problems += [
        both(f"{n} 出现两次", f"{n} is there twice") for n in sorted({n for n in names if names.count(n) > 1})
    ]
    if problems or not found:
        raise Unfit(problems or [both("文件里没有一行扫码记录", "there is no scanned label in it")])
    return found


def lines(text: str) -> list[tuple[int, list[str]]]:
    """A phone's note as rows: with an input method's commas, or a table's tabs."""
    return list(enumerate(csv.reader(io.StringIO(text.replace("，", ",").replace("\t", ","))), 1))


def _cells(row: Sequence[Value]) -> list[str]:
    """At least three, and none empty beyond. Raises BoxError."""
    texts = []
    for at, value in enumerate(row):
        text = text_of(value, CELLS[min(at, len(CELLS) - 1)])
        if isinstance(text, Wrong):
            raise BoxError(text.zh, text.en)
        texts.append(text)
    while texts and not texts[-1]:
        texts.pop()
    return texts + [""] * (len(CELLS) - len(texts))


def when(text: str) -> str:
    """A time as the roster writes it. Raises BoxError."""
    found = moment(text)
    if found is None:
        raise BoxError(
            f"“{text}”不是时间，应如 2026-11-21 08:30", f"{text!r} is no time such as 2026-11-21 08:30"
        )
    return beijing(found)


def beijing(now_ms: int) -> str:
    return datetime.fromtimestamp(now_ms / 1000, BEIJING).strftime(FORM)


def neighbours(rows: list[Placed], more: list[Placed]) -> list[tuple[str, str, str]]:
    """(box, window, other box) of those added to a window at which another one stands and stays."""
    newest = {p.box: p.window for p in sorted([*rows, *more], key=lambda p: p.since)}
    return [
        (p.box, p.window, other)
        for p in more
        for other, window in newest.items()
        if other != p.box and window == p.window != STORE
    ]


def replacement(rows: list[Placed], old: str, new: str, since: str) -> list[Placed]:
    """`new` stands where `old` stood, from `since` on; `old` is in store, and what it still sends keeps its window up to
    then. Raises BoxError."""
    if old == new:
        raise BoxError("新旧是同一台：查看新机的标签", "both are one box: look at the new one's label")
    stood = [p for p in rows if p.box == old and p.since <= since]
    window = max(stood, key=lambda p: p.since).window if stood else STORE
    if window == STORE:
        raise BoxError(f"{old} 那时不在任何窗口", f"{old} stood at no window then: bind the new one instead")
    if any(p.box in (old, new) and p.since > since for p in rows):
        raise BoxError(
            "名册里有更晚的安排：在名册里改",
            "the roster says something later about one of them: edit the roster",
        )
    return [Placed(old, STORE, since), Placed(new, window, since)]
