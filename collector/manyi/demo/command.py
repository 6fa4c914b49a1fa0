"""`manyi demo` and `manyi box simulate`: what may be asked of them. The work is in run.py and simulate.py, loaded only when
it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from manyi.box import identity
from manyi.box.cli import HandoverFile, SiteFile
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


def simulate(
    handover: HandoverFile,
    site: SiteFile,
    box: Annotated[
        list[str] | None,
        typer.Option(
            help=both("只要这一台，可重复；不写则全部", "Only this box, repeatable; all of them if none.")
        ),
    ] = None,
    folder: Annotated[
        Path, typer.Option("--dir", help=both("评价器的存储放在这里", "Where the boxes' flash is kept."))
    ] = Path("simulated"),
    tap: Annotated[
        str,
        typer.Option(
            help=both(
                "依次按这些键，例如 113，全部入台账后结束",
                "Press these keys, such as 113, and end when all are in the ledger.",
            )
        ),
    ] = "",
) -> None:
    """没有硬件时的评价器：真实固件，连接真实的消息服务器 / Boxes without hardware: the real firmware at a real broker."""
    from manyi.demo.simulate import run  # noqa: PLC0415  # a terminal's keys: not on a technician's Windows

    if set(tap) - set("123"):
        raise InputError(both(f"--tap {tap}：只有 1、2、3 三个键", f"--tap {tap}: the keys are 1, 2 and 3."))
    given, at = identity.load(handover, site)
    if unknown := sorted(set(box or ()) - {one.box for one in given}):
        names = " ".join(unknown)
        raise InputError(both(f"移交文件里没有 {names}", f"{names}: not in the hand-over file."))
    chosen = [one for one in given if not box or one.box in box]
    raise typer.Exit(run(chosen, at, folder, tap, typer.echo))
