"""Opening hours: from when on silence of a box counts. Pure.

Hours are "08:30-17:30" of Beijing time, "" for always. Working days are those of the Chinese calendar, swapped weekends
included (workdays.py). Refuses to guess an office's hours from presses.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from manyi.core.days import BEIJING, MINUTE_MS

HOURS: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")


def is_hours(text: str) -> bool:
    return HOURS.fullmatch(text) is not None and text[:5] < text[6:]


def opened_ms(hours: str, now_ms: int, *, workdays: bool = False) -> int | None:
    """Unix ms since when it has been open at `now_ms`; 0 if it is never shut, None if it is shut."""
    now = datetime.fromtimestamp(now_ms // 1000, UTC).astimezone(BEIJING)
    if workdays:
        # Imported here: the calendar's tables cost 30 ms and only a city that names working days needs them.
        from manyi.core.workdays import kind  # noqa: PLC0415

        if not kind(now.date()).works:
            return None
    if not hours:
        midnight = now.replace(hour=0, minute=0, second=0)
        return int(midnight.timestamp()) * 1000 if workdays else 0
    begin, end = (int(part[:2]) * 60 + int(part[3:]) for part in hours.split("-"))
    minute = now.hour * 60 + now.minute
    if not begin <= minute < end:
        return None
    return (now_ms // MINUTE_MS - (minute - begin)) * MINUTE_MS
