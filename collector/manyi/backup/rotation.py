"""Which copies to keep: the newest of each of the last days, and of each of the last weeks. Pure but for `remove`.

Counts days and weeks that have a copy, so that a machine that was off for a month keeps what it has. Refuses to remove
the newest, a copy whose ledger was found wrong (it is evidence), and anything that is not a whole copy of ours.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from manyi.backup import manifest
from manyi.backup.copy import NAME_FORMAT, PREFIX
from manyi.core.days import BEIJING
from manyi.core.errors import ManyiError


def superfluous(times: Iterable[datetime], daily: int, weekly: int) -> list[datetime]:
    """The times of copies that may go, oldest first."""
    newest_first = sorted(times, reverse=True)
    days: dict[object, datetime] = {}
    weeks: dict[object, datetime] = {}
    for at in newest_first:
        days.setdefault(at.date(), at)
        weeks.setdefault(at.isocalendar()[:2], at)
    kept = {*list(days.values())[: max(1, daily)], *list(weeks.values())[:weekly]}
    return sorted(set(newest_first) - kept)


def copies(target: Path) -> dict[datetime, Path]:
    """The whole copies in a folder, by the time in their names."""
    found = {}
    for path in target.glob(f"{PREFIX}*"):
        try:
            at = datetime.strptime(path.name, NAME_FORMAT).replace(tzinfo=BEIJING)
            sound = not manifest.read(path).finding
        except (ValueError, ManyiError):
            continue
        if sound and not path.is_symlink():
            found[at] = path
    return found


def remove(target: Path, daily: int, weekly: int) -> list[Path]:
    """Removes what is superfluous; gives what it removed."""
    found = copies(target)
    gone = [found[at] for at in superfluous(found, daily, weekly)]
    for path in gone:
        (path / manifest.NAME).unlink()  # first: half a copy must not pass for one
        shutil.rmtree(path)
    return gone
