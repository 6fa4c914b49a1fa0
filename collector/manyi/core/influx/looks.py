"""What is looked at from time to time rather than followed: the state of boxes, alarms, the service.

At most every 10 s, and only what has changed; what stays the same is said again every 90 seconds, so that a panel's
last() finds it. The time of a point is when it was looked at. What a server that was away has missed is not sent later:
the next look says what is true then. It refuses to remember beyond the process: after a start all is said once.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Final

from manyi.core.influx.follow import Server
from manyi.core.influx.lines import NS_PER_MS
from manyi.core.influx.writer import Keep

GAP_MS: Final = 10_000  # between two looks; beats come every 60 s
SHARE: Final = 50  # a look may take at most so small a part of the time
AGAIN_MS: Final = 90_000  # what has not changed is said again; panels look back four minutes


class Looks(ABC):
    """A feed. A subclass says in `_look` what is true now, as (measurement and tags, fields); of `ALWAYS` at every look."""

    ALWAYS: frozenset[str] = frozenset()

    def __init__(self, server: Server, now_ms: Callable[[], int]) -> None:
        self._server, self._now_ms = server, now_ms
        self._told: dict[str, tuple[str, int]] = {}
        self._looked_ms, self._gap_ms = 0, GAP_MS

    @abstractmethod
    def _look(self, now_ms: int) -> Iterable[tuple[str, str]]: ...

    def step(self) -> int | Keep:
        """Looks if it is time. Always 0, because nothing more waits; or Keep."""
        now_ms = self._now_ms()
        if 0 <= now_ms - self._looked_ms < self._gap_ms:
            return 0
        began = time.monotonic()
        news = {at: fields for at, fields in self._look(now_ms) if self._is_news(at, fields, now_ms)}
        self._gap_ms = max(GAP_MS, int((time.monotonic() - began) * 1000 * SHARE))
        self._looked_ms = now_ms
        if not news:
            return 0
        answer = self._server.write([f"{at} {fields} {now_ms * NS_PER_MS}" for at, fields in news.items()])
        if isinstance(answer, Keep):
            return answer  # the next look says what is true then
        self._told |= {at: (fields, now_ms) for at, fields in news.items()}
        return 0

    def reset(self) -> None:
        """Says everything again."""
        self._told.clear()
        self._looked_ms = 0

    def _is_news(self, at: str, fields: str, now_ms: int) -> bool:
        told, told_ms = self._told.get(at, ("", 0))
        return fields != told or now_ms - told_ms >= AGAIN_MS or at in self.ALWAYS
