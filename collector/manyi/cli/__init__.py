"""`manyi`, the command line: what commands there are, and how an error ends. The commands print and choose exit codes.

Exit codes: 0 as it should be; 1 figures or chains do not agree, a check found something, or a thread of the service died;
2 something has to be put right first (message on stderr). Refuses to do work of its own: that is in core and office.
A tool with a folder of its own (box, broker, grafana, backup, doctor, feed) has its commands there.
"""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from manyi import __version__
from manyi.box.cli import box_app
from manyi.cli import ledger, serve
from manyi.cli.influx import influx_app
from manyi.cli.roster import roster_app
from manyi.cli.usage import in_words
from manyi.cli.visits import visits_app
from manyi.core.errors import ManyiError
from manyi.demo.command import demo, simulate
from manyi.grafana.cli import grafana_app
from manyi.words import both


class _Group(TyperGroup):
    """Errors raised on purpose end in their message and exit code, not in a traceback."""

    def make_context(self, *args: Any, **extra: Any) -> Any:
        for stream in (sys.stdout, sys.stderr):
            # A name that the code page has not (a Chinese Windows, a pipe) ends nothing.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")
        with in_words():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: Any) -> Any:
        try:
            with in_words():
                return super().invoke(ctx)
        except ManyiError as error:
            typer.echo(str(error), err=True)
            ctx.exit(error.exit_code)
        except sqlite3.OperationalError as error:  # a lock, a full disk, a folder that may not be written
            typer.echo(
                both(
                    f"数据库现在无法使用（{error}），请稍后重试，或检查磁盘和权限",
                    f"A database cannot be used now ({error}). Try again, or look at the disk and its permissions.",
                ),
                err=True,
            )
            ctx.exit(2)


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help=both("群众满意度评价系统", "Satisfaction buttons for public service halls."),
)
for command in (
    serve.serve,
    serve.migrate,
    ledger.account,
    ledger.verify,
    ledger.root,
    ledger.export,
    ledger.rebuild,
    demo,
):
    app.command()(command)
app.add_typer(roster_app, name="roster")
app.add_typer(box_app, name="box")
box_app.command()(simulate)
app.add_typer(influx_app, name="influx")
app.add_typer(grafana_app, name="grafana")
app.add_typer(visits_app, name="visits")
if sys.platform != "win32":  # accounts and modes of a server; a technician's Windows needs only `manyi box`
    from manyi.backup import cli as backup_cli
    from manyi.broker.cli import broker_app, ca_app
    from manyi.cli.office import office_app
    from manyi.doctor.cli import doctor
    from manyi.feed.cli import feed_app

    app.add_typer(office_app, name="office")
    app.add_typer(ca_app, name="ca")
    app.add_typer(broker_app, name="broker")
    backup_cli.mount(app)
    app.command("doctor")(doctor)
    app.add_typer(feed_app, name="feed")


def main() -> None:
    app()


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"manyi {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    context: typer.Context,
    config: Annotated[
        Path,
        typer.Option(
            "--config", "-c", envvar="MANYI_CONFIG", help=both("配置文件", "The configuration file.")
        ),
    ] = Path("manyi.toml"),
    _show: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help=both("版本", "Print the version.")),
    ] = False,
) -> None:
    context.obj = config
