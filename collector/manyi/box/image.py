"""What the host reads in a flash image, and the one thing it adds: a box's identity. Pure functions over bytes.

firmware/image.py makes images; neither imports the other, and tests/system/test_box_tools.py binds them.
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from manyi.box.words import BoxError

TABLE_AT, TABLE_SIZE = 0x8000, 0xC00
BLOCK, SLOT = 4096, 64
ENTRY = struct.Struct("<2sBBII16sI")
CHIP_AT = {"esp32": 0x1000, "esp32s3": 0x0}
CHIP_ID = {"esp32": 0, "esp32s3": 9}
JOURNAL_MAGIC = b"MYJ1"
ACKED_ONES = 3  # as the box counts: one rotten bit of eight neither frees nor takes back


@dataclass(frozen=True, slots=True)
class Partition:
    at: int
    size: int


@dataclass(frozen=True, slots=True)
class Held:
    """What a journal's bytes say. `waiting`: records behind the newest acknowledged one."""

    records: int
    waiting: int


def find(table: bytes, name: str) -> Partition | None:
    """A partition by its name; None if there is no table or none of that name."""
    for at in range(0, min(len(table), TABLE_SIZE) - ENTRY.size + 1, ENTRY.size):
        magic, _, _, offset, size, label, _ = ENTRY.unpack_from(table, at)
        if magic != b"\xaa\x50":
            break
        if label.rstrip(b"\0") == name.encode():
            return Partition(offset, size)
    return None


def chip(whole: bytes) -> str:
    """Which chip an image is for. Raises BoxError."""
    for name, at in CHIP_AT.items():
        if whole[at : at + 1] == b"\xe9" and struct.unpack_from("<H", whole, at + 12)[0] == CHIP_ID[name]:
            return name
    raise BoxError(
        "镜像里没有引导程序", "there is no bootloader in this image: make it with firmware/image.py"
    )


def with_files(whole: bytes, files: Mapping[str, bytes]) -> bytes:
    """The image with these files at the root of its file system. Raises BoxError."""
    from littlefs import LittleFS, LittleFSError, UserContext  # noqa: PLC0415  only who flashes needs it

    vfs = find(whole[TABLE_AT:], "vfs")
    if vfs is None:
        raise BoxError("镜像里没有文件系统", "there is no file system in this image")
    held_ = UserContext(vfs.size)
    held_.buffer[:] = whole[vfs.at : vfs.at + vfs.size]
    try:
        fs = LittleFS(
            context=held_,
            block_size=BLOCK,
            block_count=vfs.size // BLOCK,
            read_size=32,
            prog_size=32,
            lookahead_size=32,
            mount=False,
        )
        fs.mount()
        for name, content in files.items():
            with fs.open(name, "wb") as file:
                file.write(content)
        fs.unmount()
    except LittleFSError as error:
        raise BoxError(
            "镜像的文件系统写不进去", f"the image's file system does not take it: {error}"
        ) from None
    return whole[: vfs.at] + bytes(held_.buffer) + whole[vfs.at + vfs.size :]


def held(journal: bytes) -> Held:
    """Counts a journal's records, lives and all. A slot whose checksum is wrong is no record."""
    seqs: dict[bytes, list[tuple[int, bool]]] = {}
    for at in range(0, len(journal) - BLOCK + 1, BLOCK):
        if journal[at : at + 4] != JOURNAL_MAGIC:
            continue
        life = journal[at + 8 : at + 16]
        for slot in range(at + SLOT, at + BLOCK, SLOT):
            raw = journal[slot : slot + SLOT]
            if (
                binascii.crc32(raw[:61]) & 0xFFFF == int.from_bytes(raw[61:63], "little")
                and raw[:61] != b"\xff" * 61
            ):
                seqs.setdefault(life, []).append(
                    (int.from_bytes(raw[4:8], "little"), raw[63].bit_count() <= ACKED_ONES)
                )
    waiting = 0
    for found in seqs.values():
        acked = max((seq for seq, ack in found if ack), default=0)
        waiting += sum(seq > acked for seq, _ in found)
    return Held(sum(map(len, seqs.values())), waiting)


def read(whole: bytes, name: str) -> bytes:
    """A file at the root of the image's file system; b"" if there is none, or no file system that can be read."""
    from littlefs import LittleFSError  # noqa: PLC0415

    try:
        fs = _mounted(whole)
        if fs is None:
            return b""
        with fs.open(name, "rb") as file:
            return bytes(file.read())
    except (LittleFSError, OSError):
        return b""


def board(whole: bytes) -> str:
    """The NAME of the board that an image was made for: the one whose facts lie in it. Raises BoxError."""
    from littlefs import LittleFSError  # noqa: PLC0415

    try:
        fs = _mounted(whole)
        if fs is not None:
            (name,) = fs.listdir("app/boards")
            return str(name).partition(".")[0].replace("_", "-")
    except (LittleFSError, ValueError):
        pass
    raise BoxError("镜像里看不出板型", "the image does not say which board it is for")


def _mounted(whole: bytes) -> Any:
    """The image's file system, to be read; None if it has none. Raises LittleFSError."""
    from littlefs import LittleFS, UserContext  # noqa: PLC0415  only who flashes needs it

    vfs = find(whole[TABLE_AT:], "vfs")
    if vfs is None:
        return None
    held_ = UserContext(vfs.size)
    held_.buffer[:] = whole[vfs.at : vfs.at + vfs.size]
    fs = LittleFS(context=held_, block_size=BLOCK, block_count=vfs.size // BLOCK, mount=False)
    fs.mount()
    return fs
