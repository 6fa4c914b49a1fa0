"""`manyi doctor`. Exit codes: 0 nothing is wrong; 1 something is; 2 it could not look (no configuration)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from manyi.core import config as configs
from manyi.doctor import alerts, behind, books, doors, host, link, safety, servers, through
from manyi.doctor.finding import GRAFANA_ENV, Check, Finding, Level, Place, bad
from manyi.words import apart, both, todo

CHECKS: Final[tuple[Check, ...]] = (
    host.settings, host.secrets, host.folder, host.disk, host.clock, link.broker, books.service, books.ledger,
    behind.projections, behind.feed, through.through, servers.web, servers.influx, servers.grafana, alerts.alerts,
    doors.doors, safety.authority, safety.copies,
)  # fmt: skip
MARKS: Final = {
    Level.good: "[正常  ok  ]", Level.skipped: "[未查  --  ]", Level.warn: "[注意  WARN]", Level.bad: "[错误  BAD ]",
}  # fmt: skip
WRONG: Final = 1
INDENT: Final = 26  # below what was found


def examine(place: Place) -> Iterator[Finding]:
    """Every check in turn. One that fails itself is a finding too: the others still look."""
    for check in CHECKS:
        try:
            yield from check(place)
        except Exception as error:
            zh, en = apart(error)
            yield bad(
                check.__name__,
                f"这一项没有查完：{type(error).__name__}：{zh}",
                f"This check itself failed: {type(error).__name__}: {en}",
                "排除这个原因再体检；看不懂就把这一行交给维护单位（其他各项照常有效）",
                "mend that and look again, or send this line to whoever maintains the program (the other lines hold)",
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
    grafana_env: Annotated[
        Path,
        typer.Option(
            help=both("Grafana 的启动设置，用来查报警发到哪里", "Grafana's settings: where do alerts go?")
        ),
    ] = GRAFANA_ENV,
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
    now_ms = time.time_ns() // 1_000_000
    place = Place(config, context.obj, now_ms, grafana, grafana_token_file, login, grafana_env=grafana_env)
    found = []
    for each in examine(place):
        found.append(each)
        if not as_json:
            typer.echo(f"{MARKS[each.level]} {each.what:<11} {both(each.zh, each.en)}")
            if each.do_zh:
                typer.echo(todo(each.do_zh, each.do_en, INDENT))
    wrong = sum(each.level == Level.bad for each in found)
    warned = sum(each.level == Level.warn for each in found)
    if as_json:
        lines = [{**asdict(e), "level": e.level.name} for e in found]
        typer.echo(json.dumps({"ok": not wrong, "findings": lines}, ensure_ascii=False))
    else:
        typer.echo(both(f"错误 {wrong} 项，注意 {warned} 项", f"{wrong} wrong, {warned} to look at"))
        if wrong or warned:
            typer.echo(both("怎么办，见每一项下面的 →", "what to do stands below each, after the →"))
    if wrong:
        raise typer.Exit(WRONG)
