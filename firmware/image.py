"""Makes the one file that a board is flashed with, from address 0: the technician's own MicroPython, our partition
table, a file system with the firmware, an empty journal. Pure functions over bytes, and a small command.

    python firmware/image.py --board esp32_devkitc --firmware ESP32_GENERIC.bin --sha256 SUMS --out build/box.bin

An official MicroPython .bin holds the bootloader, a partition table at 0x8000 and the application at 0x10000, counted
from where the chip's ROM looks for a bootloader (0x1000 on the ESP32, 0 on the S3: the file begins there). Only the
table is replaced. Refuses: a file whose SHA-256 is not the named one, of another chip, cut short, damaged, or too large
for its partition; and to overwrite half an image: the file is put in place whole.

Writes no identity: `manyi box provision` or `manyi box flash --box` does, so that one image serves a whole tray.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import re
import runpy
import struct
import sys
from collections.abc import Mapping
from functools import reduce
from operator import xor
from pathlib import Path
from typing import Any

from partitions import BLOCK, ENTRY_MAGIC, TABLE_AT, Partition, Wrong, named, ours, table

HERE = Path(__file__).resolve().parent
BUILT = HERE.parent / "build" / "firmware"
BOOTLOADER_AT = {
    "esp32": 0x1000,
    "esp32s3": 0,
}  # the chips that are known; another one is a line here and in CHIP_ID
CHIP_ID = {"esp32": 0, "esp32s3": 9}  # of the image header
IMAGE_MAGIC, IMAGE_HEAD, CHECKSUM_SEED = 0xE9, 24, 0xEF
DESC_MAGIC = struct.pack("<I", 0xABCD5432)  # esp_app_desc_t, at the front of the first segment
OLDEST = (1, 23)  # of MicroPython: the first with the modules `vfs` and `tls`
BOOTLOADER, APPLICATION = ("引导程序", "bootloader"), ("应用程序", "application")
BOOT_FILE = Path("ports/esp32/boot.py")


# --- what the technician supplies ----------------------------------------------------------------------------------


def check_sum(data: bytes, wanted: str, name: str) -> None:
    """`wanted`: 64 hex digits, or the text of a list as sha256sum writes it, in which `name` must be. Raises Wrong."""
    digest = hashlib.sha256(data).hexdigest()
    if re.fullmatch(r"\s*[0-9a-fA-F]{64}\s*", wanted):
        listed = [wanted.strip().lower()]
    else:
        lines = re.findall(r"^([0-9a-fA-F]{64}) [ *](.+?)\s*$", wanted, re.MULTILINE)
        listed = [sum_.lower() for sum_, file in lines if re.split(r"[/\\]", file)[-1] == name]
        if not listed:
            raise Wrong(
                f"校验清单里没有 {name}",
                f"the list has no SHA-256 for {name}: get the list that came with it",
            )
    if digest not in listed:
        raise Wrong(
            f"{name} 的 SHA-256 不符（{digest}），文件损坏或不是原件，请重新下载",
            f"{name} has another SHA-256 ({digest}): damaged or not the original. Fetch it again",
        )


def image_end(raw: bytes, at: int, chip: str, what: tuple[str, str]) -> int:
    """Where the ESP image at `at` ends, its header, checksum and digest checked. Raises Wrong."""
    zh, en = what
    cut = Wrong(f"{zh}不完整，文件被截断：重新下载", f"the {en} is cut short: fetch the file again")
    if len(raw) < at + IMAGE_HEAD:
        raise cut
    magic, segments = raw[at], raw[at + 1]
    if magic != IMAGE_MAGIC:
        raise Wrong(
            f"文件里没有{zh}", f"there is no {en} at 0x{at:x}: is this a MicroPython .bin for {chip}?"
        )
    (chip_id,) = struct.unpack_from("<H", raw, at + 12)
    if chip_id != CHIP_ID[chip]:
        found = next((c for c, number in CHIP_ID.items() if number == chip_id), f"chip {chip_id}")
        raise Wrong(
            f"{zh}是给 {found} 的，这块板是 {chip}：换一个 .bin，或改 BOARD",
            f"the {en} is for {found}, the board is an {chip}: another .bin, or another BOARD",
        )
    end, check = at + IMAGE_HEAD, CHECKSUM_SEED
    for _ in range(segments):
        if len(raw) < end + 8:
            raise cut
        (size,) = struct.unpack_from("<I", raw, end + 4)
        end += 8
        if len(raw) < end + size:
            raise cut
        check = reduce(xor, raw[end : end + size], check)
        end += size
    end = at + (end - at) // 16 * 16 + 16
    digest_at = end
    if raw[at + 23]:
        end += 32
    if len(raw) < end:
        raise cut
    if raw[digest_at - 1] != check or (
        raw[at + 23] and hashlib.sha256(raw[at:digest_at]).digest() != raw[digest_at:end]
    ):
        raise Wrong(f"{zh}损坏：重新下载", f"the {en} is damaged: fetch the file again")
    return end


def take_apart(firmware: bytes, chip: str, parts: list[Partition]) -> tuple[bytes, bytes]:
    """-> (bootloader, application) of a MicroPython .bin, each without what follows it. Raises Wrong."""
    base = BOOTLOADER_AT[chip]
    raw = b"\xff" * base + firmware
    factory = named(parts, "factory")
    boot_end = image_end(raw, base, chip, BOOTLOADER)
    if boot_end > TABLE_AT:
        raise Wrong(
            "引导程序太大：换用官方标准版固件",
            f"the bootloader is {boot_end - TABLE_AT} bytes too large for its place: take the official plain build",
        )
    if raw[TABLE_AT : TABLE_AT + 2] != ENTRY_MAGIC:
        raise Wrong(
            "文件里没有分区表，不是整机固件",
            "there is no partition table at 0x8000: take the .bin, not the .app-bin",
        )
    app_end = image_end(raw, factory.at, chip, APPLICATION)
    if app_end > factory.at + factory.size:
        over = app_end - factory.at - factory.size
        raise Wrong(
            f"应用程序超出分区 {over} 字节：换用标准版（ESP32_GENERIC，不带 SPIRAM、OTA 字样）",
            f"the application is {over} bytes larger than its partition: take the plain build, no SPIRAM, no OTA",
        )
    app = raw[factory.at : app_end]
    release = version(app)
    if release and release < OLDEST:
        is_, oldest = (".".join(map(str, v)) for v in (release, OLDEST))
        raise Wrong(
            f"MicroPython {is_} 太旧：换 {oldest} 以上的",
            f"MicroPython {is_} is older than {oldest}: take a newer one",
        )
    return raw[base:boot_end], app


def version(app: bytes) -> tuple[int, ...]:
    """MicroPython's (major, minor) as the application says it; () if it does not."""
    desc = app[IMAGE_HEAD + 8 : IMAGE_HEAD + 8 + 80]
    found = re.match(rb"v?(\d+)\.(\d+)", desc[16:48]) if desc[:4] == DESC_MAGIC else None
    return tuple(int(n) for n in found.groups()) if found else ()


