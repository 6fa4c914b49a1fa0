"""What a check says, and what it is given.

A fault cannot be said without what to do: `warn` and `bad` ask for both. Refuses to judge.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Final

from manyi.core.config import Config
from manyi.words import apart

# The guide's places (docs/zh/administrator.md), so that a command can be typed as it stands here.
BROKER_CHECK: Final = "manyi broker check --dir /etc/manyi/broker"
REBUILD_INFLUX: Final = "runuser -u manyi -- manyi rebuild influx"
GRAFANA_ENV: Final = Path("/etc/default/grafana-server")


class Level(IntEnum):
    """`skipped`: could not be tried, or is not configured; no fault by itself."""

    good = 0
    skipped = 1
    warn = 2
    bad = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """`zh` and `en` say what was found; `do_zh` and `do_en` what to do about a fault, and begin with a command or a verb."""

    what: str
    level: Level
    zh: str
    en: str
    do_zh: str = ""
    do_en: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """What is looked at. `now_ms`: when the looking began. `timeout_s`: for one answer of a server. `grafana_env`: the
    settings Grafana is started with."""

    config: Config
    config_file: Path
    now_ms: int
    grafana: str = ""
    grafana_token: Path | None = None
    login: bool = False
    timeout_s: float = 5.0
    began_s: float = field(default_factory=time.monotonic)
    grafana_env: Path = GRAFANA_ENV

    def by_now_s(self) -> float:
        """Unix seconds: the checks before this one may have taken minutes."""
        return self.now_ms / 1000 + time.monotonic() - self.began_s


def why(error: Exception) -> tuple[str, str]:
    """An error's own words in both languages; of the system's errors without the number."""
    return apart(error.strerror if isinstance(error, OSError) and error.strerror else error)


Check = Callable[[Place], Iterator[Finding]]


def good(what: str, zh: str, en: str) -> Finding:
    return Finding(what, Level.good, zh, en)


def skipped(what: str, zh: str, en: str, do: str = "", do_en: str = "") -> Finding:
    """`do`: what would let it be looked at, where that is worth it."""
    return Finding(what, Level.skipped, zh, en, do, do_en or do)


def warn(what: str, zh: str, en: str, do: str, do_en: str = "") -> Finding:
    """`do` alone: a command, the same in both languages."""
    return Finding(what, Level.warn, zh, en, do, do_en or do)


def bad(what: str, zh: str, en: str, do: str, do_en: str = "") -> Finding:
    return Finding(what, Level.bad, zh, en, do, do_en or do)
