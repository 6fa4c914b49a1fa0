"""The one that puts a checked folder into the ledger: only what differs, all of it or nothing, and says
what changed.
"""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from manyi.core.ledger import facts as ledger_facts
from manyi.core.roster.check import Report, check
from manyi.core.roster.entries import BEIJING
from manyi.core.roster.facts import Body, Change, Facts
from manyi.core.roster.model import Roster
from manyi.core.roster.rows import fact_rows

_WORDS = {
    "office": ("机构", "office"),
    "placement": ("评价器位置", "place of box"),
    "staff": ("人员", "staff"),
    "duty": ("在岗", "duty"),
    "cover": ("顶岗", "stand-in"),
    "leader": ("值班领导", "leader on duty"),
}
_LEFT_OUT = ("from_ms", "gone", "salt")


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: its check, and the changes it appended (none if the check failed)."""

    report: Report
    changes: tuple[Change, ...]

    def text(self, lang: str = "zh") -> str:
        """The check's lines, or one line per change and a total."""
        if not self.report.ok:
            last = "Nothing was imported." if lang == "en" else "有错误，什么也没有导入。"
            return f"{self.report.text(lang)}\n{last}"
        n = len(self.changes)
        last = f"{n} changes recorded." if lang == "en" else f"共记录 {n} 处变化。"
        return "\n".join([*(describe(c, lang) for c in self.changes), *_notes(self.report, lang), last])


def import_(folder: Path, conn: sqlite3.Connection, at_ms: int, dry_run: bool = False) -> Imported:
    """Checks `folder` against the ledger's roster and appends the differences in one transaction.

    `conn` is a writing connection to the ledger; `at_ms` becomes the recorded time, one for the whole import.
    Raises sqlite3.Error if the transaction fails; nothing is recorded then.
    """
    facts = Facts()
    for row in fact_rows(conn):
        facts.apply(row)
    report = check(folder, Roster(facts))
    if not report.ok:
        return Imported(report, ())
    changes = facts.differences(report.facts)
    if changes and not dry_run:
        ledger_facts.append_facts(conn, at_ms, [(c.kind, c.new) for c in changes])
    return Imported(report, tuple(changes))


def describe(change: Change, lang: str = "zh") -> str:
    """One change in one line."""
    english = lang == "en"
    kind = _WORDS[change.kind][english]
    name = _name(change.new)
    if change.old is None:
        return f"{'new' if english else '新增'} {kind} {name}: {_cells(change.new)}"
    if change.new.get("gone"):
        return f"{'withdrawn' if english else '撤销'} {kind} {name}: {_cells(change.old)}"
    what = "; ".join(
        f"{k} {_cell(k, change.old.get(k))} → {_cell(k, v)}"
        for k, v in change.new.items()
        if change.old.get(k) != v
    )
    return f"{'changed' if english else '更改'} {kind} {name}: {what}"


def _notes(report: Report, lang: str) -> list[str]:
    return [n.text(lang) for n in report.notes]


def _name(body: Body) -> str:
    key = str(body.get("box") or body.get("window") or body.get("hall") or body.get("id"))
    return f"{key} {_cell('from_ms', body['from_ms'])}" if "from_ms" in body else key


def _cells(body: Body) -> str:
    return ", ".join(f"{k}={_cell(k, v)}" for k, v in body.items() if k not in _LEFT_OUT)


def _cell(key: str, value: object) -> str:
    if key.endswith("_ms") and isinstance(value, int):
        return datetime.fromtimestamp(value / 1000, BEIJING).strftime("%Y-%m-%d %H:%M")
    return "—" if value in (None, "") else str(value)
