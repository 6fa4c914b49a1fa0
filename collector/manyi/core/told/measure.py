"""How much one system may tell: so many messages a minute, so many items a day. Whoever has a token or an account on the
broker must neither keep the boxes from the ledger nor fill its disk. It refuses to remember over a restart.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from manyi.core.days import MINUTE_MS, day_of
from manyi.core.errors import InputError
from manyi.words import both

PER_MINUTE: Final = 600  # messages; with 1,000 items in each a province's
# Over MQTT what was told one by one while the collector was away comes all at once, and who is refused there may never look at
# the answer: an hour and a half of a city's visits.
AT_ONCE: Final = 5_000
PER_DAY: Final = 1_000_000  # items that were new: a month of a city's visits at once, 100 MB of the ledger
OFTEN: Final = (
    f"每分钟最多 {PER_MINUTE} 条消息，请合并后再发",
    f"at most {PER_MINUTE} messages a minute: send more in each",
)


class TooMuch(InputError):
    """What the system told today is enough."""


class Measure:
    """Of every system by its name. One thread at a time."""

    def __init__(self) -> None:
        self._asked: Counter[str] = Counter()
        self._told: Counter[str] = Counter()
        self._left: dict[str, tuple[float, int]] = {}  # and as of when
        self._minute = self._day = 0

    def too_often(self, name: str, now_ms: int) -> bool:
        """Whether this is one message more than it may send in a minute."""
        if (minute := now_ms // MINUTE_MS) != self._minute:
            self._minute = minute
            self._asked.clear()
        self._asked[name] += 1
        return self._asked[name] > PER_MINUTE

    def floods(self, name: str, now_ms: int) -> bool:
        """Whether this is one message more than AT_ONCE, and PER_MINUTE from then on."""
        left, since_ms = self._left.get(name, (float(AT_ONCE), now_ms))
        left = min(float(AT_ONCE), left + max(0, now_ms - since_ms) * PER_MINUTE / MINUTE_MS)
        self._left[name] = (left - (left >= 1), now_ms)
        return left < 1

    def check(self, name: str, now_ms: int) -> None:
        """Raises TooMuch if it has told all that it may today."""
        if (day := day_of(now_ms)) != self._day:
            self._day = day
            self._told.clear()
        if self._told[name] >= PER_DAY:
            raise TooMuch(
                both(
                    f"每天最多 {PER_DAY} 件，请明天再发", f"at most {PER_DAY} items a day: send them tomorrow"
                )
            )

    def took(self, name: str, items: int) -> None:
        self._told[name] += items
