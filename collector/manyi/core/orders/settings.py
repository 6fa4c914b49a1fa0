"""A box's settings as docs/WIRE.md has them: read from `name=value`, checked, every problem at once. Pure.

Refuses `visit_ms`: how long a visit lasts decides how presses settle, so it is the city's ([policy] visit_ms) and the
same at every box.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from manyi.core.errors import InputError

Settings: TypeAlias = dict[str, int | str]

DEFAULTS: Final[Settings] = {
    "beat_s": 60, "bright": 80, "volume": 60, "mode": "always", "second": "correct", "visit_ms": 5000, "open": "",
}  # fmt: skip
RANGES: Final = {"beat_s": (10, 600), "bright": (0, 100), "volume": (0, 100)}
WORDS: Final = {"mode": ("always", "invite"), "second": ("correct", "reason")}
HOURS: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")


def changed(now: Mapping[str, int | str], given: Sequence[str], visit_ms: int) -> Settings:
    """`now` (or the defaults) with `name=value` applied. Raises InputError naming everything that is wrong."""
    wanted = {**DEFAULTS, **now, "visit_ms": visit_ms}
    problems = []
    for text in given:
        name, equals, value = text.partition("=")
        problem = _problem(name, value) if equals else f"{text}: 应写成 名称=值 / must be name=value"
        if problem:
            problems.append(problem)
        else:
            wanted[name] = int(value) if name in RANGES else value
    if problems:
        raise InputError("\n".join(problems))
    return {name: wanted[name] for name in DEFAULTS}


def _problem(name: str, value: str) -> str:
    if name == "visit_ms":
        return "visit_ms: 全市统一，在配置文件 [policy] 里改 / the whole city's: [policy] visit_ms"
    if name in RANGES:
        low, high = RANGES[name]
        if not re.fullmatch(r"\d{1,6}", value) or not low <= int(value) <= high:
            return f"{name}={value}: 应为 {low} 到 {high} 的整数 / a whole number from {low} to {high}"
    elif name in WORDS:
        if value not in WORDS[name]:
            return f"{name}={value}: 应为 {' 或 '.join(WORDS[name])} / {' or '.join(WORDS[name])}"
    elif name == "open":
        if value and not (HOURS.fullmatch(value) and value[:5] < value[6:]):
            return f"open={value}: 应如 08:30-17:30，不限则留空 / such as 08:30-17:30, or empty for always"
    else:
        return f"{name}: 没有这个设置，只有 / no such setting, only: {', '.join([*RANGES, *WORDS, 'open'])}"
    return ""
