"""`manyi box ...`: the technician's commands, mounted by the command line. Composes, asks, prints; decides nothing.

Exit codes: 0 done, or the box passed; 1 it did not pass, or a board of a tray failed; 2 something has to be put right
first; 130 Ctrl-C. Runs on Windows too. Prints no secret but an unlock code, which is good for one start of one box.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from manyi.box import desk, identity, orders, records, renew
from manyi.box import doctor as doctors
from manyi.box import provision as provisioning
from manyi.box.asked import (
    FAILED,
    HOME,
    AskCode,
    Baud,
    HandoverOption,
    NoReset,
    Port,
    RecordsDir,
    confirmed,
    now_ms,
    say,
    told,
    unlocked,
    who,
)  # fmt: skip
from manyi.box.console import Console, opened
from manyi.box.flashing import flash as flashing
from manyi.box.flashing import image, rescue, tray
from manyi.box.identity import Given
from manyi.box.papers import prints
from manyi.box.provision import Journal
from manyi.box.site import Site
from manyi.box.words import BoxError, both, file_trouble
from manyi.core.errors import ManyiError

INTERRUPTED = 130


class _Bench(TyperGroup):
    """What stops a command from outside ends in words too: Ctrl-C, a full disk, a folder that may not be written."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, typer.Abort):
            say(
                both("\n已中断：同一条命令再来一次即可", "interrupted: give the same command again"), err=True
            )
            raise typer.Exit(INTERRUPTED) from None
        except ManyiError as error:
            say(str(error), err=True)
            raise typer.Exit(error.exit_code) from None
        except OSError as error:
            if not error.filename:
                raise
            say(str(file_trouble(error.filename, error)), err=True)
            raise typer.Exit(BoxError.exit_code) from None


box_app = typer.Typer(
    cls=_Bench,
    no_args_is_help=True,
    help=both(
        "评价器：烧录、写身份、测试、标签、更换、退役",
        "Boxes: flash, provision, test, label, replace, retire.",
    ),
)

HandoverFile = Annotated[
    Path,
    typer.Option(
        "--handover",
        help=both("移交文件（manyi broker add --out）", "The hand-over file of `manyi broker add`."),
    ),
]
SiteFile = Annotated[
    Path,
    typer.Option(
        "--site", help=both("现场文件：服务器、Wi-Fi", "The site file: broker, Wi-Fi (docs/CONSOLE.md).")
    ),
]
BoxId = Annotated[str, typer.Option("--box", help=both("评价器编号", "The box's id."))]


def _given(handover: Path, site: Path, box: str) -> tuple[Given, Site]:
    lines, at = identity.load(handover, site)
    for one in lines:
        if one.box == box or (not box and len(lines) == 1):
            return one, at
    if not box:
        names = " ".join(one.box for one in lines)
        raise BoxError(
            f"移交文件有多台，用 --box 指明：{names}", f"which of the file's boxes? --box: {names}"
        )
    raise BoxError(f"移交文件里没有 {box}", f"{box} is not in the hand-over file")


@box_app.command("flash")
def box_flash(
    image_file: Annotated[
        Path, typer.Option("--image", help=both("firmware/image.py 的输出", "What firmware/image.py made."))
    ],
    port: Annotated[
        list[str] | None,
        typer.Option(
            "--port",
            "-p",
            help=both("串口，可重复；不写则全部 USB 串口", "Serial port, repeatable; all USB ports if none."),
        ),
    ] = None,
    handover: Annotated[
        Path | None,
        typer.Option(help=both("移交文件：同时写入身份", "Hand-over file: writes identities too.")),
    ] = None,
    site: Annotated[Path | None, typer.Option(help=both("现场文件", "The site file."))] = None,
    box: Annotated[str, typer.Option(help=both("只用这一个身份", "Only this identity."))] = "",
    records_dir: RecordsDir = HOME,
    keep_journal: Annotated[
        bool,
        typer.Option(
            "--keep-journal",
            help=both(
                "还是原来那一台：身份、设置和记录不动", "It stays the box it is: identity, settings, records."
            ),
        ),
    ] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help=both("放弃未送达的记录", "Give up records that were never delivered.")),
    ] = False,
    baud: Baud = flashing.BAUD,
    no_reset: NoReset = False,
) -> None:
    """烧录一台或一盘，校验，可同时写入身份 / Flash one board or a tray of them, verify, and write identities."""
    if (handover is None) != (site is None) or (box and handover is None):
        raise BoxError(
            "移交文件和现场文件要一起写（HANDOVER= 和 SITE=），只用一个身份再加 BOX=；没有写入任何一台",
            "--handover and --site go together (HANDOVER=, SITE=), and --box picks of them; no board was touched",
        )
    if keep_journal and handover is not None:
        raise BoxError(
            "保留记录的评价器还是原来那一台，不再给身份：去掉 HANDOVER= 和 SITE=",
            "a box whose journal is kept stays who it is, and is given no identity: leave --handover and --site out",
        )
    try:
        whole = image_file.read_bytes()
    except OSError as error:
        raise file_trouble(image_file, error) from None
    image.facts(whole)  # what is no image of ours is refused once, not board by board
    given: list[Given] = []
    at = None
    if handover is not None and site is not None:
        given, at = identity.load(handover, site)
        given = [one for one in given if box in ("", one.box)]
        if not given:
            raise BoxError(f"移交文件里没有 {box}", f"{box} is not in the hand-over file")
    book = records.Records(records_dir)
    load = tray.Tray(whole, given, at, book, now_ms, keep_journal, force, baud, not no_reset)
    ports = port or tray.ports()
    if len(ports) > 1 and at is not None and at.addressed:
        raise BoxError(
            "现场文件里有固定地址 static，几台会用同一个地址：一台一台烧（PORT=、BOX=），每台先改 static；没有写入任何一台",
            "the site file has a fixed address (static), which several boxes would share: flash them one by one (PORT=, BOX=) "
            "and change it for each; no board was touched",
        )
    outcomes = tray.run(load, ports, say)
    say(tray.summary(outcomes))
    if not all(one.ok for one in outcomes):
        raise typer.Exit(FAILED)
    if not keep_journal:
        after = "doctor" if given else "provision"
        told(f"下一步 manyi box {after}", f"next: manyi box {after}")


