"""Takes visits in: who may tell them, what of a message goes into the ledger, and the answer.

    message ─▶ judge each visit ─▶ which are new, under the ledger's own lock ─▶ one row ─▶ answer

Told again, a visit changes nothing (the first word stands), so whoever is in doubt sends once more. One bad visit holds
no other. Two files: the ledger, and visits.db, which knows what was told before. Refuses to write an empty row, to say
taken before the commit has returned, and a token that others can read.
"""

from __future__ import annotations

import hmac
import os
import secrets
import sqlite3
import tomllib
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from manyi.core import stores
from manyi.core.errors import InputError, SetupError
from manyi.core.ledger import chain, reader, schema
from manyi.core.roster.facts import KEYS
from manyi.core.roster.model import Roster
from manyi.core.roster.rows import fact_rows
from manyi.core.visits import report as visits
from manyi.core.visits.report import Refused, Source, Visit
from manyi.core.visits.store import VisitStore

FILE: Final = "visits.db"  # beside the ledger
TOKEN_BYTES: Final = 32  # 256 random bits: nothing to guess, so a plain digest is enough to keep
_NEWEST: Final = (
    f"SELECT coalesce(max(id), 0) FROM row WHERE kind <> 'record' AND kind IN ({','.join('?' * len(KEYS))})"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a message. `taken` are new, `repeated` were known."""

    taken: tuple[Visit, ...] = ()
    repeated: int = 0
    refused: tuple[Refused, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        told = [{"index": r.nth, "id": r.id, "why": r.zh, "why_en": r.en} for r in self.refused]
        return {"taken": len(self.taken), "repeated": self.repeated, "refused": told}


@dataclass(slots=True)
class Sources:
    """The file of queue systems, read again when it changes. Its owner alone may read it."""

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
        if not visits.SOURCE.fullmatch(source) or not isinstance(told, dict):
            problems.append(f"[{source}]: 名称应形如 [queue_hall1] / a name looks like [queue_hall1]")
            continue
        rest = dict(told)
        digest = rest.pop("token_sha256", "")
        halls, prompt = rest.pop("halls", []), rest.pop("prompt", False)
        windows, business = rest.pop("windows", {}), rest.pop("business", {})
        rights = (
            (isinstance(digest, str) and len(digest) == 64 and digest == digest.lower(), "token_sha256"),
            (isinstance(halls, list) and all(isinstance(h, str) for h in halls), "halls"),
            (isinstance(prompt, bool), "prompt"),
            (isinstance(windows, dict) and all(isinstance(w, str) for w in windows.values()), "windows"),
            (isinstance(business, dict) and all(_is_biz(b) for b in business.values()), "business"),
        )
        wrong = [what for right, what in rights if not right] + sorted(rest)
        if wrong:
            problems.append(f"[{source}]: {', '.join(wrong)} 有误 / wrong or unknown (docs/VISITS.md)")
        else:
            found[source] = Source(source, digest, frozenset(halls), windows, business, prompt)
    if problems:
        raise SetupError(*(f"{name}: {problem}" for problem in problems))
    return found


def add_source(path: Path, name: str, halls: list[str], token_file: Path) -> None:
    """A new queue system: its section with the token's digest, and the token in a file of its own, both 0600.

    Raises InputError for a name that is none or is taken, or a token file that exists.
    """
    if not visits.SOURCE.fullmatch(name):
        raise InputError(f"{name}: 名称应形如 queue_hall1 / a name looks like queue_hall1.")
    if path.exists() and name in Sources(path).all():
        raise InputError(f"{name} 已在 {path} 中 / {name} is in {path} already.")
    token = secrets.token_urlsafe(TOKEN_BYTES)
    quoted = ", ".join(f'"{hall}"' for hall in halls)
    section = f'[{name}]\ntoken_sha256 = "{digest_of(token)}"\n' + (f"halls = [{quoted}]\n" if halls else "")
    parse(section, name)
    try:
        with os.fdopen(os.open(token_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(token + "\n")
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as file:
            file.write(("\n" if file.tell() else "") + section)
    except FileExistsError as error:
        raise InputError(f"{token_file} 已存在，不会覆盖 / exists and is not overwritten.") from error


class Intake:
    """One thread a object. Opens what it needs at the first message; the ledger must be there by then."""

    def __init__(self, data_dir: Path) -> None:
        self._ledger_file, self._file = data_dir / "ledger.db", data_dir / FILE
        self._conn: sqlite3.Connection | None = None
        self._store: VisitStore | None = None
        self._facts_at, self._roster = -1, Roster.from_facts(())

    def close(self) -> None:
        for one in (self._conn, self._store):
            if one is not None:
                one.close()
        self._conn = self._store = None

    def take(self, source: Source, payload: bytes, now_ms: int) -> Answer:
        """Everything good of a message is in the ledger when this returns. Raises InputError for a message that is none;
        LedgerError or sqlite3.Error if the ledger cannot be written now: nothing of it is taken then.
        """
        told = visits.items(payload)
        if isinstance(told, tuple):
            raise InputError(f"{told[0]} / {told[1]}")
        conn, store = self._open()
        roster = self._names(conn)
        good: dict[str, tuple[int, Visit]] = {}
        refused: list[Refused] = []
        repeated = 0
        for index, item in enumerate(told):
            try:
                found = visits.judge(item, source, roster, now_ms)
            except visits.NotTaken as no:
                refused.append(Refused(index, _id(item), no.zh, no.en))
                continue
            if (earlier := good.get(found.id)) is None:
                good[found.id] = (index, found)
            elif earlier[1] == found:
                repeated += 1
            else:
                refused.append(Refused(index, found.id, *_OTHER))
        with stores.transaction(conn):
            while store.follow(conn):
                pass
            known = store.known(source.name, list(good))
            taken = tuple(v for _, v in good.values() if v.id not in known)
            if taken:
                _append(conn, now_ms, visits.body(source.name, taken))
        for index, v in good.values():
            if v.id in known:
                if known[v.id] == (v.window, v.finished_ms, v.biz):
                    repeated += 1
                else:
                    refused.append(Refused(index, v.id, *_OTHER))
        return Answer(taken, repeated, tuple(sorted(refused)))

    def _open(self) -> tuple[sqlite3.Connection, VisitStore]:
        if self._conn is None:
            with closing(schema.open_for_reading(self._ledger_file)):
                pass  # a ledger is never made here
            self._conn = schema.open_for_writing(self._ledger_file)
        if self._store is None:
            self._store = VisitStore(self._file)
        return self._conn, self._store

    def _names(self, conn: sqlite3.Connection) -> Roster:
        newest = conn.execute(_NEWEST, tuple(KEYS)).fetchone()[0]
        if newest != self._facts_at:
            self._roster, self._facts_at = Roster.from_facts(fact_rows(conn, up_to_row=newest)), newest
        return self._roster


_OTHER: Final = (
    "同一 id 已报过不同的内容，以第一次为准",
    "this id was told before with something else; the first word stands",
)


def _append(conn: sqlite3.Connection, now_ms: int, raw: bytes) -> None:
    row_id, before = reader.tail(conn)
    row_id += 1
    link = chain.row_hash(before, (row_id, now_ms, visits.KIND, "", "", 0, 0), raw)
    conn.execute(
        "INSERT INTO row VALUES (?, ?, ?, NULL, NULL, ?, ?)", (row_id, now_ms, visits.KIND, raw, link)
    )


def _id(item: Any) -> str:
    return str(item.get("id", ""))[: visits.ID_MAX] if isinstance(item, dict) else ""


def _is_biz(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 0xFFFF
