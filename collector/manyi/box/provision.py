"""Gives a blank box its identity over the serial line, reads back what it wrote, and has the box prove that it holds it.

Refuses: a box that has an identity, a chip whose journal holds another life's records (unless told what to do with
them). Can be interrupted anywhere and started again: the box takes the identity in one step, with the last file. Until that
is asked for, the name is nobody's: what is refused or cut short before it can be given to another board.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from enum import StrEnum

from manyi.box import identity, talk
from manyi.box.console import Console
from manyi.box.identity import Given
from manyi.box.records import Records
from manyi.box.site import Site
from manyi.box.words import BoxError

WIPE_S = 60.0
"""An erase of 128 blocks takes 6 s, and an old chip's is slower."""
START_S = 45.0
"""A start with the scan of a full journal."""


class Journal(StrEnum):
    """What to do with records that lie in a blank box."""

    refuse = "refuse"
    wipe = "wipe"
    keep = "keep"


def provision(
    console: Console,
    given: Given,
    site: Site,
    records: Records,
    now_ms: int,
    journal: Journal = Journal.refuse,
    tell: Callable[[str, str], None] = lambda _zh, _en: None,
) -> dict[str, str]:
    """The started box's hello. Raises BoxError."""
    seen = console.hello()
    if seen.get("state") not in ("blank", "written"):
        mine = seen.get("box") == given.box
        raise BoxError(
            f"这台评价器已是 {seen.get('box')}"
            + ("，无需再写" if mine else "：先 manyi box retire，或换一台"),
            f"this box is {seen.get('box')} already" + ("" if mine else ": retire it, or take another one"),
        )
    fresh = records.standing(given.box, seen["mac"]) is None
    if seen["state"] == "blank":
        _empty(console, int(seen["journal"]), journal)
    claim = records.claim(given.box, seen["mac"], now_ms)
    if seen["state"] == "blank":
        try:
            files = identity.files(given, site, seen["board"], claim.pin)
            for name, content in files.items():
                tell(f"写入 {name}", f"writing {name}")
                send(console, name, content)
                if name != identity.IDENTITY:
                    keep(console, name, content)
        except BaseException:
            if fresh:
                records.release(given.box)  # no chip has it: its last file was never asked to be kept
            raise
        keep(console, identity.IDENTITY, files[identity.IDENTITY])
        for name, content in files.items():
            if console.ask("sum", name).get("sha256") != hashlib.sha256(content).hexdigest():
                raise BoxError(
                    f"{name} 读回不一致，换一块板", f"{name} reads back as something else: take another board"
                )
        tell("读回一致", "read back and found the same")
    console.ask("start")
    tell("重新启动", "starting")
    started = console.wait_for("locked", "open", patience_s=START_S)
    if started.get("box") != given.box:
        raise BoxError(f"启动后自称 {started.get('box')}", f"it started as {started.get('box')}")
    console.unlock(bytes.fromhex(given.k_link))
    console.ask("lock")
    tell("密钥核对正确，控制台已锁", "it holds its key; the console is locked")
    return started


def _empty(console: Console, used: int, journal: Journal) -> None:
    if not used or journal is Journal.keep:
        return
    if journal is Journal.refuse:
        raise BoxError(
            f"芯片里还有旧记录（{used} 块）：同一台重新写身份用 --journal keep，确需清除用 --journal wipe",
            f"old records lie in this chip ({used} blocks): --journal keep if it is the same box, --journal wipe to erase",
        )
    console.ask("wipe", patience_s=WIPE_S)


def put(console: Console, name: str, content: bytes) -> None:
    """One file; the box reads it back before it is kept. Raises BoxError."""
    send(console, name, content)
    keep(console, name, content)


def send(console: Console, name: str, content: bytes) -> None:
    """Piece by piece, and not yet kept."""
    console.ask("take", name, len(content), hashlib.sha256(content).hexdigest())
    for at in range(0, len(content), talk.PIECE):
        console.ask("more", at, content[at : at + talk.PIECE].hex())


def keep(console: Console, name: str, content: bytes) -> None:
    if console.ask("keep") != {"size": str(len(content)), "sha256": hashlib.sha256(content).hexdigest()}:
        raise BoxError(
            f"{name} 写入后不一致：换一块板", f"{name} was kept as something else: take another board"
        )


def retire(console: Console, k_link: bytes, box: str, *, force: bool) -> int:
    """Takes the identity away and empties the journal. -> records given up. Raises BoxError (Refusal while some wait)."""
    seen = console.hello()
    lost = 0
    if seen.get("state") != "blank":
        if seen.get("box") != box:
            raise BoxError(f"这台是 {seen.get('box')}，不是 {box}", f"this is {seen.get('box')}, not {box}")
        console.unlock(k_link)
        lost = int(console.ask("retire", *(["force"] if force else [])).get("lost", "0"))
        console.wait_for("blank", patience_s=START_S)
    console.ask("wipe", patience_s=WIPE_S)
    return lost
