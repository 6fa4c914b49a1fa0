"""Who may tell something: the file of queue and personnel systems, one section each, and what each may speak of.

Refuses a file that others can read, and to keep a token: it has their SHA-256 alone.
"""

from __future__ import annotations

import hmac
import json
import os
import re
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from manyi.core.errors import InputError, SetupError
from manyi.core.roster.model import Place

TOKEN_BYTES: Final = 32  # 256 random bits: nothing to guess, so a plain digest is enough to keep
# An underscore, as no box id has (docs/WIRE.md): over MQTT it is the account's name too.
SOURCE: Final = re.compile(r"(?:queue|hr)_[a-z0-9][a-z0-9-]{0,23}")
VISITS, DUTY, LEADERS = "visits", "duty", "leaders"
TELLS: Final = (VISITS, DUTY, LEADERS)
MAY_NOT: Final = ("该系统未获准报送 {}", "this system may not tell {}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Source:
    """A system. `tells`: of TELLS. `counties`, `halls`: where it may speak of; neither: everywhere. `digest`: SHA-256 of its
    token, hex. `windows`, `staff`, `business`: its own words for what the roster names otherwise.
    """

    name: str
    digest: str
    halls: frozenset[str] = frozenset()
    windows: Mapping[str, str] = field(default_factory=dict)
    business: Mapping[str, int] = field(default_factory=dict)
    prompt: bool = False
    counties: frozenset[str] = frozenset()
    staff: Mapping[str, str] = field(default_factory=dict)
    tells: frozenset[str] = frozenset({VISITS})

    @property
    def within(self) -> frozenset[str]:
        """The ids of where it may speak of; empty: everywhere."""
        return self.halls | self.counties

    def may(self, what: str) -> bool:
        """Whether it may send messages of this topic and address: leaders are sign-ins, told with those of staff."""
        return what in self.tells or (what == DUTY and LEADERS in self.tells)

    def covers(self, place: Place) -> bool:
        return not self.within or place.hall in self.halls or place.county in self.counties


@dataclass(slots=True)
class Sources:
    """The file, read again when it changes. Its owner alone may read it."""

    path: Path
    _stamp: tuple[int, int] = (0, 0)
    _found: dict[str, Source] = field(default_factory=dict)

    def all(self) -> Mapping[str, Source]:
        """Raises SetupError with everything that is wrong with the file."""
        try:
            stat = self.path.stat()
            stamp = (stat.st_mtime_ns, stat.st_ino)
            if stamp != self._stamp:
                if stat.st_mode & 0o077:
                    raise SetupError(
                        f"{self.path}: 其他人可读，请执行 chmod 600 / others may read it. Run: chmod 600 {self.path}"
                    )
                self._found = parse(self.path.read_text(encoding="utf-8"), str(self.path))
                self._stamp = stamp
        except (OSError, UnicodeDecodeError) as error:
            raise SetupError(f"{self.path}: 无法读取 / cannot be read ({error}).") from error
        return self._found

    def of_token(self, token: str) -> Source | None:
        """Whose it is. Every digest is compared, each in constant time."""
        digest, found = digest_of(token), None
        for source in self.all().values():
            if hmac.compare_digest(source.digest, digest):
                found = source
        return found


def digest_of(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def parse(text: str, name: str) -> dict[str, Source]:
    """The sources of a file. Raises SetupError with every problem."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SetupError(f"{name}: 不是 TOML / not TOML ({error}).") from error
    problems, found = [], {}
    for source, told in tree.items():
        if not SOURCE.fullmatch(source) or not isinstance(told, dict):
            problems.append(
                f"[{source}]: 名称应形如 [queue_hall1] 或 [hr_city] / a name looks like [queue_hall1] or [hr_city]"
            )
            continue
        made, wrong = _source(source, dict(told))
        if wrong:
            problems.append(f"[{source}]: {', '.join(wrong)} 有误 / wrong or unknown (docs/VISITS.md)")
        else:
            found[source] = made
    if problems:
        raise SetupError(*(f"{name}: {problem}" for problem in problems))
    return found


def _source(name: str, rest: dict[str, Any]) -> tuple[Source, list[str]]:
    """The source, and the names of what is wrong in its section."""
    digest, prompt = rest.pop("token_sha256", ""), rest.pop("prompt", False)
    halls, counties, tells = rest.pop("halls", []), rest.pop("counties", []), rest.pop("tells", [VISITS])
    windows, staff, business = rest.pop("windows", {}), rest.pop("staff", {}), rest.pop("business", {})
    rights = (
        (isinstance(digest, str) and _DIGEST.fullmatch(digest), "token_sha256"),
        (_are_texts(halls), "halls"),
        (_are_texts(counties), "counties"),
        (_are_texts(tells) and tells and set(tells) <= set(TELLS), "tells"),
        (isinstance(prompt, bool), "prompt"),
        (isinstance(windows, dict) and _are_texts(list(windows.values())), "windows"),
        (isinstance(staff, dict) and _are_texts(list(staff.values())), "staff"),
        (isinstance(business, dict) and all(is_business(b) for b in business.values()), "business"),
    )
    wrong = [what for right, what in rights if not right] + sorted(rest)
    if wrong:
        return Source(name, ""), wrong
    sets = (frozenset(halls), frozenset(counties), frozenset(tells))
    return Source(name, digest, sets[0], windows, business, prompt, sets[1], staff, sets[2]), []


def is_business(value: Any) -> bool:
    """Whether this is a business type as the wire has it."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 0xFFFF


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _quoted(text: str) -> str:
    """As TOML has it, whatever somebody typed."""
    return json.dumps(text, ensure_ascii=False)


def add_source(
    path: Path,
    name: str,
    halls: list[str],
    token_file: Path,
    counties: list[str] | None = None,
    tells: list[str] | None = None,
) -> None:
    """A new system: its section with the token's digest, and the token in a file of its own, both 0600.

    Raises InputError for a name that is none or is taken, or a token file that exists.
    """
    if not SOURCE.fullmatch(name):
        raise InputError(
            f"{name}: 名称应形如 queue_hall1 或 hr_city / a name looks like queue_hall1 or hr_city."
        )
    if path.exists() and name in Sources(path).all():
        raise InputError(f"{name} 已在 {path} 中 / {name} is in {path} already.")
    token = secrets.token_urlsafe(TOKEN_BYTES)
    section = f'[{name}]\ntoken_sha256 = "{digest_of(token)}"\n'
    for key, values in (("tells", tells), ("counties", counties), ("halls", halls)):
        if values:
            section += f"{key} = [{', '.join(_quoted(one) for one in values)}]\n"
    parse(section, name)
    try:
        with os.fdopen(os.open(token_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(token + "\n")
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as file:
            file.write(("\n" if file.tell() else "") + section)
    except FileExistsError as error:
        raise InputError(f"{token_file} 已存在，不会覆盖 / exists and is not overwritten.") from error
