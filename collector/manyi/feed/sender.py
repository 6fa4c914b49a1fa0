"""`manyi feed out`: the next file of ledger rows for the inner zone. Reads the ledger, writes a folder and feed.json.

Numbers are Unix milliseconds, so that they grow even if feed.json is lost; then, and after a crash before it was written,
rows come a second time, and the inner zone compares them with what it has. A number far ahead of the clock was a clock's
that has been put right: the inner zone took no such file, and the next number is the time again. Refuses to go on after
the ledger was set back, without being told from where.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from manyi.core import root, whole
from manyi.core.config import Config
from manyi.core.errors import EvidenceError, InputError
from manyi.core.ledger import reader, schema
from manyi.feed import page
from manyi.feed.page import Page
from manyi.words import both

SENT_ROWS: Final = 50_000  # a file of some 15 MB at most: a year's ledger goes in a few dozen
QUIET_MS: Final = 60_000  # without new rows a file with the boxes' beats comes this often
STATE: Final = "feed.json"
ANEW: Final = "manyi feed out --again-from 1"

_HEADS: Final = "SELECT * FROM head WHERE id IN (SELECT head FROM row WHERE id BETWEEN ? AND ?)"
_ROWS: Final = "SELECT id, at_ms, kind, head, seq, body, hash FROM row WHERE id BETWEEN ? AND ? ORDER BY id"


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent: the last file's number, row and its hash, time, and the last daily root."""

    n: int = 0
    row: int = 0
    hash: str = bytes(32).hex()
    at_ms: int = 0
    root: str = ""


def send(
    config: Config, out: Path, now_ms: int, key: bytes = b"", again_from: int | None = None
) -> list[Path]:
    """Writes what is due; gives the files. `again_from`: a row that the inner zone asks for (1: everything)."""
    out.mkdir(mode=0o750, parents=True, exist_ok=True)
    made: list[Path] = []
    with closing(schema.open_for_reading(config.data.ledger)) as conn:
        sent = _sent(config.data.dir / STATE)
        if again_from is not None:
            before = max(0, again_from - 1)
            sent = Sent(sent.n, before, root.hash_of(conn, before).hex())
        if root.hash_of(conn, sent.row).hex() != sent.hash:
            raise EvidenceError(
                both(
                    f"台账已不是上次传送的那一个（第 {sent.row} 行不同，恢复过备份？）。内区换空的数据目录，本区执行 {ANEW}",
                    f"The ledger is not the one that was sent (row {sent.row} differs: a copy was restored?). Give the inner "
                    f"zone an empty data folder, and here run: {ANEW}",
                )
            )
        while True:
            due = _page(conn, config, sent, now_ms)
            if due is None:
                return made
            made.append(page.write(due, out, key))
            sent = Sent(
                due.n, max(sent.row, due.last), (due.rows[-1][-1].hex() if due.rows else sent.hash), now_ms,
                due.roots[-1][0] if due.roots else sent.root,
            )  # fmt: skip
            _keep(config.data.dir / STATE, sent)


def _page(conn: sqlite3.Connection, config: Config, sent: Sent, now_ms: int) -> Page | None:
    conn.execute("BEGIN")  # rows, heads and beats of one moment
    try:
        tail, _ = reader.tail(conn)
        last = min(tail, sent.row + SENT_ROWS)
        roots = [
            r for r in root.published(config.data.roots) if r.day.isoformat() > sent.root and r.last <= last
        ]
        if last == sent.row and not roots and now_ms - sent.at_ms < QUIET_MS:
            return None
        between = (sent.row + 1, last)
        n = now_ms if sent.n > now_ms + page.AHEAD_MS else max(sent.n + 1, now_ms)
        return Page(
            _id(conn), n, now_ms, bytes.fromhex(sent.hash), *between,
            heads=conn.execute(_HEADS, between).fetchall(),
            rows=conn.execute(_ROWS, between).fetchall(),
            beats=conn.execute("SELECT * FROM beat WHERE at_ms > ?", (sent.at_ms,)).fetchall(),
            states=conn.execute("SELECT * FROM state WHERE at_ms > ?", (sent.at_ms,)).fetchall(),
            roots=[(r.day.isoformat(), r.text()) for r in roots],
        )  # fmt: skip
    finally:
        conn.execute("COMMIT")


def _id(conn: sqlite3.Connection) -> str:
    return str(conn.execute("SELECT value FROM meta WHERE key = 'id'").fetchone()[0])


def _sent(path: Path) -> Sent:
    try:
        return Sent(**json.loads(path.read_text(encoding="ascii"))) if path.exists() else Sent()
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            both(
                f"{path} 无法读取：请删除它，再执行 manyi feed out --again-from 1",
                f"it cannot be read ({error}). Delete it and run: manyi feed out --again-from 1",
            )
        ) from error


def _keep(path: Path, sent: Sent) -> None:
    whole.write(path, json.dumps(asdict(sent)).encode("ascii"))
