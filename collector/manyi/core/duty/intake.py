"""Takes sign-ins in: what of a message goes into the ledger, and the answer.

    message ─▶ judge each stay ─▶ which word is newer, under the ledger's own lock ─▶ one row ─▶ answer

A stay whose window, hall or staff the roster does not know is taken too, named in the answer, and counts from the day on that the
roster knows it. What was told before is in ratings.db and in the ledger's rows after it: there is no third place. Refuses to
write an empty row, to change what is older than the limit, and to say taken before the commit has returned.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

from manyi.core import stores
from manyi.core.days import DAY_MS, date_of, day_begin, midnight_ms
from manyi.core.duty import report
from manyi.core.duty.stay import KIND, Contradiction, Stay, body, newer
from manyi.core.errors import InputError
from manyi.core.ledger import facts
from manyi.core.ratings import signed
from manyi.core.roster.model import Roster
from manyi.core.told.desk import Desk
from manyi.core.told.items import OTHER, Answer, Said, items, judged
from manyi.core.told.sources import Source

TOO_OLD = ("id", "是 92 天以前的在岗，不再更改", "is of more than 92 days ago and is not changed any more")


class Intake:
    """One thread an object. Opens what it needs at the first message; the ledger must be there by then."""

    def __init__(self, data_dir: Path) -> None:
        self._desk, self._ratings = Desk(data_dir), data_dir / "ratings.db"

    def close(self) -> None:
        self._desk.close()

    def take(self, source: Source, payload: bytes, now_ms: int) -> Answer:
        """Everything good of a message is in the ledger when this returns. Raises InputError for a message that is none;
        LedgerError or sqlite3.Error if the ledger cannot be written now: nothing of it is taken then.
        """
        told = items(payload, "duty", "在岗", "sign-in")
        conn, roster = self._desk.open(), self._desk.roster()
        good, refused = judged(told, lambda item: report.judge(item, source, roster, now_ms))
        new = repeated = 0
        taken: dict[str, Stay] = {}
        aside = []
        with stores.transaction(conn):
            known = self._known(conn, source.name, {stay.id for _, stay in good})
            for index, stay in good:
                was = taken.get(stay.id) or known.get(stay.id)
                if was is not None and not was.withdrawn and was.from_ms < now_ms - report.LATE_MS:
                    refused.append(Said(index, stay.id, *TOO_OLD))
                    continue
                try:
                    if newer(stay, was):
                        taken[stay.id] = stay
                        new += 1
                    else:
                        repeated += 1
                except Contradiction:
                    refused.append(Said(index, stay.id, *OTHER))
                    continue
                aside += [Said(index, stay.id, *why) for why in report.aside(stay, roster)]
            if taken:
                facts.append_row(conn, now_ms, KIND, body(source.name, list(taken.values())))
        return Answer(new, repeated, tuple(sorted(refused)), tuple(aside))

    def of_day(self, source: Source, day: str, now_ms: int) -> dict[str, Any]:
        """What counts of a source's words of a day (2026-11-21; "": today), and who is there now, by any system's word, at the
        windows and halls that it may speak of. From ratings.db, so a moment after the ledger. Raises InputError, LedgerError
        or sqlite3.Error.
        """
        try:
            begin_ms = day_begin(now_ms) if not day else midnight_ms(date.fromisoformat(day))
        except (ValueError, OverflowError) as error:
            raise InputError("day 应形如 2026-11-21 / day looks like 2026-11-21") from error
        roster, today = self._desk.roster(), day_begin(now_ms)
        with closing(stores.open_reader(self._ratings)) as ratings:
            spoken = {stay.place for _, stay in signed.between(ratings, today, today + DAY_MS)}
            now = {}
            for place in sorted(spoken & roster.units.keys()):
                if not source.covers(roster.place(place)):
                    continue
                if roster.has(place, "hall"):
                    leader = signed.leader(ratings, roster, place, now_ms)
                    now[place] = leader.zh if leader else ""
                else:
                    now[place] = signed.who(ratings, roster, place, now_ms) or ""
            return {
                "day": date_of(begin_ms).isoformat(),
                "now": now,
                "duty": [_shown(stay, roster) for stay in signed.of_day(ratings, source.name, begin_ms)],
            }

    def _known(self, conn: sqlite3.Connection, source: str, ids: set[str]) -> dict[str, Stay]:
        if not self._ratings.exists():
            return signed.known(None, conn, source, ids)
        with closing(stores.open_reader(self._ratings)) as ratings:
            return signed.known(ratings, conn, source, ids)


def _shown(stay: Stay, roster: Roster) -> dict[str, Any]:
    at: dict[str, str] = {"window": stay.place, "staff": stay.who}
    if stay.tel is not None:
        at = {"hall": stay.place, "name": stay.who, "telephone": stay.tel}
    of = {"id": stay.id, "rev": stay.rev, **at, "from_ms": stay.from_ms, "to_ms": stay.to_ms}
    return of | {"aside": [field for field, _, _ in report.aside(stay, roster)]}
