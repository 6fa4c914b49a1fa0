"""`manyi export`: the rows of a period in files that anybody can check without the database and without a key.

    rows.jsonl     one row a line: {"id","at_ms","kind","box","life","branch","seq","body":hex,"hash":hex};
                   where a body names persons it stays out and "digest" (its SHA-256) stands in its place
    records.csv    the same records spelled out, for people and spreadsheets; `verify` writes it anew and compares
    manifest.txt   first and last row, and the chain hash before the first
    roots/         the daily roots whose last row lies in the period: compare them with the published ones

Refuses to write into a folder that is not empty, and to leave out a row of the period.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from manyi.core import record, root, verify
from manyi.core.days import BEIJING, DAY_MS, midnight_ms
from manyi.core.errors import InputError
from manyi.core.ledger import reader
from manyi.core.ledger.facts import PERSONAL
from manyi.core.ledger.reader import Row
from manyi.words import both

PAGE_ROWS: Final = 5_000
CSV_HEAD: Final = (
    "row", "received", "box", "life", "branch", "seq", "kind", "boot", "up_ms", "n_1", "n_2", "n_3", "level",
    "reason", "held_ms", "flags", "data",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Exported:
    first: int
    last: int
    withheld: int


def write(
    conn: sqlite3.Connection, roots: Path, out: Path, days: tuple[date, date], *, persons: bool = False
) -> Exported:
    """Writes the rows of days[0] to days[1], both included (Beijing). Raises InputError."""
    begin, end = days
    if end < begin:
        raise InputError(
            f"期间的结束（{end}）早于开始（{begin}） / The period ends ({end}) before it begins ({begin})."
        )
    try:
        return _write(conn, roots, out, days, persons)
    except OSError as error:
        raise InputError(
            both(
                f"{out} 无法写入：请指定有空间的磁盘上的新目录",
                f"it cannot be written ({error}). Name a new folder on a disk with room.",
            )
        ) from error


def _write(
    conn: sqlite3.Connection, roots: Path, out: Path, days: tuple[date, date], persons: bool
) -> Exported:
    begin, end = days
    if out.exists() and any(out.iterdir()):
        raise InputError(
            both(f"{out} 里已有东西，请另选一个新文件夹", f"{out} is not empty. Name a folder that is new.")
        )
    out.mkdir(parents=True, exist_ok=True)
    conn.execute("BEGIN")
    try:
        first = root.boundary(conn, midnight_ms(begin))
        last = root.boundary(conn, midnight_ms(end) + DAY_MS, first - 1) - 1
        before = root.hash_of(conn, first - 1)
        withheld = 0
        with (out / "rows.jsonl").open("w", encoding="ascii") as file, _csv(out) as table:
            table.write(_csv_line(CSV_HEAD))
            for row in _rows(conn, first, last):
                hide = row.kind in PERSONAL and not persons
                withheld += hide
                file.write(_json_line(row, hide))
                table.write(_spelled_out(row))
    finally:
        conn.execute("COMMIT")
    (out / "manifest.txt").write_text(
        f"manyi-export 1\nfrom {begin}\nto {end}\nfirst {first}\nlast {last}\nbefore {before.hex()}\n",
        "ascii",
    )
    (out / "roots").mkdir()
    for sealed in root.published(roots):
        if first <= sealed.last <= last:
            name = f"{sealed.day.isoformat()}.txt"
            shutil.copyfile(roots / name, out / "roots" / name)
    return Exported(first, last, withheld)


def check(folder: Path, keys: Mapping[str, bytes] | None = None) -> verify.Report:
    """What `manyi verify --export` does. Raises InputError if a file is missing or is none of ours."""
    fields = _manifest(folder / "manifest.txt")
    first, last = int(fields["first"]), int(fields["last"])
    sealed = root.published(folder / "roots")
    checker = verify.Checker(
        bytes.fromhex(fields["before"]), first, whole=first == 1, keys=keys, roots=sealed
    )
    checker.notes += [
        both(
            f"导出里 {r.day} 的封印到第 {r.last} 行：{r.after.hex()}，请与公布的对照",
            f"The root of {r.day} in this export seals up to row {r.last}: {r.after.hex()}. Compare it with the published one.",
        )
        for r in sealed
    ] or [
        "导出里没有每日封印，无法与公布的对照：当天的封印次日才有 / "
        "No daily root lies in this export: nothing here can be compared with what was published. A day's comes the day after."
    ]
    finding = None
    with _open(folder / "records.csv") as table:
        spelled = iter(table)
        if next(spelled, "") != _csv_line(CSV_HEAD):
            raise InputError(
                both(
                    f"{folder / 'records.csv'} 的表头不是导出文件的",
                    f"{folder / 'records.csv'} does not begin with the columns of an export.",
                )
            )
        for row, digest in _read(folder / "rows.jsonl"):
            finding = _withheld(row, digest) or checker.feed(row, digest)
            line = _spelled_out(row)
            if finding is None and line and next(spelled, "") != line:
                finding = verify.Finding(
                    row.id,
                    both("records.csv 写的不一样", "records.csv says something else"),
                    row.box,
                    row.life,
                    row.seq,
                )
            if finding is not None:
                break
        if finding is None and checker.last != last:
            what = both(f"缺：导出应到第 {last} 行", f"is missing: the export should end with row {last}")
            finding = verify.Finding(checker.last + 1, what)
        if finding is None and next(spelled, ""):
            what = both(
                "之后 records.csv 里还有不属于任何一行的内容",
                "records.csv has lines after it that are in no row",
            )
            finding = verify.Finding(last, what)
    return verify.report(checker, finding)


def _withheld(row: Row, digest: bytes | None) -> verify.Finding | None:
    """Only a body that names persons may stay out, and then nothing may stand in its place: what is not hashed would
    be believed unread."""
    if digest is None or (row.kind in PERSONAL and not row.body):
        return None
    what = both("没有内容，而它不涉及个人", "is withheld, though it names nobody")
    if row.body:
        what = both(
            "既有内容又有摘要，摘要可能是别的内容的", "holds a body and a digest that may be another's"
        )
    return verify.Finding(row.id, what, row.box, row.life, row.seq, row.at_ms)


def _rows(conn: sqlite3.Connection, first: int, last: int) -> Iterator[Row]:
    after = first - 1
    while after < last:
        page = reader.rows_after(conn, after, min(PAGE_ROWS, last - after))
        if not page:
            return
        yield from page
        after = page[-1].id


def _json_line(row: Row, hide: bool) -> str:
    fields = row._asdict() | {"body": row.body.hex(), "hash": row.hash.hex()}
    if hide:
        fields = {k: v for k, v in fields.items() if k != "body"} | {"digest": sha256(row.body).hexdigest()}
    return json.dumps(fields, separators=(",", ":")) + "\n"


def _read(path: Path) -> Iterator[tuple[Row, bytes | None]]:
    with _open(path) as file:
        for number, line in enumerate(file, 1):
            try:
                f = json.loads(line)
                body, digest = bytes.fromhex(f.get("body", "")), bytes.fromhex(f.get("digest", ""))
                row = Row(
                    f["id"], f["at_ms"], f["kind"], f["box"], f["life"], f["branch"], f["seq"], body,
                    bytes.fromhex(f["hash"]),
                )  # fmt: skip
                if not all(isinstance(row[i], int) for i in (0, 1, 5, 6)):
                    raise TypeError
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise InputError(
                    both(f"{path}:{number}：不是导出文件的一行", f"not a row of an export ({error}).")
                ) from error
            yield row, digest or None


def _spelled_out(row: Row) -> str:
    """The line of records.csv; "" for a row that is no record (or one that verify will refuse)."""
    if row.kind != "record" or len(row.body) < record.PACKED_BYTES:
        return ""
    r = record.unpack(row.body)
    received = datetime.fromtimestamp(row.at_ms / 1000, BEIJING).isoformat(timespec="milliseconds")
    return _csv_line(
        (
            row.id, received, row.box, row.life, row.branch, r.seq, r.kind, r.boot, r.up_ms, *r.n, r.level,
            r.reason, r.held, r.flags, r.data.rstrip(b"\0").hex(),
        )
    )  # fmt: skip


def _csv_line(cells: tuple[object, ...]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def _csv(out: Path) -> io.TextIOWrapper:
    return (out / "records.csv").open("w", encoding="ascii", newline="")


def _open(path: Path) -> io.TextIOWrapper:
    try:
        return path.open(encoding="ascii", errors="replace", newline="")
    except OSError as error:
        raise InputError(
            both(
                f"{path} 读不出，这是导出的文件夹吗？",
                f"{path} cannot be read ({error}). Is this the folder of an export?",
            )
        ) from error


def _manifest(path: Path) -> dict[str, str]:
    with _open(path) as file:
        head, *lines = file.read().splitlines() or [""]
    fields = dict(line.partition(" ")[::2] for line in lines)
    try:
        if head != "manyi-export 1":
            raise ValueError(head)
        int(fields["first"]), int(fields["last"]), bytes.fromhex(fields["before"])
    except (ValueError, KeyError) as error:
        raise InputError(
            both(f"{path} 不是导出的清单", f"{path} is not the manifest of an export ({error!r}).")
        ) from error
    return fields
