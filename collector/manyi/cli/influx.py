"""`manyi influx ...`: InfluxDB made ready for us. Prints what was done and where secrets lie, never a secret."""

from pathlib import Path
from typing import Annotated

import typer

from manyi.words import both

influx_app = typer.Typer(
    no_args_is_help=True, help=both("时序数据库（InfluxDB 2）", "The time series (InfluxDB 2).")
)


@influx_app.callback()
def _group() -> None:
    """时序数据库（InfluxDB 2） / The time series (InfluxDB 2)."""


@influx_app.command("init")
def influx_init(
    url: Annotated[
        str, typer.Option("--url", help=both("服务器地址", "The server."))
    ] = "http://127.0.0.1:8086",
    org: Annotated[str, typer.Option("--org", help=both("组织", "The organisation."))] = "manyi",
    prefix: Annotated[
        str, typer.Option("--prefix", help=both("存储桶名称的开头", "How the buckets' names begin."))
    ] = "manyi",
    folder: Annotated[
        Path, typer.Option("--dir", help=both("令牌文件目录（0600）", "Folder of the token files, 0600."))
    ] = Path("secrets"),
    operator: Annotated[
        Path | None,
        typer.Option(
            "--operator-token-file",
            help=both(
                "操作员令牌文件（0600）；全新服务器会新建",
                "The operator token's file, 0600; made for a new server.",
            ),
        ),
    ] = None,
) -> None:
    """初始化：组织、存储桶、保留期、InfluxQL 名称、最小权限令牌；可重复执行 / Organisation, buckets, tokens; again is safe."""
    from manyi.core.influx import setup  # noqa: PLC0415  # urllib3: only this command needs it

    names = setup.Names(org, prefix, f"{prefix}_rollup", f"{prefix}_day", f"{prefix}_wall")
    files = setup.Files(
        operator or folder / "influx.operator.token",
        folder / "influx.admin.password",
        folder / "influx.token",
        folder / "influx.grafana.token",
    )
    setup.init(url, names, files, typer.echo)
    typer.echo(
        both("写入配置文件", "For the configuration file") + ":\n"
        f'[influx]\nurl = "{url}"\norg = "{org}"\nbucket = "{names.raw}"\nrollup_bucket = "{names.rollup}"\n'
        f'day_bucket = "{names.day}"\nwall_bucket = "{names.wall}"\ntoken_file = "{files.collector}"'
    )
