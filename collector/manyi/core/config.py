"""The configuration: one TOML file, one frozen object, every problem reported at once in plain words.

Secrets are named by file, never written here. Relative paths count from the configuration file's folder.
Refuses unknown sections and keys, so that a slip of the pen is not silently the default.

Longer than 300 lines because it is one list of settings.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from manyi.core.errors import SetupError
from manyi.core.hours import is_hours
from manyi.core.sections import Sections
from manyi.words import both

LOOPBACK = ("127.0.0.1", "localhost", "::1")
AUDIT_MIN_DAYS = 180  # the law on network security asks for six months of logs
AUDIT_DAYS = 365
SECTIONS = (
    "city", "data", "broker", "keys", "influx", "web", "policy", "backup", "feed", "audit", "alarms", "certificates",
    "visits",
)  # fmt: skip


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
    def visits(self) -> Path:
        return self.dir / "visits.db"

    @property
    def influx(self) -> Path:
        return self.dir / "influx.db"

    @property
    def orders(self) -> Path:
        return self.dir / "orders.db"

    @property
    def roots(self) -> Path:
        return self.dir / "roots"

    @property
    def checked(self) -> Path:
        """What the ledger's own check has found (checked.py)."""
        return self.dir / "checked.json"


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
class Oidc:
    """Single sign-on with the bureau's own identity provider (docs/ACCESS.md)."""

    name: str
    server_url: str
    client_id: str
    client_secret_file: Path


@dataclass(frozen=True, slots=True)
class Web:
    """`allowed_hosts`: names that browsers may use for the wall, besides its own address and this machine's."""

    host: str
    port: int
    secret_file: Path | None
    allowed_hosts: tuple[str, ...] = ()
    login: bool = True
    """False: no accounts, everybody sees everything. For the demo; refused elsewhere than on loopback."""
    https: bool = True
    """Browsers come by TLS (a reverse proxy's, or cert_file): cookies never travel without it."""
    public_port: int = 0
    """A second port that answers the halls' public screens and nothing else; 0: none."""
    cert_file: Path | None = None
    key_file: Path | None = None
    proxies: tuple[str, ...] = ("127.0.0.1",)
    """Reverse proxies whose word on a browser's address is taken."""
    idle_minutes: int = 30
    session_hours: int = 12
    second_factor: tuple[str, ...] | None = None
    """Roles that need a second factor; None: the web application's own list."""
    metrics_token_file: Path | None = None
    oidc: Oidc | None = None


@dataclass(frozen=True, slots=True)
class Audit:
    """`syslog`: "host:port" (UDP) or the path of a socket; "" for none."""

    syslog: str = ""
    keep_days: int = 365


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
class Alarms:
    """When the wall speaks up (docs/RUNBOOK.md)."""

    red_minutes: int = 15
    """A dissatisfied rating that nobody has marked as known for so long; 0: no such alarm."""
    dissatisfied_percent: int = 5
    """A window's share today that is surely above this, by its Wilson interval."""
    certificate_days: int = 60
    hours: str = ""
    """Silence of a box counts within "08:30-17:30" alone; "": always. A box's own `open` setting goes before."""
    workdays: bool = False
    """And on working days alone, by the Chinese calendar."""


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
    key_file: Path | None = None
    """Shared by both zones: seals the files, so that nobody on the way can write one."""


@dataclass(frozen=True, slots=True)
class Visits:
    """`sources`: the queue systems that may tell visits (docs/VISITS.md); None: nobody may. `password_file`: of the
    broker account manyi_visits; None with a broker that wants one: visits come over HTTP alone, and no prompts."""

    sources: Path | None = None
    password_file: Path | None = None


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
    audit: Audit = Audit()
    alarms: Alarms = Alarms()
    certificates: tuple[tuple[str, Path], ...] = ()
    """(name, file or folder) of certificates whose expiry the wall watches (certificates.py)."""
    visits: Visits = Visits()

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
            f"{path}：配置文件无法读取（{error}）。请用 -c 指明配置文件，样例是 collector/deploy/manyi.example.toml / "
            f"{path}: cannot be read. Name the configuration with -c, or start from collector/deploy/manyi.example.toml."
        ) from error
    return parse(text, path.parent, str(path))


