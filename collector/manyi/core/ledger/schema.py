"""What is in ledger.db, how it is opened, and how one of an earlier release becomes one of this. Refuses a file that is
not a ledger of this version, and to bring one back to an earlier.

`row` is the truth: append-only, ids contiguous from 1, chained (chain.py). `head` is one line per box, life
and branch: where it stands, and its counters; it is written in the same transaction as its rows and `manyi
verify` recomputes it from them. `beat`, `state`, `reply` hold the newest of each, `aside` what could not be
read; no figure of ratings depends on these four. Triggers stop a slip of the hand from editing `row`;
against intent there are the chain and the published roots. `meta` holds the ledger's own id, and in an inner zone the id
of the one that it follows (feed/): such a copy takes rows from that one's files only.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote

from manyi.core import stores
from manyi.core.errors import CopyError, LedgerError
from manyi.words import both

APPLICATION_ID: Final = 0x6D616E79  # "many": `file` and sqlite3 can tell a ledger from any other database
VERSION: Final = 2
BUSY_MS: Final = 5_000  # a roster import holds the write lock well below a second

_META: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('id', lower(hex(randomblob(8))));
CREATE TRIGGER a_copy_takes_no_rows_of_its_own BEFORE INSERT ON row
  WHEN EXISTS (SELECT 1 FROM meta WHERE key = 'follows')
  BEGIN SELECT RAISE(ABORT, 'this ledger is a copy: rows come from the other zone''s files only'); END;
"""
UPGRADES: Final = {1: _META}
"""From each earlier version to the next. Rows are never touched: a chain that verified before does so after."""

SCHEMA: Final = (
    """
CREATE TABLE row (
  id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, kind TEXT NOT NULL, head INTEGER REFERENCES head(id),
  seq INTEGER, body BLOB NOT NULL, hash BLOB NOT NULL);
CREATE UNIQUE INDEX record_at ON row(head, seq) WHERE kind = 'record';
CREATE INDEX notable ON row(kind, head) WHERE kind <> 'record';
CREATE TRIGGER row_is_never_changed BEFORE UPDATE ON row
  BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER row_is_never_deleted BEFORE DELETE ON row
  BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TABLE head (
  id INTEGER PRIMARY KEY, box TEXT NOT NULL, life TEXT NOT NULL, branch INTEGER NOT NULL,
  start INTEGER NOT NULL, seq INTEGER NOT NULL, tag BLOB NOT NULL,
  n_s INTEGER NOT NULL, n_b INTEGER NOT NULL, n_d INTEGER NOT NULL,
  n0_s INTEGER NOT NULL, n0_b INTEGER NOT NULL, n0_d INTEGER NOT NULL,
  stored_s INTEGER NOT NULL, stored_b INTEGER NOT NULL, stored_d INTEGER NOT NULL,
  lost_s INTEGER NOT NULL, lost_b INTEGER NOT NULL, lost_d INTEGER NOT NULL,
  forgot_s INTEGER NOT NULL, forgot_b INTEGER NOT NULL, forgot_d INTEGER NOT NULL,
  UNIQUE (box, life, branch));
CREATE TABLE beat (
  box TEXT NOT NULL, life TEXT NOT NULL, at_ms INTEGER NOT NULL, boot INTEGER NOT NULL,
  up_ms INTEGER NOT NULL, seq INTEGER NOT NULL,
  n_s INTEGER NOT NULL, n_b INTEGER NOT NULL, n_d INTEGER NOT NULL,
  depth INTEGER NOT NULL, oldest_ms INTEGER NOT NULL,
  lost_s INTEGER NOT NULL, lost_b INTEGER NOT NULL, lost_d INTEGER NOT NULL,
  unknown INTEGER NOT NULL, room INTEGER NOT NULL, clock INTEGER NOT NULL, stuck INTEGER NOT NULL,
  heap INTEGER NOT NULL, rssi INTEGER NOT NULL, erases INTEGER NOT NULL, faults INTEGER NOT NULL,
  config TEXT NOT NULL, PRIMARY KEY (box, life)) WITHOUT ROWID;
CREATE TABLE state (
  box TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, online INTEGER NOT NULL, fw TEXT NOT NULL,
  life TEXT NOT NULL, boot INTEGER NOT NULL, reason INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE reply (
  box TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, id TEXT NOT NULL, ok INTEGER NOT NULL,
  text TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE aside (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, topic TEXT NOT NULL, why TEXT NOT NULL,
  payload BLOB NOT NULL);
"""
    + _META
)


