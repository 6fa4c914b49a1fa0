"""Which window a box stands at: from scanned labels or a replacement to rows of the roster's boxes.csv. Pure.

The roster's files stay the one truth: an import would withdraw what only the ledger knew. Refuses to guess a window, a
time or a column, and to move the past: a replacement begins when it began.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import datetime

from manyi.box.identity import Unfit
from manyi.box.label import read
from manyi.box.words import BoxError, both
from manyi.core.days import BEIJING
from manyi.core.roster.layouts import BOXES
from manyi.core.roster.table import fold
from manyi.core.roster.times import TIMES

FORM = "%Y-%m-%d %H:%M"
STORE = ""
"""The window of a box that stands nowhere."""


@dataclass(frozen=True, slots=True)
class Placed:
    box: str
    window: str
    since: str  # Beijing time, as the roster writes it


def scans(text: str, now: str) -> list[Placed]:
    """Lines `code,window[,time]`, as a phone's notes or a spreadsheet gives them. Raises Unfit."""
    found, problems = [], []
    for number, cells in enumerate(csv.reader(io.StringIO(text.replace("，", ",").replace("\t", ","))), 1):
        cells = [c.strip() for c in cells]  # noqa: PLW2901
        if not any(cells) or cells[0].startswith("#"):
            continue
        try:
            if len(cells) not in (2, 3) or not cells[1]:
                raise BoxError("应为 码,窗口,时间", "must be code, window, time")
            found.append(
                Placed(read(cells[0]), cells[1], when(cells[2]) if len(cells) == 3 and cells[2] else now)
            )
        except BoxError as error:
            problems.append(f"{number}: {error}")
    names = [p.box for p in found]
    problems += [
        both(f"{n} 出现两次", f"{n} is there twice") for n in sorted({n for n in names if names.count(n) > 1})
    ]
    if problems or not found:
        raise Unfit(problems or [both("文件里没有一行", "there is no line in it")])
    return found


def when(text: str) -> str:
    """A time as the roster writes it. Raises BoxError."""
    for form in TIMES:
        try:
            return datetime.strptime(text.replace("/", "-").strip(), form).strftime(FORM)
        except ValueError:
            continue
    raise BoxError(f"“{text}”不是时间", f"{text!r} is no time such as 2026-11-21 08:30")


def beijing(now_ms: int) -> str:
    return datetime.fromtimestamp(now_ms / 1000, BEIJING).strftime(FORM)


def replacement(rows: list[Placed], old: str, new: str, since: str) -> list[Placed]:
    """`new` stands where `old` stood, from `since` on; `old` is in store, and what it still sends keeps its window up to
    then. Raises BoxError."""
    stood = [p for p in rows if p.box == old and p.since <= since]
    window = max(stood, key=lambda p: p.since).window if stood else STORE
    if window == STORE:
        raise BoxError(f"{old} 那时不在任何窗口", f"{old} stood at no window then: bind the new one instead")
    if any(p.box in (old, new) and p.since > since for p in rows):
        raise BoxError(
            "名册里有更晚的安排", "the roster says something later about one of them: edit boxes.csv"
        )
    return [Placed(old, STORE, since), Placed(new, window, since)]


def with_rows(raw: bytes, more: list[Placed]) -> tuple[bytes, list[Placed]]:
    """boxes.csv with these rows at its end, in its own columns and encoding; and the rows it had. Raises BoxError."""
    text, encoding = decoded(raw)
    lines = list(csv.reader(io.StringIO(text)))
    if not lines:
        raise BoxError("boxes.csv 是空的", "boxes.csv is empty: it needs its header")
    columns = {}
    for column in BOXES:
        at = [i for i, head in enumerate(lines[0]) if fold(head) in column.known_as()]
        if len(at) != 1:
            raise BoxError(f"boxes.csv 缺“{column.zh}”列", f"boxes.csv has no column {column.name}")
        columns[column.name] = at[0]
    had = [
        Placed(row[columns["box"]].strip(), row[columns["window"]].strip(), _lenient(row[columns["from"]]))
        for row in lines[1:]
        if len(row) > max(columns.values())
    ]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n" if "\r\n" in text else "\n")
    for one in more:
        cells = [""] * len(lines[0])
        cells[columns["box"]], cells[columns["window"]], cells[columns["from"]] = (
            one.box,
            one.window,
            one.since,
        )
        writer.writerow(cells)
    gap = "" if text.endswith("\n") else "\n"
    return raw + (gap + out.getvalue()).encode(encoding), had


def _lenient(text: str) -> str:
    try:
        return when(text)
    except BoxError:
        return text  # the import names it


def decoded(raw: bytes) -> tuple[str, str]:
    try:
        return raw.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        return raw.decode("gb18030", errors="replace"), "gb18030"
