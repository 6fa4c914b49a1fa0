"""The configuration: one TOML file, one frozen object, every problem reported at once in plain words.

Secrets are named by file, never written here. Relative paths count from the configuration file's folder.
Refuses unknown sections and keys, so that a slip of the pen is not silently the default.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manyi.core.errors import SetupError


@dataclass(frozen=True, slots=True)
class City:
    name: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Data:
    """Every file that the service keeps lies in one folder."""

    dir: Path

    @property
    def ledger(self) -> Path:
        return self.dir / "ledger.db"

    @property
    def ratings(self) -> Path:
        return self.dir / "ratings.db"

    @property
    def wall(self) -> Path:
        return self.dir / "wall.db"

    @property
    def influx(self) -> Path:
        return self.dir / "influx.db"

    @property
    def orders(self) -> Path:
        return self.dir / "orders.db"

    @property
    def roots(self) -> Path:
        return self.dir / "roots"


@dataclass(frozen=True, slots=True)
class Broker:
    """`plain` says that there is no TLS; otherwise the server's certificate is checked against ca_file or
    the system's.
    """

    host: str
    port: int
    username: str
    password_file: Path | None
    plain: bool
    ca_file: Path | None


@dataclass(frozen=True, slots=True)
class KeyFiles:
    link_file: Path


@dataclass(frozen=True, slots=True)
class Influx:
    """`bucket` takes single ratings; each of the others is filled if it is named (docs/INFLUX.md)."""

    url: str
    org: str
    bucket: str
    token_file: Path
    rollup_bucket: str = ""
    day_bucket: str = ""
    wall_bucket: str = ""


@dataclass(frozen=True, slots=True)
class Web:
    """`allowed_hosts`: names that browsers may use for the wall, besides its own address and this machine's."""

    host: str
    port: int
    secret_file: Path | None
    allowed_hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    visit_ms: int
    """A visit lasts this long from its first press (docs/WIRE.md, config)."""
    hall_batch: int
    """Hall screens release closed batches of at least this many ratings."""
    silent_s: int
    """A box that has sent no beat for this long is called silent: three beats missed at the default of 60
    s.
    """


@dataclass(frozen=True, slots=True)
class Backups:
    """`manyi backup` without a folder writes to `dir` and keeps so many copies, one a day and one a week."""

    dir: Path | None = None
    daily: int = 14
    weekly: int = 8
    secrets: bool = False
    """Copies hold the secret files too, 0600."""


@dataclass(frozen=True, slots=True)
class Feed:
    """Two zones: the collector writes files to `out_dir`; an installation with `in_dir` has no broker and follows them."""

    out_dir: Path | None = None
    in_dir: Path | None = None


@dataclass(frozen=True, slots=True)
class Config:
    city: City
    data: Data
    broker: Broker
    keys: KeyFiles
    influx: Influx | None
    web: Web
    policy: Policy
    backup: Backups = Backups()
    feed: Feed = Feed()

    @property
    def follows(self) -> bool:
        """Inside of a one-way gap: nothing is collected, the ledger comes in files; `broker` and `keys` say nothing."""
        return self.feed.in_dir is not None


def load(path: Path) -> Config:
    """Reads the file. Raises SetupError with every problem found."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(
            f"{path}: cannot be read ({error}). Start from collector/deploy/manyi.example.toml."
        ) from error
    return parse(text, path.parent, str(path))


def parse(text: str, base: Path, name: str = "configuration") -> Config:
    """The same from text; `base` is the folder that relative paths count from."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SetupError(f"{name}: not TOML ({error}).") from error
    r = _Reader(tree, base)
    city = City(r.text("city", "name"), r.text("city", "name_en", ""))
    data = Data(r.path("data", "dir") or base)
    feed = Feed(r.path("feed", "out", needed=False), r.path("feed", "in", needed=False))
    if feed.in_dir is None:
        broker, keys = _broker(r), KeyFiles(r.path("keys", "link_file") or base)
    else:
        broker, keys = Broker("", 0, "", None, True, None), KeyFiles(base / "link.keys")
        for section in ("broker", "keys"):
            if section in tree:
                r.problems.append(
                    f"[{section}] and [feed] in exclude each other: who follows files collects nothing."
                )
    influx = _influx(r) if "influx" in tree else None
    web = Web(
        r.text("web", "host", "127.0.0.1"),
        r.number("web", "port", 1, 65535, 8080),
        r.path("web", "secret_file", needed=False),
        r.names("web", "allowed_hosts"),
    )
    policy = Policy(
        visit_ms=r.number("policy", "visit_ms", 2000, 15000, 5000),
        hall_batch=r.number("policy", "hall_batch", 5, 100, 5),
        silent_s=r.number("policy", "silent_s", 30, 86400, 180),
    )
    backup = Backups(
        r.path("backup", "dir", needed=False),
        r.number("backup", "daily", 1, 400, 14),
        r.number("backup", "weekly", 0, 400, 8),
        r.yes("backup", "secrets"),
    )
    r.refuse_the_rest()
    if r.problems:
        raise SetupError(*(f"{name}: {problem}" for problem in r.problems))
    return Config(city, data, broker, keys, influx, web, policy, backup, feed)


