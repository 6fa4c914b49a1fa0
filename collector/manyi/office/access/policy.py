"""The figures of access: how long, how often, for whom. Pure; what can be set in the configuration arrives in a Policy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from manyi.office.access.scope import Role

# Wrong passwords for one account from one address before that pair is locked, and for how long.
FAILURES = 5
LOCK_MINUTES = 15
# One address guessing at many accounts, and many addresses guessing at one: refused for the rest of the time. Who comes from
# a browser that the account knows (device.py) counts for himself, so that neither keeps an owner out of his own desk.
ADDRESS_RATE = "20/5m/ip"
ACCOUNT_RATE = "10/5m/key"
# Logins of one browser, or of one address without one: each takes 0.1 s of argon2.
LOGIN_RATE = "30/m/key"
# On the way to the identity provider, of one address: each costs a session and a question to the provider. A hall's clerks
# behind one router all begin at half past eight.
SSO_RATE = "60/m/ip"
# Long enough for an installation on Friday whose people come on Monday.
FIRST_PASSWORD_HOURS = 72
PASSWORD_CHARACTERS = 10
# A stream is opened once and then runs for days: so often is its right to run looked at again.
RECHECK_MS = 30_000
# A wall has nobody to log in again; its link is good for this long, its session for that.
LINK_MINUTES = 30
SCREEN_DAYS = 400
# Rate limits and used one-time codes live in this process; room enough that nobody can push them out.
CACHE_ENTRIES = 100_000
SETTLE_S = 60  # so often is what the audit log counted looked through
PRUNE_S = 86_400  # once a day: sessions that have ended, entries of the audit log past their time
DEMANDING = (Role.centre, Role.county, Role.administrator, Role.security, Role.auditor)


@dataclass(frozen=True, slots=True)
class Oidc:
    name: str
    server_url: str
    client_id: str
    client_secret: str


@dataclass(frozen=True, slots=True)
class Policy:
    """What the configuration may say about access."""

    https: bool = True
    idle_minutes: int = 30
    session_hours: int = 12
    second_factor: tuple[str, ...] = tuple(DEMANDING)
    oidc: Oidc | None = None
    metrics_token: str = ""
    syslog: str = ""
    keep_days: int = 365
    recheck_ms: int = RECHECK_MS
    database: Path = Path("office.db")
