"""What a check says, and what it is given. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
    """What is looked at. `timeout_s`: for one answer of a server."""

    config: Config
    config_file: Path
    now_ms: int
    grafana: str = ""
    grafana_token: Path | None = None
    login: bool = False
    timeout_s: float = 5.0


Check = Callable[[Place], Iterator[Finding]]


def good(what: str, zh: str, en: str) -> Finding:
    return Finding(what, Level.good, zh, en)


def skipped(what: str, zh: str, en: str) -> Finding:
    return Finding(what, Level.skipped, zh, en)


def warn(what: str, zh: str, en: str) -> Finding:
    return Finding(what, Level.warn, zh, en)


def bad(what: str, zh: str, en: str) -> Finding:
    return Finding(what, Level.bad, zh, en)
