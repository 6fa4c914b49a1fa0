"""A settings file read section by section: values are taken out one by one, and what is wrong with them is collected.

So every problem is told at once, and what is left over at the end is a key that nobody knows. Refuses to guess a type.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from manyi.words import both


class Sections:
    """`tree`: the parsed file; `known`: the sections there may be. Paths count from `base`."""

    def __init__(self, tree: dict[str, Any], base: Path, known: Iterable[str]) -> None:
        self.problems: list[str] = []
        self._base = base
        self._left: dict[str, dict[str, Any]] = {}
        for section, values in tree.items():
            if isinstance(values, dict):
                self._left[section] = dict(values)
            else:
                self.problems.append(
                    both(f"{section!r} 不在任何 [节] 里", f"{section!r} stands outside a [section].")
                )
        self._known = set(known)

    def _take(self, section: str, key: str, default: Any) -> Any:
        value = self._left.get(section, {}).pop(key, default)
        if value is None:
            self.problems.append(both(f"[{section}] 缺 {key}", f"[{section}] {key} is missing."))
        return value

    def _wrong(self, section: str, key: str, value: Any, zh: str, en: str) -> None:
        what = f"[{section}] {key} = {value!r}"
        self.problems.append(both(f"{what}：{zh}", f"{what} {en}."))

    def text(self, section: str, key: str, default: str | None = None) -> str:
        value = self._take(section, key, default)
        if value is not None and (not isinstance(value, str) or (default is None and not value.strip())):
            self._wrong(section, key, value, "应为文字，不能为空", "must be a text that is not empty")
        return value if isinstance(value, str) else ""

    def number(self, section: str, key: str, low: int, high: int, default: int | None = None) -> int:
        value = self._take(section, key, default)
        if value is None:
            return 0
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            self._wrong(
                section,
                key,
                value,
                f"应为 {low} 至 {high} 的整数",
                f"must be a whole number from {low} to {high}",
            )
            return low
        return value

    def has(self, section: str, key: str) -> bool:
        return key in self._left.get(section, {})

    def table(self, section: str, key: str) -> bool:
        """Whether there is a [section.key]; from here on it is read like a section of that name."""
        value = self._left.get(section, {}).pop(key, None)
        if value is not None and not isinstance(value, dict):
            self._wrong(
                section, key, value, f"应为一节 [{section}.{key}]", f"must be a section [{section}.{key}]"
            )
        elif value is not None:
            self._left[f"{section}.{key}"] = dict(value)
            self._known.add(f"{section}.{key}")
        return isinstance(value, dict)

    def yes(self, section: str, key: str, default: bool = False) -> bool:
        value = self._take(section, key, default)
        if not isinstance(value, bool):
            self._wrong(section, key, value, "应为 true 或 false", "must be true or false")
        return value is True

    def names(self, section: str, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A list of names; none if it is not there. "*" would let any web page read the wall."""
        values = self._take(section, key, list(default))
        if not isinstance(values, list) or not all(
            isinstance(each, str) and each.strip() and "*" not in each for each in values
        ):
            self._wrong(
                section, key, values, "应为名称的列表，不能有 *", "must be a list of names, without *"
            )
            return ()
        return tuple(values)

    def path(self, section: str, key: str, *, needed: bool = True) -> Path | None:
        if not needed and key not in self._left.get(section, {}):
            return None
        text = self.text(section, key)
        return self._base / Path(text).expanduser() if text else None

    def paths(self, section: str) -> tuple[tuple[str, Path], ...]:
        """Every key of a section whose keys are names of the administrator's own."""
        found = ((key, self.path(section, key)) for key in list(self._left.get(section, {})))
        return tuple((key, path) for key, path in found if path is not None)

    def refuse_the_rest(self) -> None:
        for section, values in self._left.items():
            if section not in self._known:
                self.problems.append(
                    both(f"没有 [{section}] 这一节", f"[{section}] is not a section of this file.")
                )
            else:
                self.problems += [
                    both(f"[{section}] 没有 {key} 这项设置", f"[{section}] {key} is not a setting.")
                    for key in values
                ]
