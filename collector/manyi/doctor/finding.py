"""What a check says, and what it is given."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from manyi.core.config import Config


class Level(IntEnum):
    """`skipped`: could not be tried, or is not configured; no fault by itself."""

    good = 0
    skipped = 1
    warn = 2
    bad = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """`zh` and `en` say what was found, and of a fault what to do."""

    what: str
    level: Level
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Place:
    """What is looked at. `now_ms`: when the looking began. `timeout_s`: for one answer of a server."""

    config: Config
    config_file: Path
    now_ms: int
    grafana: str = ""
    grafana_token: Path | None = None
    login: bool = False
    timeout_s: float = 5.0
    began_s: float = field(default_factory=time.monotonic)

    def by_now_s(self) -> float:
        """Unix seconds: the checks before this one may have taken minutes."""
        return self.now_ms / 1000 + time.monotonic() - self.began_s


Check = Callable[[Place], Iterator[Finding]]


def good(what: str, zh: str, en: str) -> Finding:
    return Finding(what, Level.good, zh, en)


def skipped(what: str, zh: str, en: str) -> Finding:
    return Finding(what, Level.skipped, zh, en)


def warn(what: str, zh: str, en: str) -> Finding:
    return Finding(what, Level.warn, zh, en)


def bad(what: str, zh: str, en: str) -> Finding:
    return Finding(what, Level.bad, zh, en)
