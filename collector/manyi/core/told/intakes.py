"""Everything that other systems may tell, each kind with its intake. Refuses to keep a connection that has failed: the next
message opens it again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from manyi.core.duty.intake import Intake as DutyIntake
from manyi.core.errors import LedgerError
from manyi.core.told.items import Answer
from manyi.core.told.measure import Measure
from manyi.core.told.sources import VISITS, Source
from manyi.core.visits.intake import Intake as VisitIntake


class Intakes:
    """One message at a time."""

    def __init__(self, data_dir: Path) -> None:
        self._visits, self._duty = VisitIntake(data_dir), DutyIntake(data_dir)
        self.measure = Measure()

    def take(self, what: str, source: Source, payload: bytes, now_ms: int) -> Answer:
        """`what`: of sources.TELLS, and the source may tell it. Raises as the intakes do, and TooMuch."""
        self.measure.check(source.name, now_ms)
        with self._anew():
            intake = self._visits if what == VISITS else self._duty
            answer = intake.take(source, payload, now_ms)
        self.measure.took(source.name, answer.taken)
        return answer

    def duty_of_day(self, source: Source, day: str, now_ms: int) -> dict[str, Any]:
        """As the intake of duty has it."""
        with self._anew():
            return self._duty.of_day(source, day, now_ms)

    def close(self) -> None:
        self._visits.close()
        self._duty.close()

    @contextmanager
    def _anew(self) -> Iterator[None]:
        try:
            yield
        except (LedgerError, sqlite3.Error):
            self.close()
            raise
