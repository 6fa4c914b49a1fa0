"""`manyi box renew`: another password, server, certificate or Wi-Fi for a box that stays who it is. Its name, keys, PIN and
journal are not touched, and nothing that waits in it is lost.

Refuses a box of another name, and to need what a bench should not have: no `k_chain`, and with `--code` no key at all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from manyi.box import identity
from manyi.box.asked import AskCode, Port, told, unlocked
from manyi.box.console import Console, opened
from manyi.box.identity import Account
from manyi.box.provision import START_S, put
from manyi.box.site import Site
from manyi.box.words import BoxError, both

RENEWAL = "renew.json"
WRITE_S = 10.0
"""The box reads its identity back before it answers."""


def files(account: Account, at: Site) -> dict[str, bytes]:
    """Name on the box to content, the renewal last. Networks only if the site file names some. Raises Unfit."""
    made, tls = identity.trust(at)
    new = {
        "host": at.host, "port": at.port, "user": account.user, "password": account.password, "tls": tls,
        **{name: value for name, value in at.extra.items() if value},
    }  # fmt: skip
    made[RENEWAL] = json.dumps(new, ensure_ascii=False, separators=(",", ":")).encode()
    identity.small_enough(made)
    return made


def renew(
    console: Console,
    box: str,
    content: dict[str, bytes],
    unlock: Callable[[dict[str, str]], bytes],
    tell: Callable[[str, str], None] = lambda _zh, _en: None,
) -> dict[str, str]:
    """The started box's hello. `unlock` opens the console and gives the key, or b"" if it was done by code. Raises
    BoxError."""
    seen = console.hello()
    if seen.get("state") in ("blank", "written"):
        raise BoxError("还没有身份：用 manyi box provision", "it has no identity yet: manyi box provision")
    if seen.get("box") != box:
        raise BoxError(f"这台是 {seen.get('box')}，不是 {box}", f"this is {seen.get('box')}, not {box}")
    key = unlock(seen)
    for name, text in content.items():
        tell(f"写入 {name}", f"writing {name}")
        put(console, name, text)
        if console.ask("sum", name).get("sha256") != hashlib.sha256(text).hexdigest():
            raise BoxError(f"{name} 读回不一致", f"{name} reads back as something else")
    console.ask("renew", patience_s=WRITE_S)
    tell("已更换，编号、密钥、PIN 和记录都没有动", "renewed; name, keys, PIN and journal are as they were")
    console.ask("start")
    started = console.wait_for("locked", patience_s=START_S)
    if key:
        console.unlock(key)
        console.ask("lock")
    return started


def box_renew(
    context: typer.Context,
    port: Port,
    handover: Annotated[
        Path,
        typer.Option(
            help=both("新账户：manyi broker add 的移交文件", "The new account: of `manyi broker add`.")
        ),
    ],
    site: Annotated[Path, typer.Option(help=both("现场文件：服务器、根证书、Wi-Fi", "The site file."))],
    ask_code: AskCode = False,
) -> None:
    """更换口令、服务器、证书或 Wi-Fi，身份和记录不变 / Another password, server, certificate or Wi-Fi; it stays itself."""
    text, at = identity.texts(handover, site)
    accounts = identity.accounts(text)
    keyed = handover if '"k_link"' in text else None
    with opened(port) as line:
        console = Console(line, port)
        box = console.hello().get("box", "")
        if box and box not in accounts:
            raise BoxError(f"移交文件里没有 {box}", f"{box} is not in the hand-over file")
        content = files(accounts[box], at) if box else {}
        renew(console, box, content, lambda seen: unlocked(context, console, seen, keyed, ask_code), told)
    told(f"{box} 完成，下一步 manyi box doctor", f"{box} is done; next: manyi box doctor")


def mount(app: typer.Typer) -> None:
    app.command("renew")(box_renew)
