"""The newest of each fact, and what an import would change. Pure.

Bitemporal: a fact carries its valid time (`from_ms`, `to_ms`), the ledger row that holds it its recorded
time. A later fact with the same key supersedes the earlier, which stays in the ledger; `gone` withdraws
one. So the roster as it was known at any ledger row can be had again, and nothing is ever overwritten.

| kind | key | body |
|---|---|---|
| office | id | id, tier (county, township, hall, window), parent, zh, en, tel |
| placement | box, from_ms | box, window ("" in store), from_ms |
| staff | id | id, zh, en, badge (hex, or "") |
| duty | window, from_ms | window, from_ms, to_ms (null: until further notice), staff ("" nobody) |
| cover | window, from_ms | as duty: who stands in for the main person ("": the main is back) |
| leader | hall, from_ms | hall, from_ms, to_ms, zh (name), tel; for the centre only |
| business | code | code (1 to 65535), zh, en, unit ("": everywhere; else a county or hall) |
| policy | | visit_ms |
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Body = Mapping[str, Any]
Key = tuple[str | int, ...]

KEYS: dict[str, tuple[str, ...]] = {
    "office": ("id",),
    "placement": ("box", "from_ms"),
    "staff": ("id",),
    "duty": ("window", "from_ms"),
    "cover": ("window", "from_ms"),
    "leader": ("hall", "from_ms"),
    "business": ("code",),
    "policy": (),
}
TIMED = frozenset(kind for kind, keys in KEYS.items() if "from_ms" in keys)


class FactRow(Protocol):
    """What a fact needs of a ledger row."""

    @property
    def id(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def body(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Change:
    """One fact that replaces another. `old` is None for a new one; `new["gone"]` for a withdrawal."""

    kind: str
    old: Body | None
    new: Body


class Facts:
    """The newest body of each key. A withdrawn one is left out."""

    def __init__(self) -> None:
        self._now: dict[Key, Body] = {}

    def apply(self, row: FactRow) -> Change | None:
        """Takes in one ledger row. Rows of other kinds, and bodies it cannot read, change nothing: None."""
        keys = KEYS.get(row.kind)
        if keys is None:
            return None
        try:
            body = json.loads(row.body)
            key = (row.kind, *(body[k] for k in keys))
        except (ValueError, KeyError, TypeError):
            return None
        body.pop("salt", None)
        old = self._now.pop(key, None)
        if not body.get("gone"):
            self._now[key] = body
        return Change(row.kind, old, body)

    def after(self, changes: Iterable["Change"]) -> "Facts":
        """These facts with the changes made. This one stays as it is."""
        then = Facts()
        then._now = dict(self._now)
        for change in changes:
            key = (change.kind, *(change.new[k] for k in KEYS[change.kind]))
            then._now.pop(key, None)
            if not change.new.get("gone"):
                then._now[key] = change.new
        return then

    def of(self, kind: str) -> list[Body]:
        return [body for key, body in self._now.items() if key[0] == kind]

    def differences(self, wanted: Iterable[tuple[str, Body]]) -> list[Change]:
        """What must be appended so that `wanted` holds.

        A file speaks for what it mentions: a window's duty, its stand-ins and a hall's leaders, each from
        their first to their last row, a box's places from its first row on. What is recorded there and not
        in the file is withdrawn; everything else stays as it is.
        """
        want = {(kind, *(body[k] for k in KEYS[kind])): body for kind, body in wanted}
        changes = [
            Change(key_kind(key), self._now.get(key), body)
            for key, body in want.items()
            if self._now.get(key) != body
        ]
        spans = _spans(want)
        for key, body in self._now.items():
            if key in want or key[:2] not in spans:
                continue
            lo, hi = spans[key[:2]]
            starts, ends = body["from_ms"], body.get("to_ms")
            if lo <= starts and (hi is None or starts < hi):
                changes.append(Change(key_kind(key), body, {**body, "gone": True}))
            elif starts < lo and ends is not None and ends > lo:
                changes.append(Change(key_kind(key), body, {**body, "to_ms": lo}))
        return changes


def key_kind(key: Key) -> str:
    return str(key[0])


def _spans(want: Mapping[Key, Body]) -> dict[Key, tuple[int, int | None]]:
    """From when to when `want` speaks for each window's duty and each box's places; None: for ever."""
    spans: dict[Key, tuple[int, int | None]] = {}
    for key, body in want.items():
        if key[0] not in TIMED:
            continue
        starts, ends = body["from_ms"], body.get("to_ms")
        lo, hi = spans.get(key[:2], (starts, starts))
        spans[key[:2]] = (min(lo, starts), None if hi is None or ends is None else max(hi, ends))
    return spans
