"""Takes in what a system tells, each kind in the same way: what of a message goes into the ledger, and the answer.

    message ─▶ judge each item ─▶ which word is newer, under the ledger's own lock ─▶ one row ─▶ answer

Told again, an item changes nothing, so whoever is in doubt sends once more; put right, it is told with a higher `rev`: the row
of before stays, the later one counts. One bad item holds no other. Refuses to write an empty row, and to say taken before the
commit has returned.
"""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from manyi.core import stores
from manyi.core.ledger import facts
from manyi.core.roster.model import Roster
from manyi.core.told.desk import Desk
from manyi.core.told.items import Answer, NotTaken, Said, Wrong, items, judged
from manyi.core.told.sources import Source


class Item(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=Item)

Known = Callable[[sqlite3.Connection, str, set[str]], dict[str, T]]
"""The newest word of a source on each of these ids, as the ledger has it now."""


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """`name`: of the list in a message; `zh`, `en`: what an item is called; `row`: the kind of the ledger's row. `judge` and
    `newer` raise NotTaken; `newer` says whether what is told replaces what is known, at this time. `aside`: what of an item the
    roster does not know yet; None: nothing is taken that it does not know.
    """

    name: str
    zh: str
    en: str
    row: str
    judge: Callable[[Any, Source, Roster, int], T]
    newer: Callable[[T, T | None, int], bool]
    body: Callable[[str, Sequence[T]], bytes]
    aside: Callable[[T, Roster], Wrong] | None = None


def take_in(
    kind: Kind[T], desk: Desk, known: Known[T], source: Source, payload: bytes, now_ms: int
) -> Answer:
    """Everything good of a message is in the ledger when this returns. Raises InputError for a message that is none;
    LedgerError or sqlite3.Error if the ledger cannot be written now: nothing of it is taken then.
    """
    told = items(payload, kind.name, kind.zh, kind.en)
    conn, roster = desk.open(), desk.roster()
    good, refused = judged(told, lambda item: kind.judge(item, source, roster, now_ms))
    repeated = 0
    taken: dict[str, T] = {}
    aside: list[Said] = []
    with stores.transaction(conn):
        before = known(conn, source.name, {item.id for _, item in good})
        for index, item in good:
            try:
                if kind.newer(item, taken.get(item.id) or before.get(item.id), now_ms):
                    repeated += item.id in taken  # the word before it counts for nothing
                    taken[item.id] = item
                else:
                    repeated += 1
            except NotTaken as no:
                refused += [Said(index, item.id, *wrong) for wrong in no.wrong]
                continue
            if kind.aside is not None:
                aside += [Said(index, item.id, *why) for why in kind.aside(item, roster)]
        if taken:
            facts.append_row(conn, now_ms, kind.row, kind.body(source.name, list(taken.values())))
    return Answer(len(taken), repeated, tuple(sorted(refused)), None if kind.aside is None else tuple(aside))
