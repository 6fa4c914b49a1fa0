"""The form that everything told shares: a message is one object, a list, or a named list; what becomes of each. Pure.

Refuses to guess: a text that cannot be printed, a time without a zone, a message of more items than the limit.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar

from manyi.core.errors import InputError
from manyi.words import both

MESSAGE_ITEMS: Final = 1_000  # of one message: a hall's week
ID_MAX: Final = 64  # characters
STAFF_MAX: Final = 32  # characters; the roster's own limit of an id
REV_MAX: Final = 2**53 - 1  # what every JSON reader keeps exact: room for a time in ms
AHEAD_MS: Final = 300_000  # two clocks in one city differ by less
OTHER: Final = (
    "rev",
    "同一 id、同一 rev 已报过不同的内容：更正须用更大的 rev",
    "this id and rev was told before with something else: a correction needs a higher rev",
)

Item = TypeVar("Item")

Wrong = list[tuple[str, str, str]]
"""What is found wrong with an item so far: (field, Chinese, English)."""


class Said(NamedTuple):
    """Something to say of an item: its place in the message (from 0), the id if it has one, which field, and why."""

    nth: int
    id: str
    field: str
    zh: str
    en: str

    def as_dict(self) -> dict[str, Any]:
        return {"index": self.nth, "id": self.id, "field": self.field, "why": self.zh, "why_en": self.en}


class NotTaken(Exception):
    """Why an item is refused: (field, Chinese, English), one for each field that is wrong."""

    def __init__(self, *wrong: tuple[str, str, str]) -> None:
        super().__init__("; ".join(f"{field}: {en}" for field, _, en in wrong))
        self.wrong = wrong


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a message. `taken` are new in the ledger, `repeated` were known; `aside`, of what was taken or known,
    is what does not count until the roster knows it; None: not asked here.
    """

    taken: int = 0
    repeated: int = 0
    refused: tuple[Said, ...] = ()
    aside: tuple[Said, ...] | None = None

    def as_dict(self) -> dict[str, Any]:
        told: dict[str, Any] = {"taken": self.taken, "repeated": self.repeated}
        if self.aside is not None:
            told["aside"] = [one.as_dict() for one in self.aside]
        return told | {"refused": [one.as_dict() for one in self.refused]}


def items(payload: bytes, name: str, zh: str, en: str) -> list[Any]:
    """The items of a message: one object, a list, or {`name`: [...]}. Raises InputError if it is none of these; `zh` and
    `en` are what the items are called.
    """
    try:
        told = json.loads(payload)
        # "\ud800" is JSON and yet no text: neither ledger nor answer could be written, and a broker brings it again.
        json.dumps(told, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise InputError(both("不是 JSON（UTF-8）", "this is no JSON in UTF-8")) from error
    if isinstance(told, dict) and isinstance(told.get(name), list):
        told = told[name]
    elif isinstance(told, dict):
        told = [told]
    if not isinstance(told, list) or not told:
        raise InputError(both(f"没有{zh}", f"there is no {en} in it"))
    if len(told) > MESSAGE_ITEMS:
        raise InputError(
            both(f"一次最多 {MESSAGE_ITEMS} 件", f"at most {MESSAGE_ITEMS} {en}s in one message")
        )
    return told


def judged(told: list[Any], judge: Callable[[Any], Item]) -> tuple[list[tuple[int, Item]], list[Said]]:
    """Each item with its place that `judge` takes, and what is wrong with the others: one bad item holds no other."""
    good: list[tuple[int, Item]] = []
    refused: list[Said] = []
    for nth, item in enumerate(told):
        try:
            good.append((nth, judge(item)))
        except NotTaken as no:
            refused += [Said(nth, _id_of(item), *wrong) for wrong in no.wrong]
    return good, refused


def _id_of(item: Any) -> str:
    """What the item calls itself, for the answer."""
    return str(item.get("id", ""))[:ID_MAX] if isinstance(item, dict) else ""


def text(value: Any) -> str | None:
    """A printable text, or a whole number as one; None if it is neither."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value.strip() if isinstance(value, str) and value.isprintable() else None


def moment(told: Mapping[str, Any], name: str) -> int | None:
    """Unix ms of the field `name` (ISO 8601 with a zone) or `<name>_ms`; None if it is neither, or both."""
    if f"{name}_ms" in told:
        value = told[f"{name}_ms"]
        whole = isinstance(value, int) and not isinstance(value, bool) and name not in told
        return value if whole else None
    try:
        found = datetime.fromisoformat(told.get(name, ""))
        return None if found.tzinfo is None else int(found.timestamp() * 1000)
    except (ValueError, TypeError, OverflowError):
        return None


def opening(told: Any, en: str, fields: frozenset[str]) -> tuple[str, int, bool, Wrong]:
    """What every item begins with: (id, rev, withdrawn, what is wrong so far). rev: which word on this id it is; withdrawn:
    it takes the whole of it back, and then nothing is wrong and nothing else matters. `en` is what the item is called.
    Raises NotTaken.
    """
    if not isinstance(told, dict):
        raise NotTaken(("", "应为 JSON 对象", f"a {en} is a JSON object"))
    wrong = [
        (name, f"不认识的字段 {name}", f"unknown field {name}")
        for name in sorted(str(name)[:ID_MAX] for name in told.keys() - fields)
    ]
    name = text(told.get("id")) or ""
    if not 1 <= len(name) <= ID_MAX:
        wrong.append(("id", f"id 应为 1 到 {ID_MAX} 个字符", f"id: 1 to {ID_MAX} characters"))
    rev, withdrawn = told.get("rev", 0), told.get("withdrawn", False)
    if not isinstance(rev, int) or isinstance(rev, bool) or not 0 <= rev <= REV_MAX:
        wrong.append(("rev", f"rev 应为 0 到 {REV_MAX} 的整数", f"rev: a whole number, 0 to {REV_MAX}"))
    if not isinstance(withdrawn, bool):
        wrong.append(("withdrawn", "withdrawn 应为 true 或 false", "withdrawn: true or false"))
    if withdrawn is True and wrong:
        raise NotTaken(*wrong)
    return name, rev, withdrawn is True, wrong


def short(value: Any) -> str:
    return repr(value)[:ID_MAX]