# --- what is ours --------------------------------------------------------------------------------------------------


def facts(board: str) -> dict[str, Any]:
    """What boards/BOARD.py says. Raises Wrong if no image can be made for its chip."""
    found = runpy.run_path(str(HERE / "boards" / f"{board}.py"))
    if found["CHIP"] not in BOOTLOADER_AT:
        known = "、".join(BOOTLOADER_AT)
        raise Wrong(
            f"boards/{board}.py 的芯片是 {found['CHIP']}，现在只能制作 {known} 的镜像",
            f"boards/{board}.py is for an {found['CHIP']}; images can be made for {known.replace('、', ', ')}",
        )
    return found


def tree(built: Path, board: str) -> dict[str, bytes]:
    """Path on the box to content: boot.py, app/ with the compiled firmware and this board's facts, and what of these the
    flashing tool has to know (`manyi.box.flashing.image.facts`). Raises Wrong."""
    of = facts(board)
    said = {"board": of["NAME"], "chip": of["CHIP"], "resets": of["AUTO_RESET"]}
    files = {"boot.py": (HERE / BOOT_FILE).read_bytes(), "board.json": json.dumps(said).encode()}
    for path in sorted(built.rglob("*.mpy")):
        inside = path.relative_to(built)
        skip = inside.parts[:2] == ("ports", "sim") or inside == BOOT_FILE.with_suffix(".mpy")
        if skip or (inside.parts[0] == "boards" and inside.stem != board):
            continue
        files[f"app/{inside.as_posix()}"] = path.read_bytes()
    return files


