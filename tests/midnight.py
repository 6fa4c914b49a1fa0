"""For tests of what is shown of today by services that have the real clock: a day of Beijing that does not end meanwhile."""

from __future__ import annotations

import time

from manyi.core.days import DAY_MS, day_begin
from manyi.core.projector import unix_ms


def is_near(now_ms: int, before_s: float, after_s: float) -> bool:
    """Whether it is so little before or after Beijing's midnight."""
    since_ms = now_ms - day_begin(now_ms)
    return since_ms < after_s * 1000 or since_ms >= DAY_MS - before_s * 1000


def let_it_pass(before_s: float, after_s: float = 1) -> None:
    """Returns at once but for the moments around Beijing's midnight; then after it."""
    while is_near(unix_ms(), before_s, after_s):
        time.sleep(0.1)
