"""Takes sign-ins in (told/intake.py): which word on one counts, and what counts of a day.

A stay whose window, hall or staff the roster does not know is taken too, named in the answer, and counts from the day on that
the roster knows it. What was told before is in ratings.db and in the ledger's rows after it: there is no third place. Refuses
to change what is older than the limit.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any, Final

from manyi.core import stores
from manyi.core.days import DAY_MS, date_of, day_begin, midnight_ms
from manyi.core.duty import report
from manyi.core.duty.stay import KIND, Contradiction, Stay, body, newer
from manyi.core.errors import InputError
from manyi.core.ratings import signed
from manyi.core.roster.model import Roster
from manyi.core.told.desk import Desk
from manyi.core.told.intake import Kind, take_in
from manyi.core.told.items import OTHER, Answer, NotTaken
from manyi.core.told.sources import DUTY, Source

_TOO_OLD: Final = (
    "id",
    "是 92 天以前的在岗，不再更改",
    "is of more than 92 days ago and is not changed any more",
)


class Intake:
    """One thread an object. Opens what it needs at the first message; the ledger must be there by then."""

    def __init__(self, data_dir: Path) -> None:
        self._desk, self._ratings = Desk(data_dir), data_dir / "ratings.db"

    def close(self) -> None:
        self._desk.close()

    def take(self, source: Source, payload: bytes, now_ms: int) -> Answer:
        """Raises as take_in does."""
        return take_in(_STAYS, self._desk, self._known, source, payload, now_ms)

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


def _newer(told: Stay, known: Stay | None, now_ms: int) -> bool:
    if known is not None and not known.withdrawn and known.from_ms < now_ms - report.LATE_MS:
        raise NotTaken(_TOO_OLD)
    try:
        return newer(told, known)
    except Contradiction:
        raise NotTaken(OTHER) from None


_STAYS: Final = Kind(DUTY, "在岗", "sign-in", KIND, report.judge, _newer, body, report.aside)
