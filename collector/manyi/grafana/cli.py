"""`manyi grafana write`: the dashboards and Grafana's settings, with the roster's names. Prints what changed."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from manyi.core import config as configs
from manyi.core.errors import InputError
from manyi.core.ledger import schema
from manyi.core.roster import rows
from manyi.core.roster.check import check
from manyi.core.roster.facts import Facts
from manyi.core.roster.model import Roster
from manyi.grafana import assets
from manyi.grafana.write import INFLUX, LANGS, TOKEN, Where, write
from manyi.words import both, many

grafana_app = typer.Typer(no_args_is_help=True, help=both("大屏看板（Grafana）", "Grafana's dashboards."))


@grafana_app.callback()
def _group() -> None:
    """大屏看板（Grafana） / Grafana's dashboards."""


@grafana_app.command("write")
def grafana_write(
    context: typer.Context,
    out: Annotated[Path, typer.Option("--out", help=both("写到哪个目录", "The folder to write into."))],
    from_ledger: Annotated[
        bool,
        typer.Option(
            "--roster-from-ledger", help=both("名称取自台账中的名册", "Names from the ledger's roster.")
        ),
    ] = False,
    roster: Annotated[
        Path | None,
        typer.Option(
            "--roster", exists=True, help=both("名称取自名册文件", "Names from roster files instead.")
        ),
    ] = None,
    lang: Annotated[str, typer.Option("--lang", help=both("zh、en 或 both", "zh, en or both."))] = "both",
    geojson: Annotated[
        Path | None,
        typer.Option(
            "--geojson",
            exists=True,
            help=both("本市县区边界，id 为县区编号", "The counties' shapes; id is the county's."),
        ),
    ] = None,
    influx_url: Annotated[
        str,
        typer.Option(
            "--influx-url", help=both("Grafana 所见的 InfluxDB 地址", "InfluxDB as Grafana reaches it.")
        ),
    ] = INFLUX,
    token_file: Annotated[
        str,
        typer.Option(
            "--token-file",
            help=both("Grafana 所见的只读令牌文件", "The reading token's file as Grafana sees it."),
        ),
    ] = TOKEN,
    seen_as: Annotated[
        str,
        typer.Option(
            "--seen-as", help=both("Grafana 所见的该目录", "The folder as Grafana sees it, if elsewhere.")
        ),
    ] = "",
) -> None:
    """写出看板、数据源、报警规则和地图，填入名册中的名称；可重复执行 / Dashboards, sources, rules, map; again is safe."""
    if from_ledger == (roster is not None):
        raise InputError(
            both(
                "请指明 --roster-from-ledger 或 --roster 目录 之一",
                "Say either --roster-from-ledger or --roster FOLDER.",
            )
        )
    langs = LANGS if lang == "both" else (lang,)
    where = Where(out, seen_as or str(out.resolve()), influx_url, token_file, langs)
    done = write(assets.folder(), _roster(context, roster), where, geojson)
    for name in done.changed:
        typer.echo(f"{out / name}")
    typer.echo(
        both(
            f"写入 {len(done.changed)} 个文件，{done.same} 个未变",
            f"{many(len(done.changed), 'file')} written, {done.same} as they were.",
        )
    )
    if done.without_shape:
        typer.echo(
            both(
                f"地图上没有这些县区：{'、'.join(done.without_shape)}（可用 --geojson 提供边界）",
                f"Not on the map: {', '.join(done.without_shape)} (--geojson brings shapes).",
            )
        )


def _roster(context: typer.Context, folder: Path | None) -> Roster:
    if folder is None:
        with closing(schema.open_for_reading(configs.load(context.obj).data.ledger)) as ledger:
            return rows.roster(ledger)
    report = check(folder)
    if not report.ok:
        raise InputError(both(report.text("zh"), report.text("en")))
    nothing = Facts()
    return Roster(nothing.after(nothing.differences(report.facts)))