def _broker(r: _Reader) -> Broker:
    plain = r.yes("broker", "plain")
    broker = Broker(
        host=r.text("broker", "host"),
        port=r.number("broker", "port", 1, 65535, 1883 if plain else 8883),
        username=r.text("broker", "username", ""),
        password_file=r.path("broker", "password_file", needed=False),
        plain=plain,
        ca_file=r.path("broker", "ca_file", needed=False),
    )
    if plain and broker.ca_file:
        r.problems.append("[broker] has both plain = true and ca_file: take one out.")
    if bool(broker.username) != bool(broker.password_file):
        r.problems.append("[broker] needs username and password_file together, or neither.")
    return broker


def _influx(r: _Reader) -> Influx:
    url = r.text("influx", "url")
    if url and not url.startswith(("http://", "https://")):
        r.problems.append(f"[influx] url = {url!r} must start with http:// or https://.")
    found = Influx(
        url,
        r.text("influx", "org"),
        r.text("influx", "bucket"),
        r.path("influx", "token_file") or Path(),
        r.text("influx", "rollup_bucket", ""),
        r.text("influx", "day_bucket", ""),
        r.text("influx", "wall_bucket", ""),
    )
    named = [b for b in (found.bucket, found.rollup_bucket, found.day_bucket, found.wall_bucket) if b]
    if len(set(named)) != len(named):
        r.problems.append(
            "[influx] every bucket needs a name of its own: they are kept and read differently."
        )
    return found


class _Reader:
    """Takes values out of the tree one by one and collects what is wrong; what is left over at the end is
    unknown.
    """

    def __init__(self, tree: dict[str, Any], base: Path) -> None:
        self.problems: list[str] = []
        self._base = base
        self._left: dict[str, dict[str, Any]] = {}
        for section, values in tree.items():
            if isinstance(values, dict):
                self._left[section] = dict(values)
            else:
                self.problems.append(f"{section!r} stands outside a [section].")
        self._known = {"city", "data", "broker", "keys", "influx", "web", "policy", "backup", "feed"}

    def _take(self, section: str, key: str, default: Any) -> Any:
        value = self._left.get(section, {}).pop(key, default)
        if value is None:
            self.problems.append(f"[{section}] {key} is missing.")
        return value

    def text(self, section: str, key: str, default: str | None = None) -> str:
        value = self._take(section, key, default)
        if value is not None and (not isinstance(value, str) or (default is None and not value.strip())):
            self.problems.append(f"[{section}] {key} = {value!r} must be a text that is not empty.")
        return value if isinstance(value, str) else ""

    def number(self, section: str, key: str, low: int, high: int, default: int | None = None) -> int:
        value = self._take(section, key, default)
        if value is None:
            return 0
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            self.problems.append(
                f"[{section}] {key} = {value!r} must be a whole number from {low} to {high}."
            )
            return low
        return value

    def yes(self, section: str, key: str) -> bool:
        value = self._take(section, key, False)
        if not isinstance(value, bool):
            self.problems.append(f"[{section}] {key} = {value!r} must be true or false.")
        return value is True

    def names(self, section: str, key: str) -> tuple[str, ...]:
        """A list of host names; none if it is not there. "*" would let any web page read the wall."""
        values = self._take(section, key, [])
        if not isinstance(values, list) or not all(
            isinstance(each, str) and each.strip() and "*" not in each for each in values
        ):
            self.problems.append(f"[{section}] {key} = {values!r} must be a list of host names, without *.")
            return ()
        return tuple(values)

    def path(self, section: str, key: str, *, needed: bool = True) -> Path | None:
        if not needed and key not in self._left.get(section, {}):
            return None
        text = self.text(section, key)
        return self._base / Path(text).expanduser() if text else None

    def refuse_the_rest(self) -> None:
        for section, values in self._left.items():
            if section not in self._known:
                self.problems.append(f"[{section}] is not a section of this file.")
            else:
                self.problems += [f"[{section}] {key} is not a setting." for key in values]


def secret(path: Path, what: str) -> str:
    """The one line of a secret file. Raises SetupError if it cannot be read, is empty, or others may read
    it.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise SetupError(f"{path}: others may read this {what}. Run: chmod 600 {path}")
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"{path}: the {what} cannot be read ({error}).") from error
    if not text:
        raise SetupError(f"{path}: the {what} is empty.")
    return text
