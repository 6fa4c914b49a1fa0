"""The demo as a command: what may be asked of it. The work is in run.py, loaded only when it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def demo(
    seconds: Annotated[
        float | None,
        typer.Option(min=1, help="Stop after this long, check every number, and say so by the exit code."),
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port of the wall [default: 8000, or a free one].")
    ] = None,
    faults: Annotated[
        bool,
        typer.Option("--faults", help="Kill boxes, broker and collector at random, and start them again."),
    ] = False,
    seed: Annotated[int, typer.Option(help="The same seed, the same visitors and the same kills.")] = 1,
    keep: Annotated[
        Path | None, typer.Option(help="Keep data and logs in this (new or empty) folder.")
    ] = None,
    lang: Annotated[Literal["zh", "en"], typer.Option(help="Language of the output.")] = "zh",
) -> None:
    """A small city on this machine: boxes with the real firmware, a broker, the collector and its wall."""
    from manyi.demo.run import Options, run  # noqa: PLC0415  # amqtt and the rest are not always installed

    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise typer.BadParameter(f"{keep} is not empty", param_hint="--keep")
    raise typer.Exit(run(Options(seconds, port, faults, seed, keep.absolute() if keep else None, lang)))
