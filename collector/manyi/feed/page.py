"""One file of the feed: lines of JSON, sealed at the end. Pure but for reading and writing the file.

    {"manyi-feed":1,"ledger":ID,"n":N,"at_ms":...,"before":chain hash of the row before,"first":...,"last":...}
    {"head":[...]}            heads that the rows belong to, column for column
    {"row":[id,at_ms,kind,head,seq,body,hash]}
    {"beat":[...]} {"state":[...]}   the newest word of each box since the last file
    {"root":"2026-11-21","text":...}  daily roots published since
    {"end":SHA-256 of all before, or its HMAC if the two zones share a key}

Bytes are hex. Refuses half a file, one of another format, and with a key one that was not sealed with it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from manyi.core import whole
from manyi.core.days import DAY_MS
from manyi.core.errors import EvidenceError, InputError
from manyi.words import both

FORMAT: Final = 1
NAME: Final = re.compile(r"([0-9a-f]{16})-(\d{13})\.feed")
AHEAD_MS: Final = DAY_MS  # beyond it a clock was wrong: nobody sets those of two zones for each other
FILE_MAX: Final = 256 << 20  # bytes; SENT_ROWS of the longest rows stay far below
Cells = tuple[Any, ...]


@dataclass(slots=True)
class Page:
    """What one file carries. `first` > `last`: no rows."""

    ledger: str
    n: int
    at_ms: int
    before: bytes
    first: int
    last: int
    heads: list[Cells] = field(default_factory=list)
    rows: list[Cells] = field(default_factory=list)
    beats: list[Cells] = field(default_factory=list)
    states: list[Cells] = field(default_factory=list)
    roots: list[tuple[str, str]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.ledger}-{self.n:013}.feed"


def number(path: Path) -> tuple[str, int] | None:
    """(ledger, n) of a file's name; None if it is none of ours (a file still being carried over)."""
    found = NAME.fullmatch(path.name)
    return (found.group(1), int(found.group(2))) if found else None


def write(page: Page, folder: Path, key: bytes) -> Path:
    """Whole or not at all, and on the disk; a file of that name is replaced."""
    body = "".join(_lines(page)).encode("ascii")
    path = folder / page.name
    whole.write(path, body + _line({"end": _seal(body, key)}).encode("ascii"))
    return path


def read(path: Path, key: bytes) -> Page:
    """Raises InputError for what is no whole file, EvidenceError for one that was changed or sealed with another key."""
    try:
        if path.stat().st_size > FILE_MAX:
            raise ValueError(f"> {FILE_MAX} B")
        raw = path.read_bytes()
        cut = raw.rindex(b"\n", 0, len(raw) - 1) + 1
        end = json.loads(raw[cut:])["end"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            both(f"{path.name} 不完整，请重新传送", f"{path} is not whole ({error}). Carry it over again.")
        ) from error
    if not isinstance(end, str) or not hmac.compare_digest(end, _seal(raw[:cut], key)):
        raise EvidenceError(
            both(
                f"{path.name} 被改动过，或两区的密钥不同，拒收",
                f"{path} was changed on the way, or sealed with another [feed] key: not taken in.",
            )
        )
    try:
        return _parsed(path, raw[:cut].decode("ascii").splitlines())
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise InputError(
            both(f"{path.name} 不是传送文件", f"{path} is not a file of this feed ({error!r}).")
        ) from error


def _seal(body: bytes, key: bytes) -> str:
    return hmac.new(key, body, hashlib.sha256).hexdigest() if key else hashlib.sha256(body).hexdigest()


def _lines(page: Page) -> Iterator[str]:
    yield _line(
        {
            "manyi-feed": FORMAT, "ledger": page.ledger, "n": page.n, "at_ms": page.at_ms, "before": page.before.hex(),
            "first": page.first, "last": page.last,
        }
    )  # fmt: skip
    for name, many in (
        ("head", page.heads),
        ("row", page.rows),
        ("beat", page.beats),
        ("state", page.states),
    ):
        for cells in many:
            yield _line({name: [{"x": c.hex()} if isinstance(c, bytes) else c for c in cells]})
    for day, text in page.roots:
        yield _line({"root": day, "text": text})


def _line(fields: dict[str, Any]) -> str:
    return json.dumps(fields, separators=(",", ":")) + "\n"


def _parsed(path: Path, lines: list[str]) -> Page:
    head = json.loads(lines[0])
    if head["manyi-feed"] != FORMAT:
        raise InputError(
            both(
                f"{path.name} 由更新的版本生成：请先在本区安装该版本",
                f"{path} was made by a newer program: install that release here first.",
            )
        )
    found = Page(
        str(head["ledger"]), int(head["n"]), int(head["at_ms"]), bytes.fromhex(head["before"]), int(head["first"]),
        int(head["last"]),
    )  # fmt: skip
    into = {"head": found.heads, "row": found.rows, "beat": found.beats, "state": found.states}
    for line in lines[1:]:
        fields = json.loads(line)
        if "root" in fields:
            found.roots.append((str(fields["root"]), str(fields["text"])))
            continue
        ((name, cells),) = fields.items()
        into[name].append(tuple(_cells(cells)))
    return found


def _cells(cells: Iterable[Any]) -> Iterator[Any]:
    for cell in cells:
        yield bytes.fromhex(cell["x"]) if isinstance(cell, dict) else cell
