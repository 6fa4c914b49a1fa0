"""`manyi box config | cmd | update`: what the centre wants of a box, on the machine that has the ledger. Composes.

The service (`manyi serve`) sends it; these only write orders.db and read what the box said. So a box that is switched
off gets its settings when it comes back, and a command only reaches the boot it was meant for.
"""

from __future__ import annotations

import sqlite3
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from manyi.box.asked import FAILED, BoxArgument, now_ms
from manyi.box.words import BoxError, answer, both
from manyi.core import config as configs
from manyi.core import keys as key_files
from manyi.core.ledger import schema
from manyi.core.orders import bundle, settings
from manyi.core.orders.store import Command, Orders

POLL_S = 0.2
SOON_S = 20.0  # a box answers within a second; a bad line takes longer
UPDATE_S = 300.0  # 200 pieces, each a round trip
TRIED_S = 900.0  # a new firmware has ten minutes to reach the collector (firmware/tasks/chores.py), and both must start
GIVEN_UP = 7  # docs/WIRE.md, boot: an update was tried before, in vain


class Do(StrEnum):
    identify = "identify"
    keytest = "keytest"
    reboot = "reboot"


class Heard(NamedTuple):
    """`said`: the box's newest reply, as (id, text). `reason`: why it started last, by its newest state."""

    boot: int
    config: str
    fw: str
    said: tuple[str, str] = ("", "")
    reason: int = 0


def box_config(
    context: typer.Context,
    box: Annotated[str, typer.Argument(help=both("评价器编号，all 为全部", "The box's id, or all."))] = "",
    given: Annotated[
        list[str] | None, typer.Argument(metavar="[名称=值]...", help=both("要改的设置", "What to set."))
    ] = None,
) -> None:
    """看或改设置：mode second open bright volume beat_s / Show or set a box's settings."""
    config = configs.load(context.obj)
    boxes = list(key_files.load(config.keys.link_file, "link key file"))
    chosen = boxes if box in ("", "all") else [_known(box, boxes)]
    store = Orders(config.data.orders)
    try:
        if given:
            wanted = store.wanted()
            now = [(b, wanted[b].settings if b in wanted else {}) for b in chosen]
            new = [(b, settings.changed(old, given, config.policy.visit_ms)) for b, old in now]
            for b, values in new:
                store.want(b, values, now_ms())
        wanted = store.wanted()
    finally:
        store.close()
    for b in chosen:
        heard = _heard(config, b)
        if b in wanted:
            line = " ".join(f"{name}={value}" for name, value in wanted[b].settings.items())
            typer.echo(f"{b}  {wanted[b].id}  {_standing(wanted[b].id, heard)}  {line}")
        else:
            typer.echo(f"{b}  {both('出厂设置', 'defaults')}")


def box_cmd(
    context: typer.Context,
    box: BoxArgument,
    do: Annotated[Do, typer.Argument(help=both("做什么", "What to do."))],
) -> None:
    """让评价器闪灯、测键或重启，等它回答；all 为全部 / Have a box, or all, flash, test its keys or reboot; waits for answers."""
    config = configs.load(context.obj)
    if box == "all":
        _send_to_all(config, do)
        return
    _key(config, box)
    _send(config, box, do.value, SOON_S)


def box_update(
    context: typer.Context,
    box: BoxArgument,
    version: Annotated[str, typer.Argument(help=both("版本，如 1.2.0", "Its version, such as 1.2.0."))],
    firmware: Annotated[
        Path, typer.Option(help=both("编译好的固件", "The compiled firmware (make firmware)."))
    ] = Path("build/firmware"),
    board_port: Annotated[
        str, typer.Option("--for", help=both("给哪种评价器", "For which kind of box: esp32 or sim."))
    ] = "esp32",
) -> None:
    """升级固件：试用一次，连不上中心自动退回；等到结果 / Update: tried once, given up by itself if it fails; waits for it."""
    config = configs.load(context.obj)
    key = _key(config, box)
    stream = bundle.pack(bundle.read(firmware, board_port), version, box, key)
    _is_built(firmware, version)
    typer.echo(both("正在发送", "sending") + f" {version}: {len(stream)} bytes")
    before = _send(config, box, "update", UPDATE_S, stream, version)
    typer.echo(
        both(
            "已收下，正在重启试用；可以按 Ctrl-C 不等结果",
            "taken; it restarts and tries it; Ctrl-C does not wait for how it ends",
        )
    )
    try:
        heard = _started(config, box, before.boot)
    except KeyboardInterrupt:
        typer.echo(
            both(
                "不等了：结果看“设备”表的固件一栏，不用再发一次",
                "not waited for: the table of boxes shows its firmware; it needs no second sending",
            )
        )
        raise typer.Exit from None
    if heard is None:
        raise BoxError(
            f"{box} 一刻钟没有再上线：看它有没有电、网络通不通",
            f"{box} has not come back for a quarter of an hour: has it power, and a network?",
        )
    # A box that was switched off meanwhile has another reason by now, and still the old firmware.
    if heard.reason == GIVEN_UP or (heard.fw == before.fw != version):
        typer.echo(
            both(
                f"已退回 {heard.fw}：新固件没有连上中心，评价照常；换一个版本再试",
                f"given up, {heard.fw} runs again: the new one did not reach the centre; try another version",
            ),
            err=True,
        )
        raise typer.Exit(FAILED)
    typer.echo(both(f"已启用：{heard.fw}", f"in use: {heard.fw}"))


def _is_built(firmware: Path, version: str) -> None:
    """What is typed must be what the box will say of itself; a folder that does not say which it is, is taken."""
    said = firmware / "version"  # firmware/build.py
    built = said.read_text(encoding="utf-8").strip() if said.exists() else version
    if built != version:
        raise BoxError(
            f"{firmware} 里编译的是 {built}，不是 {version}：改用 {built}，或重新 make firmware",
            f"{firmware} holds {built}, not {version}: ask for {built}, or make firmware anew",
        )