@box_app.command("provision")
def box_provision(
    port: Port,
    handover: HandoverFile,
    site: SiteFile,
    box: BoxId = "",
    records_dir: RecordsDir = HOME,
    journal: Annotated[
        Journal, typer.Option(help=both("芯片里有旧记录时", "If old records lie in the chip."))
    ] = Journal.refuse,
) -> None:
    """给空白评价器写入身份，读回核对，然后上锁 / Give a blank box its identity, read back, lock."""
    given, at = _given(handover, site, box)
    with opened(port) as line:
        console = Console(line, port)
        provisioning.provision(console, given, at, records.Records(records_dir), now_ms(), journal, told)
    told(f"{given.box} 完成，下一步 manyi box doctor", f"{given.box} is done; next: manyi box doctor")


@box_app.command("doctor")
def box_doctor(
    context: typer.Context,
    port: Port,
    handover: HandoverOption = None,
    ask_code: AskCode = False,
    records_dir: RecordsDir = HOME,
    patience: Annotated[
        float, typer.Option(help=both("等网络的秒数", "Seconds to wait for the link."))
    ] = doctors.LINK_S,
) -> None:
    """引导测试：灯、声、键、网络、服务器、中心确认 / The guided test, ending in one green light."""
    with opened(port) as line:
        console = Console(line, port)
        seen = console.hello()
        if seen.get("state") in ("blank", "written"):
            raise BoxError(
                "还没有身份：先 manyi box provision", "it has no identity yet: manyi box provision"
            )
        key = unlocked(context, console, seen, handover, ask_code)
        try:
            checks = doctors.examine(console, confirmed, say, link_s=patience)
            status = console.ask("status")
            good = doctors.passed(checks)
            if good:
                console.ask("passed")
            body = doctors.report(seen, status, checks, who(), now_ms())
            if key:
                text = records.sealed(key, seen["box"], body)
            else:
                text = records.vouched(body, lambda digest: console.ask("vouch", digest)["mac"])
        finally:  # also after Ctrl-C: whoever comes next finds it locked
            with contextlib.suppress(BoxError):
                console.ask("lock")
    path = records.Records(records_dir).accept(seen["box"], text)
    told(
        f"验收记录存在 {path}，打印用 manyi box record",
        f"the acceptance record is {path}; manyi box record prints it",
    )
    words = both("  合格", "PASS  ") if good else both("  不合格", "NOT PASSED  ")
    lit = typer.style(words, bold=True, bg="green" if good else "red")
    typer.echo(lit, color=False if sys.platform == "win32" else None)  # its older consoles show the escapes
    if not good:
        told("× 的各项处理以后，再测一次", "put right what is marked ×, and test again")
        raise typer.Exit(FAILED)


@box_app.command("list")
def box_list(
    context: typer.Context,
    records_dir: RecordsDir = HOME,
    ports: Annotated[
        bool, typer.Option("--ports", help=both("问每个 USB 串口上是谁", "Ask every USB port who is there."))
    ] = False,
    handover: Annotated[
        Path | None,
        typer.Option(help=both("移交文件：核对验收记录的签名", "Hand-over file: checks the records' seals.")),
    ] = None,
) -> None:
    """列出写过身份的评价器和验收结果 / List boxes that were given an identity, and their tests."""
    book = records.Records(records_dir)
    keys = identity.links(handover)
    claims = book.claims()
    if not claims:
        typer.echo(
            both(f"{records_dir} 里还没有评价器的档案", f"No box has a file in {records_dir} yet."), err=True
        )
    for one in claims:
        typer.echo(
            f"{one.box:24} {one.mac}  PIN {one.pin}  {_state(one, book.accepted(one.box), keys.get(one.box))}"
        )
    for name in tray.ports() if ports else []:
        try:
            with opened(name) as line:
                seen = Console(line, name).hello()
            typer.echo(f"{name:24} {seen.get('state')} {seen.get('box', '')} {seen.get('mac')}")
        except BoxError as error:
            typer.echo(f"{name:24} {error}")


def _state(one: records.Claim, text: str, key: bytes | None) -> str:
    if one.retired:
        return both("已退役", "retired")
    if not text:
        return both("未验收", "not tested")
    if key is not None and not records.is_sealed(key, one.box, text):
        return both("验收记录被改动", "the record was changed")
    return both("合格", "passed") if json.loads(text).get("ok") else both("不合格", "not passed")


prints.mount(box_app)
desk.mount(box_app)
orders.mount(box_app)
rescue.mount(box_app)
renew.mount(box_app)
