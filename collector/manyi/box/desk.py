"""`manyi box bind | replace | retire | code`: what the centre does about boxes, on the machine that has the ledger or the
keys (retire and code also at the bench). Composes; decides nothing.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from manyi.box import provision as provisioning
from manyi.box import records, talk
from manyi.box.asked import (
    FAILED,
    HOME,
    BoxArgument,
    HandoverOption,
    RecordsDir,
    digits,
    grouped,
    k_link,
    now_ms,
    told,
)
from manyi.box.console import Console, opened
from manyi.box.words import BoxError, both
from manyi.core.errors import InputError
from manyi.words import many

if TYPE_CHECKING:
    from manyi.box.places.placing import Choose

RosterOption = Annotated[
    Path,
    typer.Option(
        "--roster",
        exists=True,
        help=both(
            "名册：工作簿（xlsx）、CSV 或文件夹，同 manyi roster import",
            "The roster as `manyi roster import` takes it: a workbook (.xlsx), a CSV, or a folder.",
        ),
    ),
]


def box_code(
    context: typer.Context,
    box: BoxArgument,
    nonce: Annotated[str, typer.Argument(help=both("评价器显示的随机数", "The number that the box shows."))],
    handover: HandoverOption = None,
) -> None:
    """中心：给现场的解锁码，只对这一台这一次有效 / At the centre: the unlock code for a box's number."""
    shown = digits(nonce)
    if not re.fullmatch(rf"[0-9a-f]{{{2 * talk.NONCE_BYTES}}}", shown):
        raise InputError(
            both(
                f"“{nonce}”不是评价器显示的随机数：请对方再念一遍",
                "that is no number that a box shows: have it read again",
            )
        )
    typer.echo(grouped(talk.code(k_link(context, handover, box), box, bytes.fromhex(shown))))


def box_bind(
    context: typer.Context,
    scanned: Annotated[
        Path, typer.Argument(help=both("每行：扫到的码，窗口编号[,时间]", "Lines of: code, window[, time]."))
    ],
    roster: RosterOption,
) -> None:
    """把扫码记录变成名册里的位置 / Turn scanned labels into places in the roster."""
    from manyi.box.places import placing  # noqa: PLC0415  the roster: only the centre has one

    _place(context, roster, placing.bound(scanned, now_ms()))


def box_replace(
    context: typer.Context,
    old: Annotated[str, typer.Argument(help=both("旧评价器编号", "The old box's id."))],
    new: Annotated[str, typer.Argument(help=both("新评价器编号", "The new box's id."))],
    roster: RosterOption,
    at: Annotated[
        str,
        typer.Option("--at", help=both("更换时间（北京），默认现在", "When, Beijing time; now by default.")),
    ] = "",
) -> None:
    """新评价器接替旧的窗口；旧的仍可补传 / A new box takes over a window; the old one may still deliver."""
    from manyi.box.places import placing  # noqa: PLC0415

    _place(context, roster, placing.replaced(old, new, at, now_ms()))
    told(
        f"{old} 通电联网，等 manyi account 里待传为 0，再 manyi box retire",
        f"keep {old} powered until it waits for nothing in `manyi account`, then retire it",
    )


def _place(context: typer.Context, roster: Path, choose: Choose) -> None:
    from manyi.box.places import placing  # noqa: PLC0415
    from manyi.core import config  # noqa: PLC0415

    got = placing.record(roster, config.load(context.obj).data.ledger, choose, now_ms())
    for zh, en in zip(got.done.text("zh").splitlines(), got.done.text("en").splitlines(), strict=True):
        told(zh, en)
    if not got.done.report.ok:
        told(f"{got.file} 没有改动，新的一行没有加上", f"{got.file} was not changed: no row was added")
        raise typer.Exit(FAILED)
    told(f"已写进 {got.file}", f"written into {got.file}")
    for box, window, other in got.beside:
        told(
            f"注意：窗口 {window} 还有 {other}，两台的评价都算；若是 {box} 换下它，用 manyi box replace",
            f"note: {other} stands at {window} too, and both count; if {box} takes its place: manyi box replace",
        )


def box_retire(
    context: typer.Context,
    box: BoxArgument,
    port: Annotated[
        str,
        typer.Option("--port", "-p", help=both("串口：同时清除芯片", "Serial port: empties the chip too.")),
    ] = "",
    handover: HandoverOption = None,
    force: Annotated[
        bool, typer.Option("--force", help=both("放弃未送达的记录", "Give up what was not delivered."))
    ] = False,
    records_dir: RecordsDir = HOME,
) -> None:
    """退役：待传为 0 才可以 / Retire a box, once it waits for nothing."""
    if port:
        with opened(port) as line:
            lost = provisioning.retire(Console(line, port), k_link(context, handover, box), box, force=force)
        told(f"芯片已清空，放弃 {lost} 条", f"the chip is empty; given up: {many(lost, 'record')}")
    else:
        _settled(context, box, force=force)
    records.Records(records_dir).retire(box)
    typer.echo(
        f"manyi broker remove {box} --dir /etc/manyi/broker   "
        + both(
            "收回账户，并从 link 密钥文件删去它那一行",
            "takes its account away; delete its line in the link file too",
        )
    )


def _settled(context: typer.Context, box: str, *, force: bool) -> None:
    """The centre's own view: nothing of this box waits. Raises BoxError."""
    from manyi.core import account, config  # noqa: PLC0415
    from manyi.core.ledger import schema  # noqa: PLC0415

    settings = config.load(context.obj)
    conn = schema.open_for_reading(settings.data.ledger)
    try:
        found = account.read(conn, now_ms(), settings.policy.silent_s * 1000)
    finally:
        conn.close()
    lines = [line for line in found.lines if line.box == box]
    waiting, unknown = sum(line.waiting for line in lines), sum(line.unknown for line in lines)
    if (waiting or unknown or not lines) and not force:
        if not lines:
            raise BoxError(f"台账里没有 {box}", f"the ledger has never heard of {box}")
        raise BoxError(
            f"{box} 还有 {waiting} 次按键待传，不明至多 {unknown} 次",
            f"{box}: still waiting: {many(waiting, 'press')}, at most {unknown} unknown; let it deliver, or --force",
        )
    told(
        f"{box} 放弃待传 {waiting}，不明至多 {unknown}",
        f"{box}: gives up {waiting} waiting, at most {unknown} unknown",
    )


def mount(app: typer.Typer) -> None:
    for name, command in (
        ("code", box_code),
        ("bind", box_bind),
        ("replace", box_replace),
        ("retire", box_retire),
    ):
        app.command(name)(command)