def open_for_writing(path: Path, *, copy: bool = False) -> sqlite3.Connection:
    """A connection that may write, in WAL with synchronous=FULL; makes the file if there is none.

    Transactions are explicit (`BEGIN IMMEDIATE` … `COMMIT`). Usable from one thread at a time. `copy`: the caller is
    the one who may add to a copy of another ledger. Raises LedgerError if the file is no ledger of this version or
    cannot be opened, CopyError if it is such a copy.
    """
    stores.keep_private(path)
    try:
        conn = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_MS / 1000)
        # FULL: a commit that returned has been fsynced; an ack promises no less. NORMAL may lose commits at
        # power loss.
        conn.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")
        if conn.execute("PRAGMA user_version").fetchone()[0] == 0:
            _create(conn)
        _check(conn, path)
        if not copy and follows(conn):
            raise CopyError(
                f"{path} 是另一分区台账的副本，只能由传来的文件更新。请在采集区修改 / It is a copy of the other "
                "zone's ledger and changes by that zone's files only. Make the change there."
            )
    except sqlite3.Error as error:
        raise LedgerError(
            both(f"{path} 不能作为台账打开（{error}）", f"{path} cannot be opened as a ledger: {error}")
        ) from error
    return conn


def open_for_reading(path: Path) -> sqlite3.Connection:
    """A read-only connection; sees each commit as soon as it is made.

    Raises LedgerError if there is no ledger there. Several threads: one connection each.
    """
    if not path.exists():
        raise LedgerError(
            f"{path} 处没有台账：用这份配置启动过 manyi serve 吗？ / "
            f"There is no ledger at {path}. Has `manyi serve` run with this configuration?"
        )
    try:
        conn = sqlite3.connect(
            f"file:{quote(str(path))}?mode=ro",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=BUSY_MS / 1000,
        )
        _check(conn, path)
    except sqlite3.Error as error:
        raise LedgerError(
            both(f"{path} 不能作为台账读取（{error}）", f"{path} cannot be read as a ledger: {error}")
        ) from error
    return conn


def follows(conn: sqlite3.Connection) -> str:
    """The id of the ledger that this one is a copy of; "" if it is none."""
    found = conn.execute("SELECT value FROM meta WHERE key = 'follows'").fetchone()
    return str(found[0]) if found else ""


def upgrade(path: Path) -> int:
    """Brings a ledger to this version, all in one transaction or not at all; gives the version that it had.

    Raises LedgerError for a file that is none of ours, or of a newer release.
    """
    try:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=BUSY_MS / 1000)) as conn:
            conn.execute("BEGIN IMMEDIATE")
            had = int(conn.execute("PRAGMA user_version").fetchone()[0])
            if had in UPGRADES and _is_ours(conn):
                for version in range(had, VERSION):
                    for statement in _statements(UPGRADES[version]):
                        conn.execute(statement)
                conn.execute(f"PRAGMA user_version = {VERSION}")
            _check(conn, path)
            conn.execute("COMMIT")
    except sqlite3.Error as error:
        raise LedgerError(
            both(
                f"{path} 无法升级到版本 {VERSION}，没有改动任何内容",
                f"it cannot be brought to version {VERSION} ({error}). Nothing was changed.",
            )
        ) from error
    return had


def _create(conn: sqlite3.Connection) -> None:
    conn.execute("BEGIN IMMEDIATE")
    if conn.execute("PRAGMA user_version").fetchone()[0] == 0:  # another process may have been first
        for statement in _statements(SCHEMA):
            conn.execute(statement)
        conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        conn.execute(f"PRAGMA user_version = {VERSION}")
    conn.execute("COMMIT")


def _statements(script: str) -> list[str]:
    """executescript() would commit the open transaction, so the script is cut here: at the end of lines that
    end in `;`.
    """
    found, rest = [], ""
    for line in script.strip().splitlines():
        rest += line + "\n"
        if sqlite3.complete_statement(rest):
            found.append(rest)
            rest = ""
    return found


def _is_ours(conn: sqlite3.Connection) -> bool:
    return bool(conn.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID)


def _check(conn: sqlite3.Connection, path: Path) -> None:
    if not _is_ours(conn):
        raise LedgerError(
            both(f"{path} 是数据库，但不是本系统的台账", f"{path} is a database, but not a ledger of manyi.")
        )
    version = conn.execute("PRAGMA user_version").fetchone()[0]
    if version in UPGRADES:
        raise LedgerError(
            f"{path} 是旧版台账，请先执行 manyi migrate / It is a ledger of version {version}, and this program's is "
            f"{VERSION}. Run: manyi migrate"
        )
    if version != VERSION:
        raise LedgerError(
            f"{path} 是更新版本的台账，请用写它的版本 / It is a ledger of version {version}; this program knows version "
            f"{VERSION}. Use the release that made it."
        )