def _started(config: configs.Config, box: str, boot: int) -> Heard | None:
    """What the box says of itself after the boot that took the update; None: it has not come back."""
    end = time.monotonic() + TRIED_S
    while time.monotonic() < end:
        heard = _heard(config, box)
        if heard is not None and heard.boot > boot and heard.fw:
            return heard
        time.sleep(POLL_S)
    return None


def _send(
    config: configs.Config, box: str, do: str, patience_s: float, stream: bytes = b"", version: str = ""
) -> Heard:
    """-> what the box had said of itself before it did it."""
    heard = _heard(config, box)
    if heard is None:
        raise BoxError(f"{box} 还没有报过到", f"{box} has not been heard of yet")
    store = Orders(config.data.orders)
    try:
        command = store.command(box, heard.boot, do, now_ms(), stream, version)
    finally:
        store.close()
    ok, text = _reply(config, command, patience_s)
    if ok:
        typer.echo(both("评价器已执行", "done by the box"))
        return heard
    zh, en = answer(text)
    typer.echo(both(f"评价器拒绝：{zh}", f"refused by the box: {en}"), err=True)
    raise typer.Exit(FAILED)


def _send_to_all(config: configs.Config, do: Do) -> None:
    """To every box that was ever heard of; those that are switched off are told as such, and never do it."""
    if do is Do.reboot:
        raise BoxError("重启请一台一台来", "reboot them one at a time")
    store = Orders(config.data.orders)
    try:
        commands = [
            store.command(box, heard.boot, do.value, now_ms(), b"", "")
            for box in key_files.load(config.keys.link_file, "link key file")
            if (heard := _heard(config, box)) is not None
        ]
    finally:
        store.close()
    end, failed = time.monotonic() + SOON_S, 0
    for command in commands:
        try:
            ok, text = _reply(config, command, max(POLL_S, end - time.monotonic()))
            zh, en = ("已执行", "done") if ok else answer(text)
        except BoxError:
            ok, zh, en = False, "没有回答：看它在线吗", "no answer: is it online?"
        failed += not ok
        typer.echo(f"{command.box}  {both(zh, en)}")
    typer.echo(
        both(
            f"共 {len(commands)} 台，{failed} 台没有执行", f"{len(commands)} boxes, {failed} have not done it"
        )
    )
    if failed:
        raise typer.Exit(FAILED)


def _reply(config: configs.Config, command: Command, patience_s: float) -> tuple[bool, str]:
    end = time.monotonic() + patience_s
    conn = schema.open_for_reading(config.data.ledger)
    try:
        while time.monotonic() < end:
            query = "SELECT ok, text FROM reply WHERE box = ? AND id = ? AND at_ms >= ?"
            found = conn.execute(query, (command.box, command.id, command.at_ms)).fetchone()
            if found is not None:
                return bool(found[0]), found[1]
            time.sleep(POLL_S)
    finally:
        conn.close()
    raise BoxError(
        f"{command.box} 没有回答：看它在线吗，manyi serve 在运行吗",
        f"{command.box} did not answer: is it online, and does manyi serve run?",
    )


def _heard(config: configs.Config, box: str) -> Heard | None:
    """What the box said last of itself."""
    conn = schema.open_for_reading(config.data.ledger)
    try:
        state = conn.execute("SELECT at_ms, boot, fw, reason FROM state WHERE box = ?", (box,)).fetchone()
        beat = conn.execute(
            "SELECT at_ms, boot, config FROM beat WHERE box = ? ORDER BY at_ms DESC LIMIT 1", (box,)
        ).fetchone()
        said = conn.execute("SELECT id, text FROM reply WHERE box = ?", (box,)).fetchone() or ("", "")
    except sqlite3.Error as error:
        raise BoxError("台账读不出", f"the ledger cannot be read: {error}") from None
    finally:
        conn.close()
    if state is None and beat is None:
        return None
    newest = max((row for row in (state, beat) if row is not None and row[1]), default=(0, 0, ""))
    fw, reason = ("", 0) if state is None else state[2:]
    return Heard(newest[1], "" if beat is None else beat[2], fw, said, reason)


def _standing(id_: str, heard: Heard | None) -> str:
    if heard is None:
        return both("还没有报过到", "not heard of yet")
    if heard.config == id_:
        return both("已生效", "in force")
    if heard.config == f"!{id_}":
        return refused(id_, *heard.said)
    return both("已发出，还没生效", "sent, not yet in force")


def refused(id_: str, about: str, text: str) -> str:
    """Why a box keeps its old settings: it names the value in its reply, if that is still the newest."""
    name, _, wrong = text.partition(" is wrong")
    if about == id_ and wrong:
        return both(
            f"评价器不接受 {name} 的值，仍用旧设置：改正后再发，或先升级固件",
            f"the box does not take the value of {name} and keeps the old settings: correct it, or update its firmware",
        )
    return both(
        "评价器拒绝了它，仍用旧设置：固件太旧？先升级",
        "refused by the box, which keeps the old: update its firmware",
    )


def _known(box: str, boxes: list[str]) -> str:
    if box not in boxes:
        raise BoxError(f"没有 {box} 的密钥：编号写错了？", f"there is no key for {box}: is the id right?")
    return box


def _key(config: configs.Config, box: str) -> bytes:
    keys = key_files.load(config.keys.link_file, "link key file")
    return keys[_known(box, list(keys))]


def mount(app: typer.Typer) -> None:
    for name, command in (("config", box_config), ("cmd", box_cmd), ("update", box_update)):
        app.command(name)(command)
