"""Where the office's figures come from: a port with one shape."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

Snapshot: TypeAlias = Mapping[str, Any]


class Source(Protocol):
    """Everything the office may ask. All calls come from one thread; each raises SourceDown when a store cannot be read."""

    def version(self) -> Hashable:
        """Anything that changes when the wall's store has; cheap enough to be asked twenty times a second."""

    def wall(self, now_ms: int) -> Snapshot:
        """The wall's snapshot: all of the city, today."""

    def newest(self, tier: str, unit: str) -> Sequence[Snapshot]:
        """The newest ratings of one "county" or "hall", as the wall's snapshot has the city's."""

    def hall(self, hall: str, now_ms: int) -> Snapshot:
        """A hall's released batches. Raises HallUnknown."""

    def account(self, now_ms: int) -> Snapshot:
        """pressed, stored, waiting and lost, of every box."""

    def places(self, now_ms: int) -> Mapping[str, tuple[str, str]]:
        """Where each box of the roster stands now: (county, hall)."""

    def roster(self) -> Mapping[str, Sequence[tuple[str, str, str]]]:
        """(id, Chinese, English) of every "county", "hall" and "staff" of the roster. Raises SourceDown."""

    def ledger(self) -> None:
        """Reads the ledger's newest row; returns if it can be read."""

    def metrics(self) -> bytes:
        """Prometheus text."""