def filesystem(files: Mapping[str, bytes], size: int) -> bytes:
    """A littlefs of `size` bytes, as VfsLfs2 mounts it. Raises Wrong if they do not fit."""
    from littlefs import LittleFS, LittleFSError  # noqa: PLC0415  only who makes an image needs it

    fs = LittleFS(block_size=BLOCK, block_count=size // BLOCK, read_size=32, prog_size=32, lookahead_size=32)
    try:
        for name, content in files.items():
            if "/" in name:
                fs.makedirs(name.rpartition("/")[0], exist_ok=True)
            with fs.open(name, "wb") as file:
                file.write(content)
    except LittleFSError as error:
        need = sum(map(len, files.values()))
        raise Wrong(
            f"文件放不下（{need} 字节）：固件改大了？先 make size",
            f"{need} bytes of files do not fit into {size} ({error}): has the firmware grown? make size",
        ) from None
    fs.unmount()
    return bytes(fs.context.buffer)  # type: ignore[attr-defined]


def assemble(firmware: bytes, chip: str, files: Mapping[str, bytes], parts: list[Partition]) -> bytes:
    """The whole flash from address 0. Raises Wrong."""
    bootloader, app = take_apart(firmware, chip, parts)
    whole = bytearray(b"\xff" * (parts[-1].at + parts[-1].size))
    vfs, data = named(parts, "vfs"), named(parts, "data")
    for at, content in (
        (BOOTLOADER_AT[chip], bootloader),
        (TABLE_AT, table(parts)),
        (named(parts, "factory").at, app),
        (vfs.at, filesystem(files, vfs.size)),
        (data.at, filesystem({}, data.size)),
    ):
        whole[at : at + len(content)] = content
    return bytes(whole)


def main(words: list[str] | None = None) -> None:
    ask = argparse.ArgumentParser(description="制作整机镜像 / Make the image of a board's whole flash.")
    ask.add_argument("--board", required=True, help="板型 / the board: " + _offered())
    ask.add_argument("--firmware", required=True, help="官方 MicroPython .bin / the official .bin")
    ask.add_argument(
        "--sha256",
        required=True,
        help="64 位十六进制，或清单文件 / hex digits, or a list as sha256sum writes it",
    )
    ask.add_argument(
        "--built", type=Path, default=BUILT, help="make firmware 的输出 / what `make firmware` made"
    )
    ask.add_argument("--out", required=True, type=Path)
    got = ask.parse_args(words)
    try:
        image = _make(got.board.replace("-", "_"), got.firmware, got.sha256, got.built)
        fresh = got.out.with_suffix(".new")
        got.out.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_bytes(image)
        fresh.replace(got.out)
    except Wrong as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"文件读写失败：{error.filename} / a file cannot be read or written: {error}")
    print(f"镜像做好 / made: {got.out}\n    sha256 {hashlib.sha256(image).hexdigest()}")


def boards() -> list[str]:
    return sorted(p.stem for p in (HERE / "boards").glob("*.py"))


def _offered() -> str:
    return " ".join(board.replace("_", "-") for board in boards())


def _text(listed: bytes) -> str:
    """A list as sha256sum, PowerShell (UTF-16) or an editor of a Chinese Windows has written it."""
    marked = listed[:2] in (b"\xff\xfe", b"\xfe\xff")
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
        with contextlib.suppress(UnicodeDecodeError):
            return listed.decode(encoding)
    return ""


def _make(board: str, firmware: str, wanted: str, built: Path) -> bytes:
    if board not in boards():
        raise Wrong(
            f"没有这种板：{board}，可用 {_offered()}", f"there is no board {board}: take one of {_offered()}"
        )
    if not Path(firmware).is_file():
        raise Wrong(
            f"没有找到 MicroPython 文件“{firmware}”：FIRMWARE= 写下载来的 .bin",
            "there is no such MicroPython file: FIRMWARE= names the .bin from micropython.org/download",
        )
    raw = Path(firmware).read_bytes()
    if not re.fullmatch(r"[0-9a-fA-F]{64}", wanted):
        if not Path(wanted).is_file():
            raise Wrong(
                "缺 SHA-256：SHA256= 写 64 位数字，或和 .bin 一起下载的清单文件",
                "no SHA-256: SHA256= takes its 64 digits, or the list that came with the .bin",
            )
        wanted = _text(Path(wanted).read_bytes())
    check_sum(raw, wanted, Path(firmware).name)
    if not (built / "main.mpy").exists():
        raise Wrong(
            "固件还没有编译", "the firmware is not compiled: make firmware, or python firmware/build.py"
        )
    return assemble(raw, facts(board)["CHIP"], tree(built, board), ours())


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  a file's name may not be in the code page
    main()
