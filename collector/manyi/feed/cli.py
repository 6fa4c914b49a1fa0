"""`manyi feed out` and `manyi feed in`. Exit codes: 0 done, or nothing to do; 1 something was changed on the way;
2 a file is missing, or something has to be put right first."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from manyi.core import config as configs
from manyi.core.config import Config, secret
from manyi.core.errors import InputError
from manyi.feed import receiver, sender
from manyi.words import both, many

feed_app = typer.Typer(
    no_args_is_help=True,
    help=both("跨区单向传送台账", "The ledger through a one-way gap, in files that verify."),
)

Folder = Annotated[
    Path | None,
    typer.Argument(help=both("文件目录，默认取配置 [feed]", "The folder of files; from [feed] by default.")),
]


@feed_app.command("out")
def feed_out(
    context: typer.Context,
    folder: Folder = None,
    again_from: Annotated[
        int | None,
        typer.Option(
            "--again-from", min=1, help=both("从台账第几行重新传", "Send again from this row of the ledger.")
        ),
    ] = None,
) -> None:
    """采集区：写出下一个文件 / Collector's zone: write the next file, if something is due."""
    config = configs.load(context.obj)
    out = folder or config.feed.out_dir
    if out is None:
        raise InputError(both("请指明目录，或在配置中写 [feed] out", "Name a folder, or set [feed] out."))
    for path in sender.send(config, out, _now_ms(), key_of(config), again_from):
        typer.echo(str(path))


@feed_app.command("in")
def feed_in(context: typer.Context, folder: Folder = None) -> None:
    """内区：核对并收进台账副本 / Inner zone: check what has come, and take it into the copy of the ledger."""
    config = configs.load(context.obj)
    where = folder or config.feed.in_dir
    if where is None:
        raise InputError(both("请指明目录，或在配置中写 [feed] in", "Name a folder, or set [feed] in."))
    taken = receiver.receive(config, where, _now_ms(), key_of(config))
    if taken.files:
        typer.echo(
            both(
                f"收进 {taken.files} 个文件，{taken.rows} 行",
                f"{many(taken.files, 'file')}, {many(taken.rows, 'row')}",
            )
        )


def key_of(config: Config) -> bytes:
    """What both zones share; b"" if files are sealed without a key."""
    path = config.feed.key_file
    return secret(path, "feed key").encode() if path else b""


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
