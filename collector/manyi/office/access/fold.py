"""How much one account may write into the audit log: what is said again and again is said once, with how often. Pure.

Nothing is dropped: the first BURST entries alike stand one by one, and those after them as one entry with their number,
every WINDOW_S. Beyond so many different ones in a day an account's entries are told apart by event alone, and its further
changes and workbooks are refused (audit.py): at DAY_ENTRIES of 1.5 KB at the most, an account grows the log by 1.5 MB a day.
It refuses to remember over a restart: what is counted then and not yet written is lost, 10 minutes at the most.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

WINDOW_S = 600.0  # an auditor hears of the rest that soon; two entries of a kind in it are 288 a day
BURST = 20  # entries alike in a window: a clumsy person makes as many, a script makes thousands
# Of one account, or one address without one; a busy day at the control centre has a tenth.
DAY_ENTRIES = 1_000
# Of everybody without an account together: whoever has a thousand addresses has still one database to fill.
STRANGERS_DAY_ENTRIES = 10_000
DAY_S = 86_400.0

Entry = TypeVar("Entry")
Key = tuple[str, str, Hashable]  # event, whose, the rest of it


@dataclass(slots=True)
class Window(Generic[Entry]):
    """Entries alike since `since`. `last` is the newest of the `times` that were not written."""

    since: float
    seen: int = 0
    times: int = 0
    last: Entry | None = None


@dataclass(slots=True)
class Fold(Generic[Entry]):
    """One process's memory of what it wrote lately; not for several threads at once."""

    _open: dict[Key, Window[Entry]] = field(default_factory=dict)
    _written: dict[str, int] = field(default_factory=dict)
    _strangers: int = 0
    _day: int = -1

    def take(self, event: str, whose: str, rest: Hashable, entry: Entry, now: float, *, known: bool) -> bool:
        """Whether to write it now; else it is counted. `known`: `whose` is an account, not an address."""
        self._turn(now)
        full = self._written.get(whose, 0) >= DAY_ENTRIES
        if not known and self._strangers >= STRANGERS_DAY_ENTRIES:
            full, whose = True, ""
        key: Key = (event, whose, None if full else rest)
        window = self._open.setdefault(key, Window(now))
        window.seen += 1
        if not full and window.seen <= BURST:
            self._written[whose] = self._written.get(whose, 0) + 1
            self._strangers += not known
            return True
        window.times += 1
        window.last = entry
        return False

    def full(self, whose: str, now: float) -> bool:
        """Whether that account has written all that it may today."""
        self._turn(now)
        return self._written.get(whose, 0) >= DAY_ENTRIES

    def due(self, now: float, *, all_of_it: bool = False) -> Iterator[tuple[Entry, int, bool]]:
        """(the newest, how many, whether they were alike in everything) of each window that has ended."""
        for key, window in list(self._open.items()):
            if all_of_it or now - window.since >= WINDOW_S:
                del self._open[key]
                if window.last is not None:
                    yield window.last, window.times, key[2] is not None

    def _turn(self, now: float) -> None:
        day = int(now // DAY_S)
        if day != self._day:
            self._day, self._strangers = day, 0
            self._written.clear()
