"""Takes visits in: what of a message goes into the ledger, and the answer.

    message ─▶ judge each visit ─▶ which are new, under the ledger's own lock ─▶ one row ─▶ answer

Told again, a visit changes nothing, so whoever is in doubt sends once more. Put right, it is told with a higher `rev`: the
row of before stays, the later one counts. One bad visit holds no other. Two files: the ledger, and visits.db, which knows
what was told before. Refuses to write an empty row, and to say taken before the commit has returned.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from manyi.core import stores
from manyi.core.errors import InputError
from manyi.core.roster.model import Roster
from manyi.core.told.desk import Desk
from manyi.core.told.items import Answer, NotTaken, Said, id_of, items
from manyi.core.told.sources import Source
from manyi.core.visits import report as visits
from manyi.core.visits.report import Visit
from manyi.core.visits.store import VisitStore

FILE: Final = "visits.db"  # beside the ledger


class Intake:
    """One thread an object. Opens what it needs at the first message; the ledger must be there by then."""

    def __init__(self, data_dir: Path) -> None:
        self._desk, self._file = Desk(data_dir), data_dir / FILE
        self._store: VisitStore | None = None

    def close(self) -> None:
        self._desk.close()
        if self._store is not None:
            self._store.close()
        self._store = None

    def take(self, source: Source, payload: bytes, now_ms: int) -> Answer:
        """Everything good of a message is in the ledger when this returns. Raises InputError for a message that is none;
        LedgerError or sqlite3.Error if the ledger cannot be written now: nothing of it is taken then.
        """
        told = items(payload, "visits", "办件", "visit")
        if isinstance(told, tuple):
            raise InputError(f"{told[0]} / {told[1]}")
        conn, roster = self._desk.open(), self._desk.roster()
        if self._store is None:
            self._store = VisitStore(self._file)
        store = self._store
        good, repeated, refused = _judged(told, source, roster, now_ms)
        with stores.transaction(conn):
            while store.follow(conn):
                pass
            known = store.known(source.name, list(good))
            oldest_ms = now_ms - visits.LATE_MS
            sorted_out = [(index, v, _newer(v, known.get(v.id), oldest_ms)) for index, v in good.values()]
            taken = tuple(v for _, v, what in sorted_out if what is True)
            if taken:
                self._desk.append(now_ms, visits.KIND, visits.body(source.name, taken))
        for index, v, what in sorted_out:
            if what is False:
                repeated += 1
            elif what is not True:
                refused.append(Said(index, v.id, *what))
        return Answer(len(taken), repeated, tuple(sorted(refused)))


def _judged(
    told: list[Any], source: Source, roster: Roster, now_ms: int
) -> tuple[dict[str, tuple[int, Visit]], int, list[Said]]:
    """The good ones by id, each with its place; how many were there twice; and what is refused."""
    good: dict[str, tuple[int, Visit]] = {}
    refused: list[Said] = []
    repeated = 0
    for index, item in enumerate(told):
        try:
            found = visits.judge(item, source, roster, now_ms)
        except NotTaken as no:
            refused += [Said(index, id_of(item), *wrong) for wrong in no.wrong]
            continue
        if (earlier := good.get(found.id)) is None:
            good[found.id] = (index, found)
        elif found.rev > earlier[1].rev:
            good[found.id] = (index, found)
            repeated += 1  # the word before it counts for nothing
        elif earlier[1] == found or found.rev < earlier[1].rev:
            repeated += 1
        else:
            refused.append(Said(index, found.id, *_OTHER))
    return good, repeated, refused


def _newer(v: Visit, was: Visit | None, oldest_ms: int) -> bool | tuple[str, str, str]:
    """Whether it is taken (True), was known (False), or why it is refused."""
    if was is None:
        return True
    if v.rev == was.rev:
        same = (v.window, v.finished_ms, v.biz, v.withdrawn) == (
            was.window,
            was.finished_ms,
            was.biz,
            was.withdrawn,
        )
        return False if same else _OTHER
    if v.rev > was.rev and not was.withdrawn and was.finished_ms < oldest_ms:
        return _TOO_OLD
    return v.rev > was.rev


_OTHER: Final = (
    "rev",
    "同一 id、同一 rev 已报过不同的内容：更正须用更大的 rev",
    "this id and rev was told before with something else: a correction needs a higher rev",
)
_TOO_OLD: Final = (
    "id",
    "该办件已超过 31 天，不再更正",
    "this visit ended more than 31 days ago and is not put right any more",
)
