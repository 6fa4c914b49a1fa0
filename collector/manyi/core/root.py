"""Daily roots: one short text a day that seals every row of the ledger up to then, to be published where nobody can
take it back (a notice board, a newspaper, a web page of somebody else). Needs no key, and checking it needs none.

    manyi-root 1
    day 2026-11-21
    first 1041            first row of the day
    last 5321             last row of the day (first - 1 if there is none)
    rows 4281
    before <64 hex>       chain hash of the row before `first`
    after <64 hex>        chain hash of `last`
    state closed          or `open`: the day is not over

A day (Asia/Shanghai) begins with the first row stamped in it or later and ends before the first row stamped on a
later day. So every row lies in exactly one day, even if the collector's clock was once set back.

`roots/latest` holds the newest row once a minute, so that a cut tail shows. If the ledger turns out to have been set
back behind it (a backup came back), the service admits that in a `setback` row, which is chained like any other.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from manyi.core import stores, whole
from manyi.core.days import DAY_MS, date_of, midnight_ms
from manyi.core.errors import InputError
from manyi.core.ledger import chain, facts, reader
from manyi.words import both

LATEST: Final = "latest"
NEVER_BEFORE_MS: Final = 1_704_067_200_000  # 2024: rows stamped before it were stamped by a clock that stood
# More than that at once is a clock that has jumped, and its roots would stand in the way.
CATCH_UP_DAYS: Final = 400
_FIELDS: Final = ("day", "first", "last", "rows", "before", "after", "state")


@dataclass(frozen=True, slots=True)
class Root:
    day: date
    first: int
    last: int
    before: bytes
    after: bytes
    closed: bool

    @property
    def rows(self) -> int:
        return self.last - self.first + 1

    def text(self) -> str:
        values = (
            self.day.isoformat(), self.first, self.last, self.rows, self.before.hex(),
            self.after.hex(), "closed" if self.closed else "open",
        )  # fmt: skip
        return "manyi-root 1\n" + "".join(f"{k} {v}\n" for k, v in zip(_FIELDS, values, strict=True))


@dataclass(frozen=True, slots=True)
class Latest:
    row: int
    hash: bytes
    at_ms: int


def boundary(conn: sqlite3.Connection, at_ms: int, after: int = 0) -> int:
    """The id of the first row, after row `after`, that is stamped `at_ms` or later; else the next id to come."""
    query = "SELECT min(id) FROM row WHERE id > ? AND at_ms >= ?"
    found = conn.execute(query, (after, at_ms)).fetchone()[0]
    return found if found is not None else reader.tail(conn)[0] + 1


def of_day(conn: sqlite3.Connection, day: date, now_ms: int) -> Root:
    first = boundary(conn, midnight_ms(day))
    last = boundary(conn, midnight_ms(day) + DAY_MS, first - 1) - 1
    closed = now_ms >= midnight_ms(day) + DAY_MS
    return Root(day, first, last, hash_of(conn, first - 1), hash_of(conn, last), closed)


def hash_of(conn: sqlite3.Connection, row_id: int) -> bytes:
    """The chain hash at a row; of row 0 the beginning's. b"" if there is no such row."""
    if row_id == 0:
        return chain.GENESIS
    found = conn.execute("SELECT hash FROM row WHERE id = ?", (row_id,)).fetchone()
    return found[0] if found else b""


def parse(text: str, name: str) -> Root:
    """Raises InputError if it is not a root."""
    try:
        head, *lines = text.splitlines()
        fields = dict(line.split(" ", 1) for line in lines if line)
        if head != "manyi-root 1":
            raise ValueError(head)
        found = Root(
            date.fromisoformat(fields["day"]), int(fields["first"]), int(fields["last"]),
            bytes.fromhex(fields["before"]), bytes.fromhex(fields["after"]), fields["state"] == "closed",
        )  # fmt: skip
    except (ValueError, KeyError) as error:
        raise InputError(both(f"{name} 不是每日封印", f"{name} is not a daily root ({error!r}).")) from error
    return found


def published(folder: Path) -> list[Root]:
    """All closed daily roots in a folder, by day. Raises InputError for one that cannot be read."""
    files = sorted(folder.glob("*.txt")) if folder.is_dir() else []
    return [parse(file.read_text(encoding="ascii", errors="replace"), str(file)) for file in files]


def publish(
    conn: sqlite3.Connection, folder: Path, now_ms: int, holds: Callable[[Root], bool] = lambda _: True
) -> list[Path]:
    """Writes the roots of all days that are over and have none yet. A root that is there is never touched, and a day whose
    rows do not hold gets none.

    Raises InputError rather than seal years ahead: a clock in 2099 would leave nothing for the real days to come.
    """
    made: list[Path] = []
    query = "SELECT at_ms FROM row WHERE at_ms >= ? ORDER BY id LIMIT 1"
    found = conn.execute(query, (NEVER_BEFORE_MS,)).fetchone()
    if found is None:
        return made
    have = published(folder)
    day = have[-1].day + timedelta(days=1) if have else date_of(found[0])
    if (date_of(now_ms) - day).days > CATCH_UP_DAYS:
        before = date_of(now_ms) - timedelta(days=1)
        command = f"manyi root --day {before} > {folder / f'{before}.txt'}"
        raise InputError(
            both(
                f"时钟是 {date_of(now_ms)}，而下一个日封印应是 {day} 的：没有写。请校准时钟；如果时钟是对的，执行 {command}",
                f"The clock says {date_of(now_ms)}, and the next daily root is that of {day}: no root is written. Set the "
                f"clock right. If it is right, write one: {command}",
            )
        )
    while day < date_of(now_ms):
        sealed = of_day(conn, day, now_ms)
        if holds(sealed):
            made.append(folder / f"{day.isoformat()}.txt")
            _write(made[-1], sealed.text())
        day += timedelta(days=1)
    return made


def write_latest(
    conn: sqlite3.Connection, folder: Path, now_ms: int, newest: tuple[int, bytes] | None = None
) -> None:
    """`newest`: id and hash, if not simply the ledger's last row."""
    row, digest = newest or reader.tail(conn)
    _write(folder / LATEST, f"manyi-latest 1\nrow {row}\nhash {digest.hex()}\nat_ms {now_ms}\n")


def read_latest(folder: Path) -> Latest | None:
    """Raises InputError if the file is there and is none of ours."""
    path = folder / LATEST
    if not path.exists():
        return None
    try:
        fields = dict(line.split(" ", 1) for line in path.read_text(encoding="ascii").splitlines())
        return Latest(int(fields["row"]), bytes.fromhex(fields["hash"]), int(fields["at_ms"]))
    except (ValueError, KeyError) as error:
        raise InputError(both(f"{path} 读不出", f"{path} cannot be read ({error!r}).")) from error


def admit_setback(conn: sqlite3.Connection, folder: Path, now_ms: int) -> bool:
    """At the service's start: if the ledger is not the one that `latest` saw, a `setback` row says so for ever."""
    latest = read_latest(folder)
    if latest is None or hash_of(conn, latest.row) == latest.hash:
        return False
    append_setback(conn, latest, now_ms)
    return True


def append_setback(conn: sqlite3.Connection, latest: Latest, now_ms: int) -> None:
    """`latest`: what the ledger had, as far as anybody knows."""
    with stores.transaction(conn):
        stands, _ = reader.tail(conn)
        fact = {"had": latest.row, "hash": latest.hash.hex(), "at_ms": latest.at_ms, "stands": stands}
        body = json.dumps(fact, separators=(",", ":")).encode()
        facts.append_row(conn, now_ms, "setback", body)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    whole.write(path, text.encode("ascii"))
