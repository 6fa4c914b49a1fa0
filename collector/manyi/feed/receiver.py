"""`manyi feed in`: takes the files that came through the gap into this zone's copy of the ledger, verbatim.

Each file is one transaction: every row's hash is worked out again from the row before, heads and rows go in as they are,
then the boxes' newest words and the daily roots. What the copy has already must be the same. Refuses a gap (and says
which row to ask for), a changed row, another ledger's files, a file of a time to come (all that come after it would be
taken for old), and a ledger that has rows of its own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Final, NamedTuple

from manyi.core import root, stores
from manyi.core.config import Config
from manyi.core.errors import EvidenceError, InputError
from manyi.core.ledger import chain, reader, schema
from manyi.feed import page
from manyi.feed.page import Cells, Page
from manyi.words import both

_KINDS: Final[dict[str, type]] = {"INTEGER": int, "TEXT": str, "BLOB": bytes}
FEED_N: Final = "feed_n"  # keys of the ledger's meta: number and time of the newest file taken in
FEED_MS: Final = "feed_ms"


class Taken(NamedTuple):
    """How many files and rows; `at_ms`: when the newest of them was written in the collector's zone (0: none ever)."""

    files: int
    rows: int
    at_ms: int


def receive(config: Config, folder: Path, now_ms: int, key: bytes = b"", stop: Event | None = None) -> Taken:
    """Takes in everything that has come, or until `stop`. Raises InputError for a gap, EvidenceError for what was changed."""
    if not folder.is_dir():
        raise InputError(
            both(f"{folder} 不是目录", f"{folder} is no folder: that is where the gap puts its files.")
        )
    config.data.dir.mkdir(mode=0o750, parents=True, exist_ok=True)
    with closing(schema.open_for_writing(config.data.ledger, copy=True)) as conn:
        files = rows = 0
        for path in _waiting(conn, folder):
            if stop is not None and stop.is_set():
                break
            found = page.read(path, key)
            _of_now(found, path, now_ms)
            rows += _take(conn, found, path)
            _roots(config.data.roots, found)
            files += 1
        if files:
            root.write_latest(conn, config.data.roots, now_ms)
        return Taken(files, rows, int(_meta(conn, FEED_MS) or 0))


def _waiting(conn: sqlite3.Connection, folder: Path) -> list[Path]:
    """Files not taken in yet, by their numbers."""
    mine, newest = schema.follows(conn), int(_meta(conn, FEED_N) or 0)
    if not mine and reader.tail(conn)[0]:
        raise InputError(
            both(
                "本机台账有自己的记录，不能当副本：请用空的数据目录",
                "This ledger has rows of its own and cannot become a copy: use an empty [data] dir.",
            )
        )
    files = (path for path in folder.glob("*.feed") if path.is_file())  # whoever opens a pipe waits for ever
    named = [(found, path) for path in files if (found := page.number(path)) is not None]
    ids = {ledger for (ledger, _), _ in named}
    if not mine and len(ids) > 1:
        raise InputError(
            both(
                f"{folder} 里有两个台账的文件",
                f"{folder} holds files of {len(ids)} ledgers: leave one ledger's files there.",
            )
        )
    return [path for (ledger, n), path in sorted(named) if n > newest and ledger == (mine or ledger)]


def _of_now(found: Page, path: Path, now_ms: int) -> None:
    if path.name != found.name:
        raise EvidenceError(
            both(f"{path.name} 的名称与内容不符，拒收", f"{path} is not the file of that name: not taken in.")
        )
    if max(found.n, found.at_ms) > now_ms + page.AHEAD_MS:
        raise EvidenceError(
            both(
                f"{path.name} 的时间在未来，拒收：途中有人伪造，或两区时钟相差一天以上",
                f"{path} is of a time to come: made up on the way, or the clocks of the two zones differ by more than a "
                "day. It is not taken in.",
            )
        )


def _take(conn: sqlite3.Connection, found: Page, path: Path) -> int:
    """Gives how many rows were new. One transaction, from the look at the tail on: two receivers do not disturb each other."""
    try:
        with stores.transaction(conn):
            return _into(conn, found, path)
    except (sqlite3.Error, KeyError, TypeError, ValueError) as error:
        raise InputError(
            both(
                f"{path.name} 收不进去（{error}）：两区程序版本不同，或磁盘有问题",
                f"{path} cannot be taken in ({type(error).__name__}: {error}): another release outside, or the disk.",
            )
        ) from error


