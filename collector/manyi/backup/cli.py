"""`manyi backup` and `manyi restore`. Exit codes: 0 done and as it should be; 1 the copied ledger is not what it was;
2 not done, and why. Prints no secret."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from manyi.backup import copy, manifest, rotation
from manyi.backup import restore as restoring
from manyi.core import config as configs
from manyi.core.days import BEIJING
from manyi.core.errors import InputError
from manyi.words import both

WRONG: Final = 1
FIGURES: Final = ("rows", "pressed", "stored", "waiting", "lost", "unknown")
ZH: Final = dict(
    zip((*FIGURES, "between"), ("台账行", "按键", "已存", "待传", "丢失", "不明", "，"), strict=True)
)
EN: Final = {**{name: name for name in FIGURES}, "between": ", "}


def backup(
    context: typer.Context,
    target: Annotated[
        Path | None,
        typer.Argument(
            help=both("备份目录，默认为配置的 [backup] dir", "The folder of copies; [backup] dir by default.")
        ),
    ] = None,
    secrets: Annotated[
        bool,
        typer.Option(
            "--secrets",
            help=both("连同密钥、口令、令牌文件（0600）", "Key, password and token files too, 0600."),
        ),
    ] = False,
    also: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help=both(
                "另外备份的目录，如消息服务器目录，可重复",
                "A further folder, such as the broker's; repeatable.",
            ),
        ),
    ] = None,
    rotate: Annotated[
        bool,
        typer.Option(
            "--rotate",
            help=both(
                "按 [backup] daily、weekly 删除旧备份", "Remove old copies, as [backup] daily and weekly say."
            ),
        ),
    ] = False,
) -> None:
    """在线备份台账和本系统，写完即核对 / Copy the ledger and what belongs to it while it runs; reads it again."""
    config = configs.load(context.obj)
    folder = target or config.backup.dir
    if folder is None:
        raise InputError(
            both("请指明备份目录，或在配置中写 [backup] dir", "Name a folder, or set [backup] dir.")
        )
    with_secrets = secrets or config.backup.secrets
    made, found = copy.write(config, context.obj, folder, also or (), _now_ms(), secrets=with_secrets)
    typer.echo(both(f"{made}：{_figures(found, ZH)}", f"{made}: {_figures(found, EN)}"))
    if not with_secrets:
        typer.echo(
            both(
                "备份不含密钥文件：没有 link.keys，换机后读不懂任何评价器。请另行封存，或加 --secrets",
                "No secrets in it. Without link.keys a new machine understands no box: keep it elsewhere, or say --secrets.",
            )
        )
    if found.finding:
        typer.echo(both("台账本身有问题", "The ledger itself is wrong") + f": {found.finding}", err=True)
        raise typer.Exit(WRONG)
    if rotate:
        for gone in rotation.remove(folder, config.backup.daily, config.backup.weekly):
            typer.echo(both("删除旧备份", "old copy removed") + f": {gone}")


def restore(
    source: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help=both("一份备份", "One copy's folder."))
    ],
    data: Annotated[
        Path, typer.Option(help=both("新的数据目录，须为空", "The new [data] dir; must be empty."))
    ],
    etc: Annotated[
        Path | None,
        typer.Option(
            "--config-dir",
            help=both("配置和密钥放到这里，须为空", "Where manyi.toml and secrets go; must be empty."),
        ),
    ] = None,
    drill: Annotated[
        bool,
        typer.Option(
            "--drill",
            help=both(
                "演练：不在台账里留恢复记录", "A drill: no row in the ledger says that it was restored."
            ),
        ),
    ] = False,
) -> None:
    """把备份恢复到空目录，并与清单核对 / Put a copy into an empty folder, and compare it with its manifest."""
    done = restoring.restore(source, data, etc, _now_ms(), drill=drill)
    found = done.manifest
    at = datetime.fromtimestamp(found.at_ms / 1000, BEIJING)
    typer.echo(
        both(
            f"与清单相符：{at:%Y-%m-%d %H:%M:%S}，{_figures(found, ZH)}",
            f"As the manifest says: {_figures(found, EN)}",
        )
    )
    for path in done.placed:
        typer.echo(both("已放置", "placed") + f": {path}")
    for path, place in done.by_hand:
        typer.echo(both("请手工放回", "put back by hand") + f": install -m 600 {path} {place}")
    if found.finding:
        typer.echo(
            both("备份时台账已有问题", "The ledger was wrong when it was copied") + f": {found.finding}",
            err=True,
        )
    typer.echo(
        both(
            "下一步：chown -R manyi:manyi，再启动服务；评价器会补传之后的记录。有 InfluxDB 时执行 manyi rebuild influx",
            "Next: chown -R manyi:manyi, start the service; boxes send what came after. With InfluxDB: manyi rebuild influx",
        )
    )


def mount(app: typer.Typer) -> None:
    app.command("backup")(backup)
    app.command("restore")(restore)


def _figures(found: manifest.Manifest, words: dict[str, str]) -> str:
    figures = {"rows": found.rows, **found.account}
    return words["between"].join(f"{words[name]} {figures[name]:,}" for name in FIGURES)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
