"""`manyi roster ...`: checked, compared, imported, and a workbook to fill in. Refuses to import half of a roster."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path
from typing import Annotated

import typer

from manyi.cli.asked import MISMATCH, Lang, LangOption, config_of, ledger_of
from manyi.core import stores
from manyi.core.ledger import schema
from manyi.core.pipeline import unix_ms
from manyi.words import both

roster_app = typer.Typer(no_args_is_help=True, help=both("机构、窗口、人员名册", "Offices, windows, staff."))
RosterPath = Annotated[
    Path,
    typer.Argument(
        exists=True,
        help=both(
            "名册所在文件夹（CSV、xlsx、xls），或一个工作簿",
            "The folder with the roster's CSV files and workbooks, or one workbook.",
        ),
    ),
]


@roster_app.command("check")
def roster_check(
    context: typer.Context,
    path: RosterPath,
    diff: Annotated[
        bool, typer.Option("--diff", help=both("另与台账比较", "Compare with the ledger's roster too."))
    ] = False,
    lang: LangOption = Lang.zh,
) -> None:
    """检查名册，列出所有错误 / Check a roster; every error at once."""
    from manyi.core import roster  # noqa: PLC0415

    if diff:
        _roster_preview(context, path, lang)
        return
    report = roster.check(path)
    typer.echo(report.text(lang) or both("名册没有错误", "No errors."))
    if not report.ok:
        raise typer.Exit(MISMATCH)


@roster_app.command("import")
def roster_import(
    context: typer.Context,
    path: RosterPath,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help=both(
                "只看会有什么变化、哪些评价改变归属", "Only say what would change and what would move."
            ),
        ),
    ] = False,
    lang: LangOption = Lang.zh,
) -> None:
    """导入名册到台账，只追加变化 / Put a roster into the ledger: only what differs, or nothing."""
    from manyi.core import roster  # noqa: PLC0415

    if dry_run:
        _roster_preview(context, path, lang)
        return
    config = config_of(context)
    config.data.dir.mkdir(mode=0o750, parents=True, exist_ok=True)
    conn = schema.open_for_writing(config.data.ledger)
    try:
        done = roster.import_(path, conn, unix_ms())
    finally:
        conn.close()
    typer.echo(done.text(lang))
    if not done.report.ok:
        raise typer.Exit(MISMATCH)


@roster_app.command("template")
def roster_template(
    out: Annotated[Path, typer.Argument(help=both("新文件，.xlsx", "A new file, .xlsx."))],
    lang: LangOption = Lang.zh,
) -> None:
    """写出名册模板工作簿 / Write a workbook to fill in."""
    from manyi.core.roster.template import template  # noqa: PLC0415  # only this command writes workbooks

    template(out, lang)
    typer.echo(str(out))


def _roster_preview(context: typer.Context, path: Path, lang: Lang) -> None:
    from manyi.core import roster  # noqa: PLC0415

    data = config_of(context).data
    with ExitStack() as stack:
        ledger = stack.enter_context(ledger_of(config_of(context))) if data.ledger.exists() else None
        ratings = (
            stack.enter_context(closing(stores.open_reader(data.ratings))) if data.ratings.exists() else None
        )
        done = roster.preview(path, ledger, ratings)
    typer.echo(done.text(lang))
    if not done.report.ok:
        raise typer.Exit(MISMATCH)
