"""The demo as a command: what may be asked of it. The work is in run.py, loaded only when it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from manyi.core.errors import InputError
from manyi.words import both

Seconds = Annotated[
    float | None,
    typer.Option(
        min=1,
        help=both(
            "到时自动停止，核对每一个数字，并以退出码表示结果",
            "Stop after this long, check every number, and say so by the exit code.",
        ),
    ),
]
Port = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=65535,
        help=both("大屏端口，默认 8000 或任一空闲端口", "Port of the wall; 8000 by default, or a free one."),
    ),
]
Faults = Annotated[
    bool,
    typer.Option(
        "--faults",
        help=both(
            "随机杀死评价器、消息服务器和采集服务，再重新启动",
            "Kill boxes, broker and collector at random, and start them again.",
        ),
    ),
]
Seed = Annotated[
    int,
    typer.Option(help=both("相同的种子，相同的按键和故障", "The same seed: the same visitors and kills.")),
]
Keep = Annotated[
    Path | None,
    typer.Option(help=both("把数据和日志保留在这个空文件夹", "Keep data and logs in this empty folder.")),
]
Lang = Annotated[Literal["zh", "en"], typer.Option(help=both("输出语言", "Language of the output."))]


def demo(
    seconds: Seconds = None,
    port: Port = None,
    faults: Faults = False,
    seed: Seed = 1,
    keep: Keep = None,
    lang: Lang = "zh",
) -> None:
    """在一台电脑上启动一座小城：真实固件的评价器、消息服务器、采集服务、大屏 / A small city on this machine."""
    from manyi.demo.run import Options, run  # noqa: PLC0415  # the broker is not installed on servers

    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise InputError(
            both(f"{keep} 里已有东西，请另选一个空文件夹", f"{keep} is not empty; name another folder.")
        )
    raise typer.Exit(run(Options(seconds, port, faults, seed, keep.absolute() if keep else None, lang)))
