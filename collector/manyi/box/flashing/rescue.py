"""`manyi box save` and `manyi box rescue`: what a box with a dead radio still holds, from its flash into the ledger.

`save` runs at the bench: esptool copies the chip's journal into a file. `rescue` runs at the centre, on the machine that has
the ledger, also while the collector runs: the records go through the same ingest as a batch over the link, answer by
answer, so what the ledger has is not taken twice, and what is missing is admitted as it always is.

Refuses a file that may be another box's: the ledger must know its life as this box's, or the tags must be this box's by
the auditor's key. Refuses tags that are wrong where it can check them, all of the file at once.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from manyi.box import records
from manyi.box.asked import HOME, Baud, NoReset, Port, RecordsDir, now_ms, told
from manyi.box.flashing import flash, journal
from manyi.box.flashing.journal import Life
from manyi.box.words import BoxError, both, file_trouble
from manyi.core import keys
from manyi.core.ledger import heads, schema, writer
from manyi.core.ledger.asked import Asked
from manyi.core.ledger.writer import Work
from manyi.words import many

ROUNDS_SPARE = 20
"""Answers that bring nothing new, beyond one for each batch: a restored ledger and a few holes need some."""
STUCK = 6  # answers in a row that move nothing


@dataclass(frozen=True, slots=True)
class Brought:
    """`new`: rows that the ledger had not. `whole`: its head is now the dump's newest record."""

    life: str
    records: int
    new: int
    whole: bool


def bring(conn: sqlite3.Connection, box: str, life: Life, at_ms: int) -> Brought:
    """Plays the box: sends from what was acknowledged, and goes where the answers say. Raises sqlite3.Error."""
    cursor, new, stuck = life.acked + 1, 0, 0
    asked = Asked()
    for question in range(len(life.slots) + ROUNDS_SPARE):
        batch = life.batch(box, cursor, question)
        again = frozenset([box]) if asked.again(batch) else frozenset[str]()
        done = writer.commit(conn, Work([batch], again=again), at_ms)
        (verdict,) = done.verdicts
        asked.answered(batch, verdict)
        new += sum(row.kind == "record" for row in verdict.rows)
        if verdict.seq == life.newest and verdict.tag == life.slots[life.newest][1]:
            return Brought(life.id, len(life.slots), new, True)
        was = cursor
        if verdict.seq in life.slots and life.slots[verdict.seq][1] == verdict.tag:
            cursor = verdict.seq + 1
        elif verdict.seq < life.oldest:
            cursor = life.oldest
        stuck = stuck + 1 if cursor == was and not done.rows else 0
        if stuck > STUCK:
            break
    return Brought(life.id, len(life.slots), new, False)


def check(conn: sqlite3.Connection, box: str, found: list[Life], k_chain: bytes | None) -> None:
    """Is all of it this box's own? Raises BoxError."""
    for life in found:
        wrong = life.wrong_tags(k_chain, box) if k_chain is not None else []
        if wrong:
            raise BoxError(
                f"{len(wrong)} 条记录的标签不是 {box} 的（第一条 {wrong[0]}）：编号写错、存储损坏或被改过，一条也没有读入",
                f"Without a tag of {box}: {many(len(wrong), 'record')} (the first is {wrong[0]}): another box's file, or changed."
                " Nothing was taken",
            )
        known = {b for b, one, _ in heads.all_heads(conn) if one == life.id}
        if known and known != {box}:
            other = min(known - {box})
            raise BoxError(
                f"这份存储是 {other} 的，不是 {box} 的",
                f"this is {other}'s journal, not {box}'s: --box {other}",
            )
        if not known and k_chain is None:
            raise BoxError(
                f"台账没见过这份存储（{life.id}）：请审计员在场，用 --auditor 核对标签",
                f"the ledger does not know this life ({life.id}): the auditor's file must prove it: --auditor",
            )


def box_rescue(
    context: typer.Context,
    dump: Annotated[
        Path, typer.Argument(help=both("存储文件（manyi box save）", "The file that `manyi box save` wrote."))
    ],
    box: Annotated[
        str, typer.Option("--box", help=both("评价器编号", "The box's id; a whole chip's file says it."))
    ] = "",
    auditor: Annotated[
        Path | None,
        typer.Option(help=both("审计密钥文件：逐条核对标签", "The auditor's file: checks every tag.")),
    ] = None,
) -> None:
    """把坏机器存储里的记录读入台账 / Bring what a dead box still holds into the ledger."""
    from manyi.core import config  # noqa: PLC0415

    try:
        got = journal.opened(dump.read_bytes())
    except OSError as error:
        raise file_trouble(dump, error) from None
    name = box or got.box
    if not name:
        raise BoxError("用 --box 写明是哪台评价器", "which box is it? --box")
    if got.box and got.box != name:
        raise BoxError(f"这片芯片是 {got.box}，不是 {name}", f"this chip is {got.box}, not {name}")
    k_chain = got.k_chain
    if auditor is not None:
        k_chain = keys.load(auditor, "auditor's key file").get(name)
        if k_chain is None:
            raise BoxError(f"审计密钥文件里没有 {name}", f"the auditor's file has no key of {name}")
    found = journal.lives(got.ring)
    if not found:
        raise BoxError("存储里没有记录", "there is no record in it")
    conn = schema.open_for_writing(config.load(context.obj).data.ledger)
    try:
        check(conn, name, found, k_chain)
        brought = [bring(conn, name, life, now_ms()) for life in found]
    finally:
        conn.close()
    for one in brought:
        told(
            f"{name} {one.life}：存储里 {one.records} 条，新读入 {one.new} 条",
            f"{many(one.records, 'record')} in the file, {one.new} new to the ledger",
        )
    told(
        "标签已逐条核对" if k_chain else "标签未核对：请审计员用 manyi verify 核对",
        "every tag was checked" if k_chain else "tags were not checked: the auditor's `manyi verify` does",
    )
    if not all(one.whole for one in brought):
        raise BoxError("没有全部读入：看 manyi account", "not all of it was taken: look at `manyi account`")


def box_save(
    port: Port,
    records_dir: RecordsDir = HOME,
    baud: Baud = flash.BAUD,
    no_reset: NoReset = False,
) -> None:
    """把芯片里的记录存成文件，不改动芯片 / Copy a chip's journal into a file; changes nothing."""
    board = flash.Board(port, baud, not no_reset)
    mac = flash.mac(board, flash.ANY_CHIP)
    book = records.Records(records_dir)
    box = next((c.box for c in book.claims() if c.mac == mac), "")
    path = book.folder / f"{box or mac}-{now_ms()}.journal"
    held = flash.held(board, flash.ANY_CHIP, path)
    if held is None or not held.records:
        raise BoxError("芯片里没有评价记录", "this chip holds no records")
    told(
        f"{path}：{held.records} 条，其中 {held.waiting} 条未送达",
        f"{many(held.records, 'record')}, {held.waiting} never delivered",
    )
    typer.echo(f"manyi box rescue {path.name} --box {box or '...'}")


def mount(app: typer.Typer) -> None:
    app.command("save")(box_save)
    app.command("rescue")(box_rescue)
