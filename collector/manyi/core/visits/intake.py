"""Takes visits in: what of a message goes into the ledger, and the answer.

    message ─▶ judge each visit ─▶ which are new, under the ledger's own lock ─▶ one row ─▶ answer

Told again, a visit changes nothing (the first word stands), so whoever is in doubt sends once more. One bad visit holds
no other. Two files: the ledger, and visits.db, which knows what was told before. Refuses to write an empty row, and to say
taken before the commit has returned.
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
            taken = tuple(v for _, v in good.values() if v.id not in known)
            if taken:
                self._desk.append(now_ms, visits.KIND, visits.body(source.name, taken))
        for index, v in good.values():
            if v.id in known:
                if known[v.id] == (v.window, v.finished_ms, v.biz):
                    repeated += 1
                else:
                    refused.append(Said(index, v.id, *_OTHER))
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
        elif earlier[1] == found:
            repeated += 1
        else:
            refused.append(Said(index, found.id, *_OTHER))
    return good, repeated, refused


_OTHER: Final = (
    "id",
    "同一 id 已报过不同的内容，以第一次为准",
    "this id was told before with something else; the first word stands",
)
