"""`manyi serve` and `manyi migrate`: the service and its databases. Refuses to serve databases of a later release."""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
from typing import TYPE_CHECKING

import structlog
import typer

from manyi.cli.asked import MISMATCH, config_of
from manyi.notify import Watchdog, notify
from manyi.words import both

if TYPE_CHECKING:
    from manyi.core.service import Service
    from manyi.feed.follower import Follower


def serve(context: typer.Context) -> None:
    """运行采集服务和大屏，直到收到停止信号 / Run the collector and the wall until told to stop."""
    from manyi.core import migrate as migrating  # noqa: PLC0415  # fcntl: not on a technician's Windows
    from manyi.core.service import Service  # noqa: PLC0415  # paho, Django and uvicorn: only the service needs them
    from manyi.feed.follower import Follower  # noqa: PLC0415
    from manyi.office import serve as office  # noqa: PLC0415
    from manyi.office.access.from_config import office_settings  # noqa: PLC0415

    log_to_stderr()
    config = config_of(context)
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

    if "WATCHDOG_USEC" in os.environ:
        faulthandler.enable()  # systemd's SIGABRT then leaves in the journal where every thread stood
    try:
        office.run(settings, service.stop, ready, Watchdog(service.late, log))
    except OSError as error:
        refused = both(
            f"{web.host}:{web.port} 不能监听（{error}），请换一个 [web] port",
            f"{web.host}:{web.port} cannot be listened on. Choose another [web] port.",
        )
    finally:
        notify("STOPPING=1")
        service.close()
    if refused:
        typer.echo(refused, err=True)
        raise typer.Exit(2)
    if service.failed:
        typer.echo(
            both(
                f"线程 {service.failed} 已终止，原因见上面的日志",
                f"The {service.failed} thread died; see the log above.",
            ),
            err=True,
        )
        raise typer.Exit(MISMATCH)


def migrate(context: typer.Context) -> None:
    """升级后更新数据库；serve 启动时自动执行 / Bring databases of an earlier release to this one; serve does it too."""
    from manyi.core import migrate as migrating  # noqa: PLC0415

    migrating.migrate(config_of(context), typer.echo)
    typer.echo(both("数据库是本版本的", "The databases are of this release"))


def _without_traceback(record: logging.LogRecord) -> bool:
    """A wrong host name is a visitor's doing: one line, not thirty for whoever asks a thousand times."""
    record.exc_info = None
    return True


def log_to_stderr() -> None:
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
