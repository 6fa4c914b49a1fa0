"""`manyi`, the command line: it composes, prints, and chooses exit codes. Everything else is in core and office.

Exit codes: 0 as it should be; 1 figures or chains do not agree, a check found something, or a thread of the service died;
2 something has to be put right first (message on stderr). Refuses to do work of its own.

Longer than 300 lines because it is one list of commands.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
from typer.core import TyperGroup

from manyi import __version__
from manyi.box.cli import box_app
from manyi.broker.names import both
from manyi.core import account as accounts
from manyi.core import config as configs
from manyi.core import export as exports
from manyi.core import keys as key_files
from manyi.core import root as roots
from manyi.core import stores
from manyi.core import verify as verifying
from manyi.core.errors import InputError, ManyiError
from manyi.core.ledger import schema
from manyi.core.pipeline import unix_ms
from manyi.demo.command import demo as demo_command
from manyi.grafana.cli import grafana_app
from manyi.influx_cli import influx_app
from manyi.notify import notify
from manyi.visits_cli import visits_app

MISMATCH = 1


class Lang(StrEnum):
    zh = "zh"
    en = "en"


class Projection(StrEnum):
    ratings = "ratings"
    wall = "wall"
    influx = "influx"


class _Group(TyperGroup):
    """Errors raised on purpose end in their message and exit code, not in a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
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
roster_app = typer.Typer(no_args_is_help=True, help=both("机构、窗口、人员名册", "Offices, windows, staff."))
app.add_typer(roster_app, name="roster")
app.add_typer(box_app, name="box")
app.add_typer(influx_app, name="influx")
app.add_typer(grafana_app, name="grafana")
app.add_typer(visits_app, name="visits")
if sys.platform != "win32":  # accounts and modes of a server; a technician's Windows needs only `manyi box`
    from manyi.backup import cli as backup_cli
    from manyi.broker.cli import broker_app, ca_app
    from manyi.doctor.cli import doctor as doctor_command
    from manyi.feed.cli import feed_app
    from manyi.office_cli import office_app

    app.add_typer(office_app, name="office")
    app.add_typer(ca_app, name="ca")
    app.add_typer(broker_app, name="broker")
    backup_cli.mount(app)
    app.command("doctor")(doctor_command)
    app.add_typer(feed_app, name="feed")

LangOption = Annotated[Lang, typer.Option("--lang", help=both("输出语言", "Language of the output."))]
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


def _config(context: typer.Context) -> configs.Config:
    return configs.load(context.obj)


@contextmanager
def _ledger(config: configs.Config) -> Iterator[Any]:
    conn = schema.open_for_reading(config.data.ledger)
    try:
        yield conn
    finally:
        conn.close()


@app.command()
def serve(context: typer.Context) -> None:
    """运行采集服务和大屏，直到收到停止信号 / Run the collector and the wall until told to stop."""
    from manyi.core import migrate as migrating  # noqa: PLC0415  # fcntl: not on a technician's Windows
    from manyi.core.service import Service  # noqa: PLC0415  # paho, Django and uvicorn: only the service needs them
    from manyi.feed.follower import Follower  # noqa: PLC0415
    from manyi.office import serve as office  # noqa: PLC0415
    from manyi.office.access.from_config import office_settings  # noqa: PLC0415

    _log_to_stderr()
    config = _config(context)
    migrating.migrate(config, typer.echo)
    log = structlog.get_logger(area="serve")
    settings = office_settings(config)
    scheme = "https" if config.web.cert_file else "http"
    service: Service | Follower = Follower(config) if config.follows else Service(config)
    service.start()
    web = config.web
    refused = ""

    def ready(host: str, port: int) -> None:
        log.info("ready", url=f"{scheme}://{host}:{port}/")
        notify("READY=1")

    try:
        office.run(settings, service.stop, ready)
    except OSError as error:
        refused = f"{web.host}:{web.port} cannot be listened on ({error}). Choose another [web] port."
    finally:
        notify("STOPPING=1")
        service.close()
    if refused:
        typer.echo(refused, err=True)
        raise typer.Exit(2)
    if service.failed:
        typer.echo(f"The {service.failed} thread died; see the log above.", err=True)
        raise typer.Exit(MISMATCH)


@app.command()
def migrate(context: typer.Context) -> None:
    """升级后更新数据库；serve 启动时自动执行 / Bring databases of an earlier release to this one; serve does it too."""
    from manyi.core import migrate as migrating  # noqa: PLC0415

    migrating.migrate(_config(context), typer.echo)
    typer.echo(both("数据库是本版本的", "The databases are of this release"))


@app.command()
def account(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help=both("输出 JSON", "Print JSON."))] = False,
    lang: LangOption = Lang.zh,
) -> None:
    """对账：每台评价器的按键 = 已存 + 待传 + 丢失 / Account: pressed = stored + waiting + lost, per box."""
    config = _config(context)
    with _ledger(config) as conn:
        found = accounts.read(conn, unix_ms(), config.policy.silent_s * 1000)
    if as_json:
        total = asdict(found.total) | {"lost": found.total.lost}
        boxes = [asdict(line) | {"lost": line.lost} for line in found.lines]
        typer.echo(json.dumps({"ok": found.ok, "total": total, "boxes": boxes}, ensure_ascii=False))
    else:
        typer.echo(accounts.table(found, lang))
    if not found.ok:
        raise typer.Exit(MISMATCH)


