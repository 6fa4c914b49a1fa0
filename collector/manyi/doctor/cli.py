"""`manyi doctor`. Exit codes: 0 nothing is wrong; 1 something is; 2 it could not look (no configuration)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer

from manyi.core import config as configs
from manyi.doctor import books, doors, host, link, safety, servers, through
from manyi.doctor.finding import Check, Finding, Level, Place
from manyi.words import both

CHECKS: Final[tuple[Check, ...]] = (
    host.settings, host.secrets, host.folder, host.disk, host.clock, link.broker, books.service, books.ledger,
    books.projections, books.feed, through.through, servers.web, servers.influx, servers.grafana, doors.doors,
    safety.authority, safety.copies,
)  # fmt: skip
MARKS: Final = {
    Level.good: "[正常  ok  ]", Level.skipped: "[未查  --  ]", Level.warn: "[注意  WARN]", Level.bad: "[错误  BAD ]",
}  # fmt: skip
WRONG: Final = 1


def examine(place: Place) -> Iterator[Finding]:
    """Every check in turn. One that fails itself is a finding too: the others still look."""
    for check in CHECKS:
        try:
            yield from check(place)
        except Exception as error:
            name = check.__name__
            yield Finding(
                name,
                Level.bad,
                f"检查没有完成：{error}",
                f"The check itself failed: {type(error).__name__}: {error}",
            )


def doctor(
    context: typer.Context,
    grafana: Annotated[
        str, typer.Option(help=both("Grafana 的地址", "Grafana's address."), envvar="MANYI_GRAFANA")
    ] = "",
    grafana_token_file: Annotated[
        Path | None,
        typer.Option(
            help=both("Grafana 令牌文件，用来查数据源", "A Grafana token's file, to ask its data sources.")
        ),
    ] = None,
    login: Annotated[
        bool,
        typer.Option(
            "--login",
            help=both(
                "服务在线时也试登录消息服务器（会断开它一瞬间）",
                "Try the broker's login even while the service is connected (ends its connection for a moment).",
            ),
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help=both("输出 JSON", "Print JSON."))] = False,
) -> None:
    """全面体检：哪里不对、怎么办 / Look at the whole installation: what is wrong, and what to do."""
    config = configs.load(context.obj)
    place = Place(config, context.obj, time.time_ns() // 1_000_000, grafana, grafana_token_file, login)
    found = []
    for each in examine(place):
        found.append(each)
        if not as_json:
            typer.echo(f"{MARKS[each.level]} {each.what:<11} {both(each.zh, each.en)}")
    bad = sum(each.level == Level.bad for each in found)
    warned = sum(each.level == Level.warn for each in found)
    if as_json:
        lines = [{"what": e.what, "level": e.level.name, "zh": e.zh, "en": e.en} for e in found]
        typer.echo(json.dumps({"ok": not bad, "findings": lines}, ensure_ascii=False))
    else:
        typer.echo(both(f"错误 {bad} 项，注意 {warned} 项", f"{bad} wrong, {warned} to look at"))
    if bad:
        raise typer.Exit(WRONG)
