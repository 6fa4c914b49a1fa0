"""What every projection's database has in common: how it is opened, its cursor, its epoch; and the one form of a
transaction, the ledger's too. Knows no meaning.

`epoch` is minted when a store begins from nothing. Whoever follows a store remembers its epoch beside the
cursor and begins again when it has changed, so that a rebuilt or restored store can never be mistaken for
the one before.
"""

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

BUSY_MS = 5_000  # how long to wait for another process (a rebuild) that writes
MODE = 0o640  # the owner is the service; the group may make copies
CACHE_KIB = 16_384  # page cache of one store: a day of a city's ratings


def open_store(path: Path, script: str, version: int, *, synchronous: str = "FULL") -> sqlite3.Connection:
    """A writing connection to a projection's database, made if there is none.

    A store of another version is a projection all the same: it is emptied, and fills again from the ledger.
    FULL, though it could be rebuilt: a follower must never have seen what a power cut then takes back.
    NORMAL is for a store that nothing follows by a cursor.
    """
    keep_private(path)
    conn = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_MS / 1000)
    conn.executescript(
        f"PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; PRAGMA cache_size = -{CACHE_KIB};"
    )
    if conn.execute("PRAGMA user_version").fetchone()[0] != version:
        _begin_again(conn, script, version)
    return conn


def keep_private(path: Path) -> None:
    """Makes the file if there is none, and lets nobody but its owner and group read it: it names windows, hours and
    persons. SQLite gives the files beside it the same mode.

    A file that is there is never opened here: closing a descriptor would end every lock that this process has on it,
    another process would then take itself for the last and delete the WAL, and what is written next would be lost."""
    if str(path) == ":memory:":  # a database without a file
        return
    try:
        make_empty(path, MODE)
        mode = path.stat().st_mode & 0o777
        if mode & ~MODE:
            path.chmod(mode & MODE)
    except OSError:
        return  # opening it as a database says what is wrong


def make_empty(path: Path, mode: int) -> None:
    """An empty file, unless there is one: that one is not touched, nor opened."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode))


def open_reader(path: Path) -> sqlite3.Connection:
    """A read-only connection. Raises sqlite3.OperationalError if there is no such file."""
    uri = f"file:{quote(str(path))}?mode=ro"
    return sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_MS / 1000
    )


@contextmanager
def transaction(conn: sqlite3.Connection) -> Iterator[None]:
    """BEGIN IMMEDIATE … COMMIT, or ROLLBACK and the error goes on."""
    conn.execute("BEGIN IMMEDIATE")
    try:
        yield
        conn.execute("COMMIT")
    except BaseException:
        if conn.in_transaction:
            conn.execute("ROLLBACK")
        raise


def get(conn: sqlite3.Connection, key: str, default: str = "") -> str:
    found = conn.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return default if found is None else str(found[0])


def put(conn: sqlite3.Connection, key: str, value: str | int) -> None:
    conn.execute(
        "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", (key, value)
    )


def add(conn: sqlite3.Connection, key: str, more: int) -> None:
    """Adds to a count kept in meta."""
    put(conn, key, int(get(conn, key, "0")) + more)


def new_epoch() -> str:
    return secrets.token_hex(8)


def _begin_again(conn: sqlite3.Connection, script: str, version: int) -> None:
    with transaction(conn):
        if conn.execute("PRAGMA user_version").fetchone()[0] == version:
            return  # another process was first
        names = conn.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
        for (name,) in names.fetchall():
            conn.execute(f'DROP TABLE "{name}"')
        for statement in script.split(";"):
            if statement.strip():
                conn.execute(statement)
        conn.execute(f"PRAGMA user_version = {version}")
