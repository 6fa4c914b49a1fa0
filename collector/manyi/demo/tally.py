"""One box's side of the account, from what it says and what was done to it. Pure.

The box's own lifetime count (`ready n=`, read from its flash at start) is what was pressed. What was seen from
outside bounds it: every light seen must be counted in it, and nothing may be counted that no finger did.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

LEVELS = (1, 2, 3)


def parse(line: str) -> tuple[str, dict[str, str]]:
    """`light level=1 seq=41` -> ("light", {"level": "1", "seq": "41"}); a bare second word is under ""."""
    name, *words = line.split()
    fields: dict[str, str] = {}
    for word in words:
        key, sign, value = word.partition("=")
        fields.update({key: value} if sign else {"": word})
    return name, fields


@dataclass(slots=True)
class Tally:
    box: str
    life: str = ""
    n: tuple[int, int, int] = (0, 0, 0)  # the box's own count at its last start
    newest: int = 0
    acked: int = 0
    online: bool = False
    taps: Counter[int] = field(
        default_factory=Counter
    )  # keys put down, whether or not the box was alive to see
    lights: dict[int, int] = field(default_factory=dict)  # seq -> level of every light seen
    problems: list[str] = field(default_factory=list)

    def said(self, line: str) -> str:
        """Takes one line of the box's output; returns its first word."""
        if not line.strip():
            return ""
        name, f = parse(line)
        match name:
            case "ready":
                if self.life and f["life"] != self.life:
                    self.problems.append(f"{self.box}: its life changed from {self.life} to {f['life']}")
                self.life, self.online = f["life"], False
                a, b, c = (int(x) for x in f["n"].split(","))
                self.n, self.newest = (a, b, c), max(self.newest, int(f["newest"]))
            case "light":
                seq, level = int(f["seq"]), int(f["level"])
                if seq in self.lights:
                    self.problems.append(f"{self.box}: seq {seq} was used twice")
                self.lights[seq] = level
                self.newest = max(self.newest, seq)
            case "ack":
                self.acked = int(f["seq"])
            case "link":
                self.online = f.get("") == "up"
            case "lost":
                self.problems.append(f"{self.box}: gave up records ({line.strip()})")
        return name

    @property
    def waiting(self) -> int:
        """Records not acknowledged yet, as far as can be seen from outside."""
        return max(0, self.newest - self.acked)

    def judge(self) -> list[str]:
        """What is wrong with the box's own count, once it has been started a last time."""
        found = list(self.problems)
        seen = Counter(self.lights.values())
        for level in LEVELS:
            count = self.n[level - 1]
            if seen[level] > count:
                found.append(
                    f"{self.box}: {seen[level]} lights of key {level}, but it counts {count}: a press was lost"
                )
            if count > self.taps[level]:
                found.append(
                    f"{self.box}: key {level} was pressed {self.taps[level]} times, but it counts {count}"
                )
        return found
