"""One cell to text, by what its column holds. Pure.

A CSV gives text; Excel gives numbers, dates and times of its own, and it makes numbers and dates of codes. It
refuses to guess which code a number was: what may be lost is said, cell by cell or once for a column. A number in a column of
times is a date that lost its format, and can be nothing else.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum, auto


@dataclass(frozen=True, slots=True)
class ExcelError:
    """A cell such as #N/A: no value, and not empty either."""

    def __str__(self) -> str:
        return "#ERROR"


Value = str | float | bool | datetime | date | time | timedelta | ExcelError  # an int is a float to mypy

UNREAD = "\ufffd"  # stands for a cell whose problem is told already; the rows' readers say nothing more of it
DIGITS_KEPT = 15  # digits of a number that Excel keeps; what is longer has lost its end
_HAN = "[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003134f·]"
_HAN_GAP = re.compile(f"(?<={_HAN})\\s+(?={_HAN})")
_DAY = timedelta(days=1)
# Control and format characters: a name that steers a terminal, turns what follows it round, or only looks like another's.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_EXCEL_ZERO = datetime(1899, 12, 30)
_SERIALS = range(43_831, 73_051)  # Excel's days of 2020 to 2099
_RUNS = range(20_200_101, 21_000_101)  # 20261121
_SCIENTIFIC = re.compile(r"\d(?:\.\d+)?[eE]\+\d+")
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−", "-"))
_WHOLE_NUMBER = re.compile(r"1\d{10}|[48]00\d{7}|[2-9]\d{6,7}|\d{3,6}")  # a telephone that has no 0 before it


class Holds(Enum):
    """What a column holds."""

    text = auto()
    person = auto()  # a name: gaps that only align, as in 张　三, go
    code = auto()
    hexes = auto()  # a code in which a number is always a mistake
    phone = auto()
    time = auto()


@dataclass(frozen=True, slots=True)
class Wrong:
    zh: str
    en: str


def is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def text_of(value: Value, holds: Holds, *, serials: bool = False) -> str | Wrong:
    """The cell as text, or what is wrong with it. `serials`: a number may be a day as Excel counts them."""
    if isinstance(value, str):
        return _plain(value, holds)
    if isinstance(value, ExcelError):
        return Wrong("是 Excel 的错误值，如 #N/A：请改正公式或直接填写", "is an Excel error such as #N/A")
    if isinstance(value, bool):
        return Wrong("单元格是逻辑值，应为文本", "holds TRUE or FALSE; must be text")
    if isinstance(value, int | float):
        return _number(value, holds, serials=serials)
    if holds is Holds.time:
        return _time(value)
    return Wrong(
        f"Excel 把它存成了日期或时间（{value}）：请把这一列设为“文本”格式后重新填写",
        f"Excel made a date or time of it ({value}): format the column as Text and type it again",
    )


def _plain(text: str, holds: Holds) -> str | Wrong:
    if UNREAD in text:
        return Wrong("有无法识别的字符（乱码），请重新填写", "holds a character that was lost on the way")
    if not text.isascii():  # what cannot be seen comes with a paste from a telephone or a chat
        text = "".join(c for c in text if unicodedata.category(c) != "Cf")
    text = text.strip()
    if holds in (Holds.text, Holds.person) and any(unicodedata.category(c) in _UNSEEN for c in text):
        return Wrong(
            "有换行或看不见的字符，请重新填写",
            "holds a line break or a character that nobody sees; type it again",
        )
    match holds:
        case Holds.text:
            return text
        case Holds.person:
            return _HAN_GAP.sub("", text)
        case _:  # full-width digits and colons come from an input method, not from somebody's meaning
            return _typed(unicodedata.normalize("NFKC", text).strip(), holds)


def _typed(text: str, holds: Holds) -> str | Wrong:
    if holds is not Holds.time and _SCIENTIFIC.fullmatch(text):
        return Wrong(
            f"Excel 把它变成了 {text}，末几位已丢失：请设为“文本”格式后重新填写",
            f"Excel made {text} of it and lost digits: format it as Text, type it again",
        )
    return re.sub(r" *[/,;、] *", "/", text.translate(_DASHES)) if holds is Holds.phone else text


def _number(value: float, holds: Holds, *, serials: bool) -> str | Wrong:
    shown = f"{value:.15g}"
    if holds is Holds.time:
        return (_serial(value) if serials else "") or Wrong(
            f"是数字 {shown}，不是日期时间：请把单元格设为日期时间格式，或写成 2026-11-21 08:30",
            f"is the number {shown}, no date: format it as a date and time, or write 2026-11-21 08:30",
        )
    if holds is Holds.hexes or (holds is Holds.phone and not _WHOLE_NUMBER.fullmatch(shown)):
        return Wrong(
            f"Excel 把它存成了数字 {shown}，前面的 0 可能已丢失：请设为“文本”格式后重新填写",
            f"Excel made the number {shown} of it and may have lost zeros: format it as Text, type it again",
        )
    if value != int(value) or value < 0 or len(str(int(value))) > DIGITS_KEPT:
        return Wrong(
            f"Excel 把它存成了数字 {shown}，原来的写法已无法还原：请设为“文本”格式后重新填写",
            f"Excel made the number {shown} of it, what it was is lost: format it as Text, type it again",
        )
    return str(int(value))


def _serial(value: float) -> str:
    """A date or time without its format: days since Excel's zero, a part of a day, or 20261121; "" if it is none."""
    if 0 <= value < 1:
        return str(_time(timedelta(days=value)))
    if int(value) in _SERIALS:
        when = _EXCEL_ZERO + timedelta(days=value)
        return str(_time(when.date() if value == int(value) else when))
    try:
        return datetime.strptime(f"{value:.0f}", "%Y%m%d").strftime("%Y-%m-%d") if value in _RUNS else ""
    except ValueError:
        return ""


def _time(value: datetime | date | time | timedelta) -> str | Wrong:
    match value:
        case datetime():
            # a date is a fraction to Excel: 08:30 may come as 08:29:59.9999
            return (value + timedelta(milliseconds=500)).strftime("%Y-%m-%d %H:%M:%S")
        case date():
            return value.strftime("%Y-%m-%d")
        case time():
            return value.strftime("%H:%M:%S")
        case timedelta() if timedelta() <= value <= _DAY:
            seconds = round(value.total_seconds())
            return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return Wrong("是时长，不是日期时间", "is a length of time, no date")