def _into(conn: sqlite3.Connection, found: Page, path: Path) -> int:
    mine = schema.follows(conn)
    if mine and found.ledger != mine:
        raise EvidenceError(
            both(f"{path.name} 是另一个台账的", f"{path} is of another ledger ({found.ledger}).")
        )
    tail, before = reader.tail(conn)
    again = f"manyi feed out --again-from {tail + 1}"
    if found.first > tail + 1:
        raise InputError(
            both(
                f"缺少第 {tail + 1} 至 {found.first - 1} 行（{path.name} 之前的文件）。请补传，或在采集区执行 {again}",
                f"Rows {tail + 1} to {found.first - 1} have not come: a file before {path.name} is missing. Carry it over, "
                f"or in the collector's zone run: {again}",
            )
        )
    conn.execute("DELETE FROM meta WHERE key = 'follows'")  # the lock on rows, put back below
    _put(conn, "head", found.heads)
    _check(conn, "row", found.rows)
    new = _rows(conn, found, tail, before, path)
    _put(conn, "beat", found.beats)
    _put(conn, "state", found.states)
    for name, value in (("follows", found.ledger), (FEED_N, found.n), (FEED_MS, found.at_ms)):
        conn.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, str(value)))
    return new


def _put(conn: sqlite3.Connection, table: str, many: Sequence[Cells]) -> None:
    _check(conn, table, many)
    for cells in many:
        conn.execute(f"INSERT OR REPLACE INTO {table} VALUES ({','.join('?' * len(cells))})", cells)


def _check(conn: sqlite3.Connection, table: str, many: Sequence[Cells]) -> None:
    """Whether every cell is what its column holds. SQLite takes anything anywhere, and what counts with it later would
    fail at each start. Raises ValueError.
    """
    columns = conn.execute(f"PRAGMA table_info({table})").fetchall()
    for cells in many:
        for (_, name, kind, needed, _, _), cell in zip(columns, cells, strict=True):
            if cell is None and not needed:
                continue
            is_odd = isinstance(cell, str) and not (cell.isascii() and cell.isprintable())
            if is_odd or type(cell) is not _KINDS[kind]:
                raise ValueError(f"{table}.{name}")


def _rows(conn: sqlite3.Connection, found: Page, tail: int, before: bytes, path: Path) -> int:
    boxes = {h[0]: (h[1], h[2], h[3]) for h in conn.execute("SELECT id, box, life, branch FROM head")}
    expected = found.first
    for row_id, at_ms, kind, head, seq, body, digest in found.rows:
        if row_id != expected:
            raise EvidenceError(
                both(
                    f"{path.name}：这里应是第 {expected} 行，却是第 {row_id} 行",
                    f"row {expected} should come here, and row {row_id} does.",
                )
            )
        expected += 1
        if row_id <= tail:  # here already; then it must be the same
            if root.hash_of(conn, row_id) != digest:
                raise EvidenceError(
                    both(
                        f"第 {row_id} 行与已收到的不同",
                        f"{path}: row {row_id} is not the one that was taken in before.",
                    )
                )
            continue
        box, life, branch = ("", "", 0) if head is None else boxes[head]
        worked_out = chain.row_hash(before, (row_id, at_ms, kind, box, life, branch, seq or 0), body)
        if worked_out != digest:
            raise EvidenceError(
                both(
                    f"第 {row_id} 行被改动过，拒收",
                    f"{path}: row {row_id} does not fit the row before it: it was changed, and is not taken in.",
                )
            )
        conn.execute(
            "INSERT INTO row VALUES (?, ?, ?, ?, ?, ?, ?)", (row_id, at_ms, kind, head, seq, body, digest)
        )
        before = digest
    if expected != found.last + 1:
        raise EvidenceError(
            both(
                f"{path.name} 缺少第 {expected} 至 {found.last} 行",
                f"rows {expected} to {found.last} are missing from it.",
            )
        )
    return max(0, found.last - tail)


def _roots(folder: Path, found: Page) -> None:
    """Published in the collector's zone; here they only lie. One that is there stays, and must be the same."""
    folder.mkdir(parents=True, exist_ok=True)
    for day, text in found.roots:
        path = folder / f"{root.parse(text, day).day.isoformat()}.txt"
        if path.exists() and path.read_text(encoding="ascii") != text:
            raise EvidenceError(
                both(f"{day} 的封印与已有的不同", f"The root of {day} is not the one that lies in {folder}.")
            )
        path.write_text(text, encoding="ascii")


def _meta(conn: sqlite3.Connection, key: str) -> str:
    found = conn.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return str(found[0]) if found else ""
