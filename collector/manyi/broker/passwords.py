"""Mosquitto's password file, and the secrets a box is given.

The format is Mosquitto's `$7$`: PBKDF2-HMAC-SHA512 as `user:$7$<iterations>$<salt>$<hash>`, base64. 2.0.11
drops a user, saying so only in its log, unless the salt has exactly 12 bytes; 2.1 writes 64 and reads both.
mosquitto_passwd is not used: in batch mode it takes the password on its command line, for all to see.

Refuses to choose, store or print a password of a person's making.
"""

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass

from manyi.broker.names import DOCTOR

SALT_BYTES = 12
HASH_BYTES = 64
ITERATIONS = 101
"""Mosquitto 2.0's own. Stretching protects passwords that can be guessed; these are 192 random bits. And a
reload checks every connected client again while all others wait: at 600,000 that is over half an hour for
7,000 boxes, and half a second at 101."""
PASSWORD_BYTES = 24
"""192 bits; 32 characters in a box's configuration."""
KEY_BYTES = 32
"""k_link and k_chain, as docs/WIRE.md has them."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What one box is given. Its keys are empty if they were not asked for."""

    box: str
    password: str
    k_link: str = ""
    k_chain: str = ""

    def __repr__(self) -> str:  # a traceback must not show what a log may not
        return f"Credential({self.box!r}, ...)"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the password file. `flaw`: why Mosquitto, or we, would not take it; "" if nothing."""

    line: int
    user: str
    flaw: str


def mint(box: str, *, keys: bool) -> Credential:
    """Fresh secrets for one box. The doctor presses nothing, so it gets no k_chain."""
    k_link, k_chain = (secrets.token_hex(KEY_BYTES) if keys else "" for _ in range(2))
    return Credential(box, secrets.token_urlsafe(PASSWORD_BYTES), k_link, "" if box == DOCTOR else k_chain)


def line(user: str, password: str, salt: bytes | None = None) -> str:
    """A line of the password file, without its newline."""
    salt = secrets.token_bytes(SALT_BYTES) if salt is None else salt
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS, HASH_BYTES)
    return f"{user}:$7${ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def _flaw(hashed: str) -> str:
    parts = hashed.split("$")
    if len(parts) == 1:
        return "plain"
    if parts[1] == "6":
        return "weak"
    if len(parts) != 5 or parts[0] or parts[1] != "7" or not parts[2].isdecimal() or int(parts[2]) < 1:
        return "format"
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in parts[3:])
    except (binascii.Error, ValueError):
        return "format"
    if len(digest) != HASH_BYTES:
        return "format"
    return "" if len(salt) == SALT_BYTES else "salt"


def parse(text: str) -> list[Entry]:
    """Every line that Mosquitto reads as a user. Flaws: "twice", "plain", "weak", "format", "salt"."""
    entries: list[Entry] = []
    seen: set[str] = set()
    for number, raw in enumerate(text.splitlines(), 1):
        if raw.startswith("#") or ":" not in raw:
            continue  # as Mosquitto does
        user, _, hashed = (part.strip() for part in raw.partition(":"))
        entries.append(Entry(number, user, "twice" if user in seen else _flaw(hashed)))
        seen.add(user)
    return entries


def without(text: str, users: set[str]) -> str:
    """The file without these users; comments and everybody else stay as they are."""
    lines = text.splitlines()
    keep = (raw for raw in lines if raw.startswith("#") or raw.partition(":")[0].strip() not in users)
    return "".join(f"{raw}\n" for raw in keep)