def parse(text: str, base: Path, name: str = "configuration") -> Config:
    """The same from text; `base` is the folder that relative paths count from."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SetupError(both(f"{name}：不是 TOML（{error}）", f"{name}: not TOML ({error}).")) from error
    r = Sections(tree, base, SECTIONS)
    city = City(r.text("city", "name"), r.text("city", "name_en", ""))
    data = Data(r.path("data", "dir") or base)
    feed = Feed(
        r.path("feed", "out", needed=False),
        r.path("feed", "in", needed=False),
        r.path("feed", "key_file", needed=False),
    )
    if feed.in_dir is None:
        broker, keys = _broker(r), KeyFiles(r.path("keys", "link_file") or base)
    else:
        broker, keys = Broker("", 0, "", None, True, None), KeyFiles(base / "link.keys")
        for section in ("broker", "keys"):
            if section in tree:
                r.problems.append(
                    both(
                        f"[{section}] 和 [feed] in 不能同时有：接收文件的一侧不采集",
                        f"[{section}] and [feed] in exclude each other: who follows files collects nothing.",
                    )
                )
    influx = _influx(r) if "influx" in tree else None
    web = _web(r)
    audit = Audit(
        r.text("audit", "syslog", ""), r.number("audit", "keep_days", AUDIT_MIN_DAYS, 3650, AUDIT_DAYS)
    )
    policy = Policy(
        visit_ms=r.number("policy", "visit_ms", 2000, 15000, 5000),
        hall_batch=r.number("policy", "hall_batch", 5, 100, 5),
        silent_s=r.number("policy", "silent_s", 30, 86400, 180),
    )
    alarms = Alarms(
        r.number("alarms", "red_minutes", 0, 1440, 15),
        r.number("alarms", "dissatisfied_percent", 1, 99, 5),
        r.number("alarms", "certificate_days", 1, 400, 60),
        r.text("alarms", "hours", ""),
        r.yes("alarms", "workdays"),
    )
    if alarms.hours and not is_hours(alarms.hours):
        r.problems.append(
            both(
                f'[alarms] hours = {alarms.hours!r}：应如 "08:30-17:30"，或 "" 表示全天',
                'it must be such as "08:30-17:30", or "" for always.',
            )
        )
    certificates = r.paths("certificates")
    if broker.ca_file is not None and "ca" not in dict(certificates):
        certificates = (("ca", broker.ca_file), *certificates)
    backup = Backups(
        r.path("backup", "dir", needed=False),
        r.number("backup", "daily", 1, 400, 14),
        r.number("backup", "weekly", 0, 400, 8),
        r.yes("backup", "secrets"),
    )
    visits = Visits(
        r.path("visits", "sources", needed=False), r.path("visits", "password_file", needed=False)
    )
    r.refuse_the_rest()
    if r.problems:
        raise SetupError(*(f"{name}: {problem}" for problem in r.problems))
    return Config(
        city, data, broker, keys, influx, web, policy, backup, feed, audit, alarms, certificates, visits
    )


def _web(r: Sections) -> Web:
    oidc = r.table("web", "oidc")
    host = r.text("web", "host", "127.0.0.1")
    web = Web(
        host,
        r.number("web", "port", 1, 65535, 8080),
        r.path("web", "secret_file", needed=False),
        r.names("web", "allowed_hosts"),
        login=r.yes("web", "login", True),
        https=r.yes("web", "https", True),
        public_port=r.number("web", "public_port", 0, 65535, 0),
        cert_file=r.path("web", "cert_file", needed=False),
        key_file=r.path("web", "key_file", needed=False),
        proxies=r.names("web", "proxies", ("127.0.0.1",)),
        idle_minutes=r.number("web", "idle_minutes", 5, 1440, 30),
        session_hours=r.number("web", "session_hours", 1, 168, 12),
        second_factor=r.names("web", "second_factor") if r.has("web", "second_factor") else None,
        metrics_token_file=r.path("web", "metrics_token_file", needed=False),
        oidc=_oidc(r) if oidc else None,
    )
    if not web.login and host not in LOOPBACK:
        r.problems.append(
            both(
                f"[web] login = false 只限本机，而 host = {host!r} 别的机器也能打开：两者去掉一个",
                f"[web] login = false is for this machine alone, and host = {host!r} is seen from others: "
                "take one of the two out.",
            )
        )
    if bool(web.cert_file) != bool(web.key_file):
        r.problems.append(
            both(
                "[web] cert_file 和 key_file 要么都写，要么都不写",
                "cert_file and key_file together, or neither.",
            )
        )
    if web.cert_file and not web.https:
        r.problems.append(
            both(
                "[web] 有 cert_file 又写 https = false",
                "it has both cert_file and https = false: take one out.",
            )
        )
    return web


def _oidc(r: Sections) -> Oidc:
    url = r.text("web.oidc", "server_url")
    if url and not url.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        r.problems.append(
            both(
                f"[web.oidc] server_url = {url!r}：应以 https:// 开头",
                "[web.oidc] server_url must start with https://.",
            )
        )
    return Oidc(
        r.text("web.oidc", "name"),
        url,
        r.text("web.oidc", "client_id"),
        r.path("web.oidc", "client_secret_file") or Path(),
    )


def _broker(r: Sections) -> Broker:
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
        r.problems.append(
            both(
                "[broker] 写了 plain = true 又写 ca_file",
                "it has both plain = true and ca_file: take one out.",
            )
        )
    if bool(broker.username) != bool(broker.password_file):
        r.problems.append(
            both(
                "[broker] username 和 password_file 要么都写，要么都不写",
                "username and password_file together, or neither.",
            )
        )
    return broker


def _influx(r: Sections) -> Influx:
    url = r.text("influx", "url")
    if url and not url.startswith(("http://", "https://")):
        r.problems.append(
            both(
                f"[influx] url = {url!r}：应以 http:// 或 https:// 开头",
                "it must start with http:// or https://.",
            )
        )
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
            both(
                "[influx] 各存储桶不能重名：保留期和读者都不同",
                "every bucket needs a name of its own: they are kept and read differently.",
            )
        )
    return found


def secret(path: Path, what: str) -> str:
    """The one line of a secret file. Raises SetupError if it cannot be read, is empty, or others may read
    it.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise SetupError(
                both(
                    f"{path}：别的账户能读，请执行 chmod 600 {path}",
                    f"others may read this {what}. Run: chmod 600 {path}",
                )
            )
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(
            both(f"{path}：读不出（{error}）", f"the {what} cannot be read ({error}).")
        ) from error
    if not text:
        raise SetupError(both(f"{path}：是空的", f"the {what} is empty."))
    return text
