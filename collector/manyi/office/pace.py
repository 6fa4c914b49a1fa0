"""When the hub looks and when it speaks: pure, fed with elapsed milliseconds. It refuses to read a clock or a database."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

# Five pictures a second are as live as an eye can follow; more would only cost the browsers their frames.
SNAPSHOT_GAP_MS = 200
# A browser calls the data stopped after 5 s without a beat; one a second leaves room for a stall.
BEAT_MS = 1_000
# Time passes without a commit too: midnight starts a new day, a box falls silent.
REFRESH_MS = 1_000


@dataclass(frozen=True, slots=True)
class Due:
    """What this look must do."""

    wall: bool
    beat: bool


@dataclass(slots=True)
class Pace:
    """Remembers when the wall was last built and the last beat went out."""

    _wall_at: int | None = None
    _beat_at: int | None = None
    _version: Hashable = field(default=None)

    def due(self, up_ms: int, version: Hashable) -> Due:
        """Decide for this moment; what is due counts as done."""
        wall = self._wall_due(up_ms, version)
        beat = self._beat_at is None or up_ms - self._beat_at >= BEAT_MS
        if wall:
            self._wall_at, self._version = up_ms, version
        if beat:
            self._beat_at = up_ms
        return Due(wall, beat)

    def _wall_due(self, up_ms: int, version: Hashable) -> bool:
        if self._wall_at is None:
            return True
        since = up_ms - self._wall_at
        return since >= REFRESH_MS or (version != self._version and since >= SNAPSHOT_GAP_MS)
