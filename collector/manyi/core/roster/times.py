"""Beijing time as bureaus write it, to Unix ms. Pure. Refuses a time without its day, a day without its year, and years of two
digits."""

import re
from datetime import datetime, timedelta

from manyi.core.days import BEIJING

TIMES = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")
_CLOCK = re.compile(r"\d{1,2}[:时点]\d{0,2}分?(?::\d\d)?")
_RUN = re.compile(r"20\d{6}")
_WEEKDAY = re.compile(r"[(（]?(?:星期|周|礼拜)[一二三四五六日天][)）]?")
_HALF = re.compile(r"(上午|早上|中午|下午|晚上) ?(\d{1,2})(?=[:点时])")
_MIDNIGHT = re.compile(r" 24:00(:00)?$")


def moment(text: str) -> int | None:
    """Unix ms of a time such as 2026-11-21 08:30, 2026/11/21 8:30, 2026年11月21日8时30分, 20261121, 2026.11.21（周六）下午1:30;
    24:00 is the day's end. None if it is none.
    """
    day, gap, clock = _words(text).partition(" ")
    day = f"{day[:4]}-{day[4:6]}-{day[6:]}" if _RUN.fullmatch(day) else re.sub(r"[./年月]", "-", day)
    plain = day + gap + clock
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
    text = _HALF.sub(_of_day, text).strip()
    if day and _CLOCK.fullmatch(text):
        return f"{_words(day).partition(' ')[0]} {text}"
    return text


def _of_day(found: re.Match[str]) -> str:
    """下午1 is 13; what nobody says, 上午13, stays and is no time."""
    half, hour = found[1], int(found[2])
    if half in ("下午", "晚上") and 1 <= hour <= 11:
        return f" {hour + 12}"
    if hour <= 11 if half in ("上午", "早上") else hour == 12 and half != "晚上":
        return f" {hour}"
    return found[0]


def _words(text: str) -> str:
    text = text.strip()
    if not text.isascii():
        text = _HALF.sub(_of_day, _WEEKDAY.sub(" ", text)).replace("点半", ":30").replace("日", " ")
        text = text.replace("点", ":").replace("时", ":").replace("分", "")
    return re.sub(r":$", ":00", " ".join(text.split()))
