"""What several commands of a technician ask for alike, and how they speak: options, a yes or no, the key that opens a box.

Refuses to take silence for a yes, and to print a key.
"""

from __future__ import annotations

import getpass
import shutil
import sys
import time
import unicodedata
from pathlib import Path
from typing import Annotated

import typer

from manyi.box import identity
from manyi.box.console import Console
from manyi.box.words import BoxError, both
from manyi.words import laid

FAILED = 1
"""Exit code: a box or a board did not pass, or what was handed in was refused."""

Port = Annotated[
    str,
    typer.Option("--port", "-p", help=both("串口，如 COM3", "Serial port, such as COM3 or /dev/ttyUSB0.")),
]
Baud = Annotated[
    int, typer.Option(help=both("波特率，线不好就降低", "Bits a second; lower for a bad cable."))
]
NoReset = Annotated[
    bool,
    typer.Option(
        "--no-reset", help=both("手动进入下载模式的板", "A board that is put into download mode by hand.")
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


def who() -> str:
    """The account that this is typed in, for the record; "?" if the system does not say."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "?"


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
    console.ask("unlock", digits(typer.prompt(both("解锁码", "code"))))
    return b""


def grouped(digits: str) -> str:
    """By fours, as it is read out."""
    return "-".join(digits[i : i + 4] for i in range(0, len(digits), 4))


def digits(said: str) -> str:
    return unicodedata.normalize("NFKC", said).replace("-", "").replace(" ", "").lower()
