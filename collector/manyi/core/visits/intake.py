"""Takes visits in: what of a message goes into the ledger, and the answer.

    message ─▶ judge each visit ─▶ which are new, under the ledger's own lock ─▶ one row ─▶ answer

Told again, a visit changes nothing, so whoever is in doubt sends once more. Put right, it is told with a higher `rev`: the
row of before stays, the later one counts. One bad visit holds no other. Two files: the ledger, and visits.db, which knows
what was told before. Refuses to write an empty row, and to say taken before the commit has returned.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from manyi.core import stores
from manyi.core.ledger import facts
from manyi.core.told.desk import Desk
from manyi.core.told.items import OTHER, Answer, NotTaken, Said, items, judged
from manyi.core.told.sources import Source
from manyi.core.visits import report as visits
from manyi.core.visits.report import Visit
from manyi.core.visits.store import VisitStore

FILE: Final = "visits.db"  # beside the ledger
_TOO_OLD: Final = (
    "id",
    "该办件已超过 31 天，不再更正",
    "this visit ended more than 31 days ago and is not put right any more",
)


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
        conn, roster = self._desk.open(), self._desk.roster()
        if self._store is None:
            self._store = VisitStore(self._file)
        store = self._store
        good, refused = judged(told, lambda item: visits.judge(item, source, roster, now_ms))
        repeated = 0
        taken: dict[str, Visit] = {}
        with stores.transaction(conn):
            while store.follow(conn):
                pass
            known = store.known(source.name, {visit.id for _, visit in good})
            for index, visit in good:
                try:
                    if _newer(visit, taken.get(visit.id) or known.get(visit.id), now_ms):
                        repeated += visit.id in taken  # the word before it counts for nothing
                        taken[visit.id] = visit
                    else:
                        repeated += 1
                except NotTaken as no:
                    refused += [Said(index, visit.id, *wrong) for wrong in no.wrong]
            if taken:
                facts.append_row(conn, now_ms, visits.KIND, visits.body(source.name, list(taken.values())))
        return Answer(len(taken), repeated, tuple(sorted(refused)))


def _newer(told: Visit, known: Visit | None, now_ms: int) -> bool:
    """Whether what is told replaces what is known; False: it is known, or older. Raises NotTaken. Who served and the
    invitation are of the first word alone: nobody counts them.
    """
    if known is None:
        return True
    if told.rev == known.rev:
        if told._replace(staff="", prompt=0) != known._replace(staff="", prompt=0):
            raise NotTaken(OTHER)
        return False
    if told.rev > known.rev and not known.withdrawn and known.finished_ms < now_ms - visits.LATE_MS:
        raise NotTaken(_TOO_OLD)
    return told.rev > known.rev
