"""`manyi visits ...`: which systems may tell visits and sign-ins (docs/VISITS.md). Prints no token."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from manyi.core import config as configs
from manyi.core.errors import InputError
from manyi.core.told import sources
from manyi.core.told.sources import Sources, add_source

visits_app = typer.Typer(
    no_args_is_help=True,
    help="排队、人事系统：报送办件数、在岗和值班领导 / Queue and personnel systems that tell visits, sign-ins and leaders.",
)


class Tells(StrEnum):
    visits = sources.VISITS
    duty = sources.DUTY
    leaders = sources.LEADERS


File = Annotated[
    Path | None,
    typer.Option(
        "--file",
        help="系统名单，默认为配置的 [visits] sources / The list; by default the one that [visits] sources names.",
    ),
]


def _list(context: typer.Context, file: Path | None) -> Path:
    """A list that the service does not read would let nobody in: without --file the configuration says which."""
    if file is not None:
        return file
    named = configs.load(context.obj).visits.sources
    if named is None:
        raise InputError(
            "配置里没有 [visits] sources：请写上，或用 --file 指明 / "
            "The configuration has no [visits] sources: name it there, or give --file."
        )
    return named


@visits_app.command()
def add(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(help="名称，如 queue_hall1、hr_city / Its name, such as queue_hall1 or hr_city.")
    ],
    token_file: Annotated[
        Path, typer.Option(help="令牌写入此文件（新建，0600） / Where its token goes, new, 0600.")
    ],
    file: File = None,
    hall: Annotated[
        list[str] | None,
        typer.Option(help="只能报送这些大厅，可重复 / Only of these halls; repeatable."),
    ] = None,
    county: Annotated[
        list[str] | None,
        typer.Option(help="只能报送这些县区，可重复 / Only of these counties; repeatable."),
    ] = None,
    tells: Annotated[
        list[Tells] | None,
        typer.Option(
            help="可报送什么，可重复，默认只有办件 / What it may tell, repeatable; visits alone by default."
        ),
    ] = None,
) -> None:
    """允许一个系统报送办件数、在岗或值班领导 / Let a system tell visits, sign-ins or leaders on duty."""
    file = _list(context, file)
    add_source(file, name, hall or [], token_file, county, [one.value for one in tells or []])
    typer.echo(
        f"已加入 {file}，请移交 {token_file} 后删除 / added to {file}; hand over {token_file}, then delete it"
    )


@visits_app.command("list")
def listed(context: typer.Context, file: File = None) -> None:
    """列出这些系统 / List these systems."""
    found = Sources(_list(context, file)).all()
    for source in found.values():
        within = " ".join(sorted(source.within)) or "*"
        prompts = "prompt" if source.prompt else "-"
        tells = ",".join(sorted(source.tells))
        typer.echo(
            f"{source.name}  {tells}  {within}  {len(source.windows)}  {len(source.business)}  {prompts}"
        )
