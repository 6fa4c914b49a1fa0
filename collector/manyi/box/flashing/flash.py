"""A board's flash by esptool, which is a program of its own (GPL): look what is there, keep what is not delivered, write,
verify.

Refuses: an image for another chip, to write over records that nobody has, to call a board flashed that esptool has not
read back by MD5.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import textwrap
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from manyi.box.flashing import image
from manyi.box.words import BoxError

BAUD = 460800
PATIENCE_S = 120.0
"""Beyond twice what every bit of the chip takes: nobody waits longer for a dead cable."""
FLASH_BITS = 4 * 1024 * 1024 * 10  # as a serial line counts
ANY_CHIP = "auto"
SAID_CHARS = 150
VERIFIED = "Hash of data verified"

_TROUBLE = (
    (
        r"This chip is (?P<a>\S+), not|Unexpected chip ID|wrong chip argument",
        "芯片型号不符（{0}）：换镜像或换板",
        "it is another chip ({0}): another image, or another board",
    ),
    (
        r"resource busy|Device or resource|exclusively lock|Access is denied|PermissionError|Permission denied",
        "串口被别的程序占用，或没有权限",
        "the port is in use by another program, or not yours to open",
    ),
    (
        r"(No such file or directory|could not open port|FileNotFoundError|doesn't exist)",
        "没有这个串口：检查线和驱动",
        "there is no such port: cable, driver",
    ),
    (
        r"MD5 of file does not match|md5sum|Digest mismatch|failed to verify",
        "写入后校验不一致：降低 --baud 再试，仍不行换板",
        "what was written does not verify: try a lower --baud, then another board",
    ),
    (
        r"[Ff]ailed to connect|No serial data received|Wrong boot mode",
        "连不上芯片：按住 BOOT 再碰 EN；有线版 IO0 接 GND",
        "the chip does not answer: hold BOOT, touch EN (wired board: IO0 to GND)",
    ),
    (
        r"noise or corruption|No more data to read|Invalid head of packet|stopped|disconnected|Lost connection|"
        r"Aborted|Input/output error|device reports readiness|not open|timed out|[Tt]imeout|Connection",
        "中途断开：插好线，从头再来一次，不会留下半台",
        "the line broke: plug it in and start again from the beginning",
    ),
    (
        r"exceed|larger than|will not fit|does not fit",
        "镜像超出芯片容量：换 4 MB 以上的板",
        "the image is larger than the chip's flash: take a board of 4 MB or more",
    ),
)


@dataclass(frozen=True, slots=True)
class Board:
    """How to reach one. `reset` False: nothing on its cable resets it, a hand does (IO0 to GND, EN)."""

    port: str
    baud: int = BAUD
    reset: bool = True


def trouble(text: str) -> BoxError:
    """esptool's last words in ours, and its own sentence behind them."""
    tail = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", text).split("\n")[-8:])
    tail = " ".join(tail.split())
    own = re.search(r"[Ee]rror(?: occurred)?: (.+?)(?: Hint: | For troubleshooting|$)", tail)
    said = textwrap.shorten(own[1] if own else tail, SAID_CHARS, placeholder=" ...")
    for pattern, zh, en in _TROUBLE:
        found = re.search(pattern, tail)
        if found:
            a = found.groupdict().get("a") or "?"
            return BoxError(zh.format(a), f"{en.format(a)} (esptool: {said})")
    return BoxError(
        "esptool 失败：拔下板子再插上，从头再来一次",
        f"esptool failed, plug the board in anew and try again: {said}",
    )


def esptool(board: Board, chip: str, *words: str, progress: Callable[[float], None] = lambda _: None) -> str:
    """What it said. Raises BoxError.

    Without a reset esptool leaves the chip in its own loader at the speed that the next run begins with, not in the stub."""
    reset = [] if board.reset else ["--before", "no-reset", "--after", "no-reset"]
    command = [
        sys.executable, "-m", "esptool", "--chip", chip, "--port", board.port, "--baud", str(board.baud), *reset, *words,
    ]  # fmt: skip
    said = []
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},  # a Chinese Windows would give and take GBK
    ) as process:
        assert process.stdout is not None
        late = threading.Event()

        def stop() -> None:
            late.set()  # first: whoever reads wakes as soon as it is killed
            process.kill()

        hung = threading.Timer(PATIENCE_S + 2 * FLASH_BITS / board.baud, stop)
        hung.start()
        try:
            for line in process.stdout:
                said.append(line)
                if percent := re.search(r"(\d+(?:\.\d+)?)%", line):
                    progress(float(percent[1]))
        finally:
            hung.cancel()
    if late.is_set():
        raise BoxError(
            "esptool 没有动静，已停下：换线、换口，拔下板子再插上，从头再来一次",
            "esptool was stopped, since nothing moved: another cable or port, the board plugged in anew, and from the beginning",
        )
    text = "".join(said)
    if process.returncode:
        if "No module named esptool" in text:
            raise BoxError("没有安装 esptool", "esptool is not installed: pip install esptool")
        raise trouble(text)
    return text


def mac(board: Board, chip: str) -> str:
    """The chip's own address, 12 hex digits. Raises BoxError."""
    found = re.search(r"MAC:\s+((?:[0-9a-f]{2}:){5}[0-9a-f]{2})", esptool(board, chip, "read-mac"))
    if found is None:
        raise BoxError("读不到芯片地址", "the chip does not say its MAC")
    return found[1].replace(":", "")


def read(board: Board, chip: str, place: image.Partition) -> bytes:
    """So much of a chip's flash. Raises BoxError."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "read.bin"
        esptool(board, chip, "read-flash", hex(place.at), hex(place.size), str(out))
        return out.read_bytes()


def held(board: Board, chip: str, backup: Path | None = None) -> image.Held | None:
    """What a chip that was a box before still holds; None if it was not one of ours. Raises BoxError.

    `backup`: where its journal's bytes go if there is anything in it."""
    journal = image.find(read(board, chip, image.TABLE), "journal")
    if journal is None:
        return None
    raw = read(board, chip, journal)
    found = image.held(raw)
    if found.records and backup is not None:
        backup.parent.mkdir(parents=True, exist_ok=True)
        backup.write_bytes(raw)
    return found


def write(
    board: Board,
    whole: bytes,
    *,
    keep_journal: bool = False,
    progress: Callable[[float], None] = lambda _: None,
) -> None:
    """One esptool run from address 0. Raises BoxError."""
    journal = image.named(whole[image.TABLE_AT :], "journal")
    chip = image.facts(whole).chip
    part = whole[: journal.at] if keep_journal else whole
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "image.bin"
        file.write_bytes(part)
        file.chmod(0o600)  # an identity may be in it
        said = esptool(
            board, chip, "write-flash", "--flash-size", "keep", "0x0", str(file), progress=progress
        )
    if VERIFIED not in said:
        raise BoxError("esptool 没有报告校验结果", "esptool did not say that it verified what it wrote")
