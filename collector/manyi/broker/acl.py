"""Reads an access list as Mosquitto 2.0 and 2.1 do, and says what it lets whom do.

Used to judge a list that people may have edited: by what it allows, not by how it is written. Pure.
Refuses to guess: a line that Mosquitto would not take is an error with its number.
"""

from dataclasses import dataclass
from typing import Literal

Access = Literal["read", "write"]
GRANTS: dict[str, frozenset[Access]] = {
    "read": frozenset({"read"}),
    "write": frozenset({"write"}),
    "readwrite": frozenset({"read", "write"}),
    "deny": frozenset(),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """`user`: whose it is; "" for clients without a name, None for a pattern, which is everybody's."""

    user: str | None
    grants: frozenset[Access]
    topic: str


@dataclass(frozen=True, slots=True)
class Acl:
    """The rules of a file, and the numbers of the lines that Mosquitto would stumble over."""

    rules: tuple[Rule, ...]
    bad_lines: tuple[int, ...]

    def users(self) -> set[str]:
        """Everybody who is named."""
        return {rule.user for rule in self.rules if rule.user}

    def allows(self, user: str, access: Access, topic: str) -> bool:
        """Whether somebody may publish (write) or receive (read) on this topic.

        As Mosquitto: one's own lines come before the patterns, and in both a denial comes first.
        """
        own = [rule for rule in self.rules if rule.user == user]
        patterns = [rule for rule in self.rules if rule.user is None and ("%u" not in rule.topic or user)]
        for group in (own, patterns):
            hits = [rule for rule in group if _matches(rule.topic.replace("%u", user), topic)]
            if any(not rule.grants for rule in hits):
                return False
            if any(access in rule.grants for rule in hits):
                return True
        return False


def parse(text: str) -> Acl:
    """The rules, in order."""
    rules: list[Rule] = []
    bad: list[int] = []
    user = ""
    for number, raw in enumerate(text.splitlines(), 1):
        if raw.startswith("#") or not raw.split():
            continue
        head, *rest = raw.split(maxsplit=2)
        match head, rest:
            case "user", [_, *_]:
                user = raw.split(maxsplit=1)[1].strip()
            case (("topic" | "pattern"), [access, topic]) if access in GRANTS:
                rules.append(Rule(None if head == "pattern" else user, GRANTS[access], topic.strip()))
            case (("topic" | "pattern"), [topic]):
                rules.append(Rule(None if head == "pattern" else user, GRANTS["readwrite"], topic))
            case _:
                bad.append(number)
    return Acl(tuple(rules), tuple(bad))


def _matches(pattern: str, topic: str) -> bool:
    if topic.startswith("$") and not pattern.startswith("$"):
        return False
    want, have = pattern.split("/"), topic.split("/")
    for place, part in enumerate(want):
        if part == "#":
            return True
        if place >= len(have) or part not in ("+", have[place]):
            return False
    return len(want) == len(have)
