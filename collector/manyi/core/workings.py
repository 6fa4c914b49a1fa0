"""What the running service knows about itself and nobody can read from a store: which part fails, since when and why.

The pipeline, the projections and the link to the broker say `fails` and `well`; the wall's alarms, InfluxDB and
/metrics read it. Several threads: every entry is replaced whole. Refuses to decide what an entry means.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from manyi.core import metrics

PIPELINE: Final = "pipeline"
BROKER: Final = "broker"
FEED: Final = "feed"  # of an inner zone: the files from outside
DEAF: Final = frozenset({BROKER, FEED})  # while these fail no box can be heard
FLOOD_OVER_MS: Final = 600_000  # a flood is told until so long after its last message
WHY_MAX: Final = 200  # characters; an error text may carry a whole page


class Trouble(NamedTuple):
    since_ms: int
    why: str


class Flood(NamedTuple):
    """A box that says more than it can have to say (inbox.py): since when, until when, how many were refused."""

    since_ms: int
    last_ms: int
    refused: int


@dataclass(slots=True)
class Workings:
    """`started_ms`: when the process began; 0 where no service runs."""

    started_ms: int = 0
    listening_ms: int = 0
    """Since when boxes can be heard: their silence before is the collector's own."""
    broker_ends_ms: int = 0
    """When the certificate ends that the broker has shown; 0: none was seen."""
    floods: dict[str, Flood] = field(default_factory=dict)
    """Written by the pipeline alone; a copy is read."""
    _now: dict[str, Trouble] = field(default_factory=dict)

    def fails(self, part: str, why: str, now_ms: int) -> None:
        """The time of the first failure stays until `well`."""
        since_ms = self._now[part].since_ms if part in self._now else now_ms
        self._now[part] = Trouble(since_ms, " ".join(why.split())[:WHY_MAX])
        metrics.FAILING.labels(part).set(1)

    def well(self, part: str) -> None:
        self._now.pop(part, None)
        metrics.FAILING.labels(part).set(0)

    def flooded(self, refused: dict[str, int], now_ms: int) -> list[str]:
        """`refused`: of each box in all. Answers the boxes that begin now; a pause of FLOOD_OVER_MS ends one."""
        begun = []
        for box, n in refused.items():
            old = self.floods.get(box, Flood(now_ms, 0, 0))
            if n == old.refused:
                continue
            is_new = now_ms - old.last_ms > FLOOD_OVER_MS
            self.floods[box] = Flood(now_ms if is_new else old.since_ms, now_ms, n)
            begun += [box] * is_new
        return begun

    def troubles(self) -> dict[str, Trouble]:
        """A copy: what fails now."""
        return dict(self._now)
