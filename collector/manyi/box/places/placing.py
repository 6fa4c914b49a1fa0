"""What `manyi box bind` and `replace` do: places into the roster's own file, then the whole roster into the ledger.

Refuses to leave the two apart: what the ledger's import refuses is taken back out of the file. Loaded only where it is asked
for: a bench has no roster.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from manyi.box import identity
from manyi.box.places import place, roster_file
from manyi.box.places.place import Placed
from manyi.box.words import Unfit, both, file_trouble
from manyi.core import roster
from manyi.core.ledger import schema
from manyi.core.roster import Imported, sources, workbooks
from manyi.core.roster.cells import Value
from manyi.core.roster.table import Problem

Choose = Callable[[list[Placed]], list[Placed]]  # the places that the roster has -> those to be added


def bound(scanned: Path, now_ms: int) -> Choose:
    """What was scanned, in a phone's note or in a table that somebody made of it. Raises BoxError."""
    rows = _rows(scanned)
    return lambda _had: place.scans(rows, place.beijing(now_ms))


def replaced(old: str, new: str, at: str, now_ms: int) -> Choose:
    """`at`: Beijing time, "" for now. Raises BoxError."""
    since = place.when(at) if at else place.beijing(now_ms)
    return lambda had: place.replacement(had, old, new, since)


@dataclass(frozen=True, slots=True)
class Recorded:
    """`file`: has the places now, unless the import is not ok. `beside`: (box, window, box that stays there too)."""

    file: str
    done: Imported
    beside: list[tuple[str, str, str]]


def record(roster_path: Path, ledger: Path, choose: Choose, now_ms: int) -> Recorded:
    """Raises BoxError, LedgerError, sqlite3.Error; nothing has changed then."""
    file = roster_file.opened(roster_path)
    had = file.had()
    more = choose(had)
    file.add(more)
    ok = False
    try:
        conn = schema.open_for_writing(ledger)
        try:
            done = roster.import_(roster_path, conn, now_ms)
        finally:
            conn.close()
        ok = done.report.ok
    finally:
        if not ok:
            file.restore()
    return Recorded(file.path.name, done, place.neighbours(had, more))


def _rows(scanned: Path) -> Sequence[tuple[int, Sequence[Value]]]:
    if scanned.suffix.lower() not in sources.WORKBOOKS:
        return place.lines(identity.text_of(scanned))
    problems: list[Problem] = []
    try:
        sheets = workbooks.read_workbook(scanned.name, scanned.read_bytes(), problems, [])
    except OSError as error:
        raise file_trouble(scanned, error) from None
    if problems:
        raise Unfit([both(p.text("zh"), p.text("en")) for p in problems])
    return sheets[0].rows if sheets else []
