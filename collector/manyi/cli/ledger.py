"""`manyi account|verify|root|export|rebuild`: what can be asked of the ledger. Refuses to change a row of it."""

from __future__ import annotations

import json
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from manyi.cli.account import table
from manyi.cli.asked import MISMATCH, Lang, LangOption, config_of, day_of, ledger_of
from manyi.core import account as accounts
from manyi.core import export as exports
from manyi.core import keys as key_files
from manyi.core import root as roots
from manyi.core import verify as verifying
from manyi.core.days import date_of
from manyi.core.errors import InputError
from manyi.core.pipeline import unix_ms
from manyi.words import apart, both, many


class Projection(StrEnum):
    ratings = "ratings"
    wall = "wall"
    influx = "influx"


def account(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help=both("输出 JSON", "Print JSON."))] = False,
    lang: LangOption = Lang.zh,
) -> None:
    """对账：每台评价器的按键 = 已存 + 待传 + 丢失 / Account: pressed = stored + waiting + lost, per box."""
    config = config_of(context)
    with ledger_of(config) as conn:
        found = accounts.read(conn, unix_ms(), config.policy.silent_s * 1000)
    if as_json:
        total = found.total._asdict() | {"lost": found.total.lost}
        boxes = [line._asdict() | {"lost": line.lost} for line in found.lines]
        typer.echo(json.dumps({"ok": found.ok, "total": total, "boxes": boxes}, ensure_ascii=False))
    else:
        typer.echo(table(found, lang))
    if not found.ok:
        raise typer.Exit(MISMATCH)


def verify(
    context: typer.Context,
    keys: Annotated[
        Path | None,
        typer.Option(
            help=both("审计密钥文件：另查每条记录的标签", "The auditor's key file: checks every tag too.")
        ),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(
            help=both("核对导出文件夹，不需要数据库", "Check an export's folder; no database is needed.")
        ),
    ] = None,
) -> None:
    """核对台账是否被改动，指出第一处 / Check that nothing was changed; names the first change."""
    auditor = key_files.load(keys, "auditor's key file") if keys else None
    if export is not None:
        report = exports.check(export, auditor)
    else:
        config = config_of(context)
        with ledger_of(config) as conn:
            report = verifying.ledger(conn, config.data.roots, auditor)
    for note in report.notes:
        typer.echo(note)
    if report.finding is not None:
        zh, en = apart(report.finding.text())
        typer.echo(both(f"不符：{zh}", f"CHANGED: {en}"))
        raise typer.Exit(MISMATCH)
    zh, en = ("标签未查（没有 --keys）", "no tags (no --keys)")
    if auditor is not None:
        zh, en = (f"{report.tags:,} 个标签", many(report.tags, "tag"))
    typer.echo(
        both(
            f"相符：{report.rows:,} 行，{report.records:,} 条记录，{zh}，{report.roots:,} 份每日封印",
            f"Nothing was changed: {many(report.rows, 'row')}, {many(report.records, 'record')}, {en}, "
            f"{many(report.roots, 'daily root')}",
        )
    )


def root(
    context: typer.Context,
    day: Annotated[
        str | None, typer.Option(help=both("日期，默认昨天", "The day (2026-11-21); yesterday by default."))
    ] = None,
) -> None:
    """打印某日的台账封印，可公开 / Print a day's root, to be published."""
    config, now_ms = config_of(context), unix_ms()
    wanted = day_of(day) if day else date_of(now_ms) - timedelta(days=1)
    if wanted > date_of(now_ms):
        raise InputError(f"{wanted} 还没有到 / {wanted} has not come yet.")
    with ledger_of(config) as conn:
        found = roots.of_day(conn, wanted, now_ms)
    if found.last < found.first:
        typer.echo(f"{wanted} 没有记录 / There is no row of {wanted}.", err=True)
    typer.echo(found.text(), nl=False)


def export(
    context: typer.Context,
    begin: Annotated[str, typer.Option("--from", help=both("起始日期", "First day, such as 2026-11-01."))],
    end: Annotated[str, typer.Option("--to", help=both("结束日期（含）", "Last day, included."))],
    out: Annotated[Path, typer.Option(help=both("新文件夹", "A new folder."))],
    persons: Annotated[
        bool, typer.Option("--persons", help=both("包含人员信息", "Include the rows that name persons."))
    ] = False,
) -> None:
    """导出一段时间的记录，外人无需密钥即可核对 / Export a period's rows; anybody can check them."""
    config = config_of(context)
    with ledger_of(config) as conn:
        done = exports.write(conn, config.data.roots, out, (day_of(begin), day_of(end)), persons=persons)
    rows = done.last - done.first + 1
    typer.echo(
        both(
            f"{out}：{rows} 行（{done.first} 至 {done.last}），其中 {done.withheld} 行不含人员信息",
            f"{many(rows, 'row')} ({done.first} to {done.last}), {done.withheld} without their persons",
        )
    )


def rebuild(
    context: typer.Context,
    which: Annotated[Projection, typer.Argument(help=both("重建哪一个", "Which projection."))],
) -> None:
    """从台账重建投影，数字不变 / Make a projection again from the ledger, to the same figures."""
    from manyi.core import projector  # noqa: PLC0415  # the influx client costs 0.4 s

    projector.rebuild(which.value, config_of(context), typer.echo)