@app.command()
def verify(
    context: typer.Context,
    keys: Annotated[
        Path | None,
        typer.Option(
            help=both("审计密钥文件：另查每条记录的标签", "The auditor's key file: checks every tag too.")
        ),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(
            help=both("核对导出文件夹，不需要数据库", "Check an export's folder; no database is needed.")
        ),
    ] = None,
) -> None:
    """核对台账是否被改动，指出第一处 / Check that nothing was changed; names the first change."""
    auditor = key_files.load(keys, "auditor's key file") if keys else None
    if export is not None:
        report = exports.check(export, auditor)
    else:
        config = _config(context)
        with _ledger(config) as conn:
            report = verifying.ledger(conn, config.data.roots, auditor)
    for note in report.notes:
        typer.echo(note)
    if report.finding is not None:
        typer.echo(both("不符", "CHANGED") + f": {report.finding.text()}")
        raise typer.Exit(MISMATCH)
    tags = f"{report.tags} tags" if auditor is not None else "no tags (no --keys)"
    typer.echo(
        both("相符", "Nothing was changed")
        + f": {report.rows} rows, {report.records} records, {tags}, {report.roots} daily roots"
    )


@app.command()
def root(
    context: typer.Context,
    day: Annotated[
        str | None, typer.Option(help=both("日期，默认昨天", "The day (2026-11-21); yesterday by default."))
    ] = None,
) -> None:
    """打印某日的台账封印，可公开 / Print a day's root, to be published."""
    config, now_ms = _config(context), unix_ms()
    wanted = _day(day) if day else roots.day_of(now_ms) - timedelta(days=1)
    if wanted > roots.day_of(now_ms):
        raise InputError(f"{wanted} 还没有到 / {wanted} has not come yet.")
    with _ledger(config) as conn:
        found = roots.of_day(conn, wanted, now_ms)
    if found.last < found.first:
        typer.echo(f"{wanted} 没有记录 / There is no row of {wanted}.", err=True)
    typer.echo(found.text(), nl=False)


@app.command()
def export(
    context: typer.Context,
    begin: Annotated[str, typer.Option("--from", help=both("起始日期", "First day, such as 2026-11-01."))],
    end: Annotated[str, typer.Option("--to", help=both("结束日期（含）", "Last day, included."))],
    out: Annotated[Path, typer.Option(help=both("新文件夹", "A new folder."))],
    persons: Annotated[
        bool, typer.Option("--persons", help=both("包含人员信息", "Include the rows that name persons."))
    ] = False,
) -> None:
    """导出一段时间的记录，外人无需密钥即可核对 / Export a period's rows; anybody can check them."""
    config = _config(context)
    with _ledger(config) as conn:
        done = exports.write(conn, config.data.roots, out, (_day(begin), _day(end)), persons=persons)
    rows = done.last - done.first + 1
    typer.echo(
        both(
            f"{out}：{rows} 行（{done.first} 至 {done.last}），其中 {done.withheld} 行不含人员信息",
            f"{rows} rows ({done.first} to {done.last}), {done.withheld} without their persons",
        )
    )


@app.command()
def rebuild(
    context: typer.Context,
    which: Annotated[Projection, typer.Argument(help=both("重建哪一个", "Which projection."))],
) -> None:
    """从台账重建投影，数字不变 / Make a projection again from the ledger, to the same figures."""
    from manyi.core import projector  # noqa: PLC0415  # the influx client costs 0.4 s

    projector.rebuild(which.value, _config(context), typer.echo)


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
    config = _config(context)
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

    data = _config(context).data
    with ExitStack() as stack:
        ledger = stack.enter_context(_ledger(_config(context))) if data.ledger.exists() else None
        ratings = (
            stack.enter_context(closing(stores.open_reader(data.ratings))) if data.ratings.exists() else None
        )
        done = roster.preview(path, ledger, ratings)
    typer.echo(done.text(lang))
    if not done.report.ok:
        raise typer.Exit(MISMATCH)


app.command("demo")(demo_command)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InputError(
            both(f"{text!r} 不是日期，应为 2026-11-21 这样", f"{text!r} is not a day such as 2026-11-21.")
        ) from error


def _without_traceback(record: logging.LogRecord) -> bool:
    """A wrong host name is a visitor's doing: one line, not thirty for whoever asks a thousand times."""
    record.exc_info = None
    return True


def _log_to_stderr() -> None:
    """key=value lines. The standard library's loggers (uvicorn, Django) only speak up from warning on."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="level=%(levelname)s area=%(name)s event=%(message)r"
    )
    logging.getLogger("django.security.DisallowedHost").addFilter(_without_traceback)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=False),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "area", "event"]),
        ],
        # The stderr of the moment, asked at every line: one that was closed meanwhile must not end whoever has to say something.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
