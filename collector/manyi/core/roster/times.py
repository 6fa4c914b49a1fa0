"""Beijing time as bureaus write it, to Unix ms. Pure. Refuses a time without its day, and years of two digits."""

import re
from datetime import datetime, timedelta

from manyi.core.days import BEIJING

TIMES = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")
_CLOCK = re.compile(r"\d{1,2}[:时点]\d{0,2}分?(?::\d\d)?")
_MIDNIGHT = re.compile(r" 24:00(:00)?$")


def moment(text: str) -> int | None:
    """Unix ms of a time such as 2026-11-21 08:30, 2026/11/21 8:30, 2026年11月21日8时30分; 24:00 is the day's
    end. None if it is none.
    """
    day, gap, clock = _words(text).partition(" ")
    plain = re.sub(r"[./年月]", "-", day) + gap + clock
    plain, next_day = (_MIDNIGHT.sub(" 00:00", plain), 1) if _MIDNIGHT.search(plain) else (plain, 0)
    for form in TIMES:
        try:
            when = datetime.strptime(plain, form).replace(tzinfo=BEIJING) + timedelta(days=next_day)
        except (ValueError, OverflowError):
            continue
        return int(when.timestamp() * 1000)
    return None


def with_date(day: str, text: str) -> str:
    """`text` on `day`, if it is a time alone and there is a day; else `text`."""
    if day and _CLOCK.fullmatch(text.strip()):
        return f"{_words(day).partition(' ')[0]} {text}"
    return text


def _words(text: str) -> str:
    text = text.strip().replace("日", " ").replace("点", ":").replace("时", ":").replace("分", "")
    return re.sub(r":$", ":00", " ".join(text.split()))
