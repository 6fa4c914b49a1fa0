"""`manyi box bind | replace | retire | code`: what the centre does about boxes, on the machine that has the ledger or the
keys (retire and code also at the bench). Composes; decides nothing.
"""

from __future__ import annotations

import re
import shutil
import sys
import time
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from manyi.box import identity, records, talk
from manyi.box import provision as provisioning
from manyi.box.console import Console, opened
from manyi.box.words import BoxError, both
from manyi.core.errors import InputError
from manyi.words import laid, many

if TYPE_CHECKING:
    from manyi.box.placing import Choose

FAILED = 1

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
HandoverOption = Annotated[
    Path | None,
    typer.Option(
        help=both("移交文件；不写则用采集程序的密钥文件", "Hand-over file; else the collector's key file.")
    ),
]
RecordsDir = Annotated[
    Path, typer.Option("--records", help=both("记录文件夹", "Folder of the bench's records."))
]
AskCode = Annotated[
    bool,
    typer.Option(
        "--code",
        help=both(
            "现场没有密钥：念随机数给中心，输入解锁码",
            "No key here: read a number to the centre, type the code.",
        ),
    ),
]
BoxArgument = Annotated[str, typer.Argument(help=both("评价器编号", "The box's id."))]
HOME = Path("boxes")
YES, NO = ("y", "yes", "是", "有"), ("n", "no", "否", "不是", "没有")


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def told(zh: str, en: str) -> None:
    say(both(zh, en))


def say(text: str, *, err: bool = False) -> None:
    """On a terminal a long line has its English below; in a file or a pipe it stays one line."""
    stream = sys.stderr if err else sys.stdout
    typer.echo(laid(text, shutil.get_terminal_size().columns) if stream.isatty() else text, err=err)


def confirmed(question: str) -> bool:
    """What a person says to it: y or n, and nothing is taken for granted. Raises typer.Abort."""
    while True:
        said = unicodedata.normalize("NFKC", typer.prompt(f"{question} (y/n)")).strip().lower()
        if said in YES + NO:
            return said in YES
        told("请答 y 或 n", "please answer y or n")


def k_link(context: typer.Context, handover: Path | None, box: str) -> bytes:
    """From the hand-over file at the bench; from the collector's own key file at the centre."""
    if handover is not None:
        found = identity.links(handover).get(box)
        if found is not None:
            return found
        raise BoxError(f"移交文件里没有 {box}", f"{box} is not in {handover}")
    from manyi.core import config, keys  # noqa: PLC0415

    if not context.obj.is_file():
        raise BoxError(
            "没有密钥可用：工位上写 --handover 移交文件，现场写 --code，中心写 manyi -c 配置文件",
            "there is no key at hand: --handover at a bench, --code on site, `manyi -c` and its configuration at the centre",
        )
    key = keys.load(config.load(context.obj).keys.link_file, "link key file").get(box)
    if key is None:
        raise BoxError(
            f"没有 {box} 的密钥：编号写错了？没有开通就先 manyi broker add",
            f"there is no key of {box}: is the id right? If it was never added: `manyi broker add`",
        )
    return key


def unlocked(
    context: typer.Context, console: Console, seen: dict[str, str], handover: Path | None, ask_code: bool
) -> bytes:
    """Opens the console. -> the box's key, or b"" if a code did it. Raises BoxError."""
    if not ask_code:
        key = k_link(context, handover, seen["box"])
        console.unlock(key)
        return key
    told(
        "打电话给中心，把下一行念给他执行，他念回 12 位解锁码",
        "call the centre, read out the next line for it to run, and it reads back 12 digits",
    )
    typer.echo(f"manyi box code {seen['box']} {grouped(seen['nonce'])}")
    console.ask("unlock", _digits(typer.prompt(both("解锁码", "code"))))
    return b""


def grouped(digits: str) -> str:
    """By fours, as it is read out."""
    return "-".join(digits[i : i + 4] for i in range(0, len(digits), 4))


def _digits(said: str) -> str:
    return unicodedata.normalize("NFKC", said).replace("-", "").replace(" ", "").lower()


def box_code(
    context: typer.Context,
    box: BoxArgument,
    nonce: Annotated[str, typer.Argument(help=both("评价器显示的随机数", "The number that the box shows."))],
    handover: HandoverOption = None,
) -> None:
    """中心：给现场的解锁码，只对这一台这一次有效 / At the centre: the unlock code for a box's number."""
    shown = _digits(nonce)
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
    from manyi.box import placing  # noqa: PLC0415  the roster: only the centre has one

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
    from manyi.box import placing  # noqa: PLC0415

    _place(context, roster, placing.replaced(old, new, at, now_ms()))
    told(
        f"{old} 通电联网，等 manyi account 里待传为 0，再 manyi box retire",
        f"keep {old} powered until it waits for nothing in `manyi account`, then retire it",
    )


def _place(context: typer.Context, roster: Path, choose: Choose) -> None:
    from manyi.box import placing  # noqa: PLC0415
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
        f"manyi broker remove {box} --dir ...   "
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
