"""The one that puts checked files into the ledger: only what differs, all of it or nothing. Before, it can say
what would change and which ratings would move; then it writes nothing.
"""

import sqlite3
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from manyi.core.ledger import facts as ledger_facts
from manyi.core.roster import differences
from manyi.core.roster.check import Report, check
from manyi.core.roster.facts import Change, Facts
from manyi.core.roster.model import Roster
from manyi.core.roster.moves import Move, moves
from manyi.core.roster.rows import fact_rows
from manyi.words import many


@dataclass(frozen=True, slots=True)
class Imported:
    """An import's check, and the changes it appended (none if the check failed); `dry` ones are not appended,
    and `moved` counts what they would move, None if there is no ratings.db.
    """

    report: Report
    changes: tuple[Change, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    dry: bool = False
    moved: Counter[Move] | None = None

    def text(self, lang: str = "zh") -> str:
        """The check's lines, or the differences and a total."""
        en = lang == "en"
        checked = self.report.text(lang)
        lines = [checked] if checked else []
        if not self.report.ok:
            return "\n".join([*lines, "Nothing was imported." if en else "有错误，什么也没有导入。"])
        lines += differences.text(self.changes, self.names, lang)
        if self.dry:
            lines += differences.moves_text(self.moved, self.names, lang)
            last = "Nothing was recorded: this was a dry run." if en else "这是试运行，什么也没有记录。"
        else:
            last = (
                f"{many(len(self.changes), 'change')} recorded."
                if en
                else f"共记录 {len(self.changes)} 处变化。"
            )
        return "\n".join([*lines, last])


def import_(path: Path, conn: sqlite3.Connection, at_ms: int) -> Imported:
    """Checks a folder or workbook against the ledger's roster and appends the differences in one transaction.

    `conn` is a writing connection to the ledger; `at_ms` becomes the recorded time, one for the whole import.
    Raises sqlite3.Error if the transaction fails; nothing is recorded then.
    """
    facts = _facts(conn)
    report = check(path, Roster(facts))
    changes = tuple(facts.differences(report.facts)) if report.ok else ()
    if changes:
        ledger_facts.append_facts(conn, at_ms, [(c.kind, c.new) for c in changes])
    return Imported(report, changes, _names(facts.after(changes)))


def preview(path: Path, ledger: sqlite3.Connection | None, ratings: sqlite3.Connection | None) -> Imported:
    """What `import_` would do, and which ratings would move. Both connections only read; without a ledger
    everything is new.
    """
    facts = Facts() if ledger is None else _facts(ledger)
    before = Roster(facts)
    report = check(path, before)
    changes = tuple(facts.differences(report.facts)) if report.ok else ()
    then = facts.after(changes)
    moved = None if ratings is None else moves(ratings, changes, before, Roster(then))
    return Imported(report, changes, _names(then), True, moved)


def _facts(conn: sqlite3.Connection) -> Facts:
    facts = Facts()
    for row in fact_rows(conn):
        facts.apply(row)
    return facts


def _names(facts: Facts) -> dict[str, str]:
    return {str(b["id"]): str(b["zh"]) for b in facts.of("staff")}
