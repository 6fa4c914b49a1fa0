"""已知悉: somebody says that a rating, or a box that told two stories, has been seen: a row of the ledger, for good.

    known   body {"box", "life", "seq", "by", "account", "role", "at_ms", "salt"}; box, life, seq of the row are the rating's

The rating is named by its first press. The row is chained like every other; because it names a person, an export
leaves its body out unless it is asked for persons. `by` is the name on screens, which an administrator can give to two
accounts; `account` is one person's. It changes no level and no figure: fold.py makes the next version
of the rating, which carries known_ms, known_by and known_role.

A fork is named by its branch: the row stands at the branch, and `seq` is how far it went when somebody took note. The
branch stays out of the ratings; only its alarm ends (alarms/rules.py).

Refuses a rating that nobody has given (or that has no date yet), and to be told twice: the first word stands.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from manyi.core import stores
from manyi.core.errors import InputError
from manyi.core.ledger import facts, schema

KIND: Final = "known"
RATINGS: Final = "ratings.db"  # beside the ledger, as config.Data has it
NAME_MAX: Final = 64  # characters of `by` and of `role`: a name or an account, not an essay

_RATED: Final = "SELECT 1 FROM rating WHERE box = ? AND life = ? AND seq = ?"
_HEAD: Final = "SELECT id FROM head WHERE box = ? AND life = ? AND branch = 0"
_FORKS: Final = f"""
SELECT h.id, h.life, h.seq FROM head h WHERE h.box = ? AND h.branch > 0 AND NOT EXISTS (
  SELECT 1 FROM row k WHERE k.kind <> 'record' AND k.kind = '{KIND}' AND k.head = h.id AND k.seq >= h.seq)
ORDER BY h.life, h.branch"""
_TOLD: Final = f"SELECT body FROM row WHERE kind <> 'record' AND kind = '{KIND}' AND head = ? AND seq = ?"


def mark(
    ledger: Path | sqlite3.Connection, box: str, life: str, seq: int, by: str, now_ms: int, *, role: str = "",
    account: str = "",
) -> int:  # fmt: skip
    """Appends the row; gives its id. `ledger` is ledger.db's path, or a connection that may write it.

    Raises InputError if there is no such rating, if it is known already, or if `by` is empty or too long; sqlite3.Error
    if the ledger cannot be written (nothing is appended then).
    """
    by, role = _who(by, role)
    with _writing(ledger) as conn, stores.transaction(conn):
        head = _head(conn, box, life, seq)
        told = conn.execute(_TOLD, (head, seq)).fetchone()
        if told is not None:
            first = json.loads(told[0])
            raise InputError(
                f"这条评价已由 {first['by']} 标记为已知悉，不必再标 / {first['by']} has marked this rating as "
                "known already: nothing more to do."
            )
        return facts.append_row(
            conn, now_ms, KIND, _body(box, life, seq, by, account, role, now_ms), head, seq
        )


def mark_forks(
    ledger: Path | sqlite3.Connection, box: str, by: str, now_ms: int, *, role: str = "", account: str = ""
) -> list[int]:
    """Takes note of all that the box's side branches hold by now: a row for each; gives their ids. Raises as mark() does."""
    by, role = _who(by, role)
    with _writing(ledger) as conn, stores.transaction(conn):
        found = conn.execute(_FORKS, (box,)).fetchall()
        if not found:
            raise InputError(
                f"评价器 {box} 没有待知悉的分支：没有过，或者已有人标记 / Box {box} has no side branch that nobody has "
                "marked as known: nothing to do."
            )
        return [
            facts.append_row(conn, now_ms, KIND, _body(box, life, seq, by, account, role, now_ms), head, seq)
            for head, life, seq in found
        ]


def _who(by: str, role: str) -> tuple[str, str]:
    by, role = by.strip(), role.strip()
    if not by or len(by) > NAME_MAX or len(role) > NAME_MAX:
        raise InputError(
            f"请写明知悉人（1 到 {NAME_MAX} 个字） / Say who has seen it, in 1 to {NAME_MAX} characters."
        )
    return by, role


def _body(box: str, life: str, seq: int, by: str, account: str, role: str, at_ms: int) -> bytes:
    return facts.salted(
        {"box": box, "life": life, "seq": seq, "by": by, "account": account, "role": role, "at_ms": at_ms}
    )


def said(body: bytes) -> tuple[str, str] | None:
    """(by, role) of a row's body; None if it cannot be read."""
    try:
        fact = json.loads(body)
        return str(fact["by"]), str(fact["role"])
    except (ValueError, KeyError, TypeError):
        return None


def _head(conn: sqlite3.Connection, box: str, life: str, seq: int) -> int:
    """The main branch of the rating's box and life. Raises InputError if there is no such rating."""
    found = conn.execute(_HEAD, (box, life)).fetchone()
    if found is None or not _is_rated(conn, box, life, seq):
        raise InputError(
            f"没有这条评价（评价器 {box}，序号 {seq}）：请刷新页面后再试 / There is no rating of box {box} with "
            f"seq {seq}. Load the page again and retry."
        )
    return int(found[0])


def _is_rated(ledger: sqlite3.Connection, box: str, life: str, seq: int) -> bool:
    """Asked of ratings.db, because the ledger has presses and only the fold knows which of them begins a visit."""
    path = Path(ledger.execute("PRAGMA database_list").fetchone()[2]).with_name(RATINGS)
    if not path.exists():
        return False
    with closing(stores.open_reader(path)) as conn:
        return conn.execute(_RATED, (box, life, seq)).fetchone() is not None


@contextmanager
def _writing(ledger: Path | sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    if isinstance(ledger, sqlite3.Connection):
        yield ledger
        return
    if not ledger.exists():
        raise InputError(f"{ledger}: 还没有台账 / there is no ledger there yet.")
    with closing(schema.open_for_writing(ledger)) as conn:
        yield conn
