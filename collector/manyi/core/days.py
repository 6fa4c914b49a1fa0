"""Beijing's days: the one time zone of every figure, file and page. Pure.

China has had one offset and no summer time since 1991, so a day is 24 hours and begins at 16:00 UTC of the day before.
Refuses to know which days are worked: workdays.py does.
"""

from datetime import date, datetime, timedelta, timezone
from typing import Final

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
BEIJING_MS: Final = 8 * HOUR_MS
BEIJING: Final = timezone(timedelta(milliseconds=BEIJING_MS))


def date_of(time_ms: int) -> date:
    """The day of a moment."""
    return datetime.fromtimestamp(time_ms / 1000, BEIJING).date()


def midnight_ms(day: date) -> int:
    """Unix ms at which it begins."""
    return int(datetime(day.year, day.month, day.day, tzinfo=BEIJING).timestamp()) * 1000


def day_of(time_ms: int) -> int:
    """The day of a moment as a number of days since 1970-01-01: what tables are keyed by."""
    return (time_ms + BEIJING_MS) // DAY_MS


def day_begin(time_ms: int) -> int:
    """Unix ms at which the day of that moment began."""
    return time_ms - (time_ms + BEIJING_MS) % DAY_MS
