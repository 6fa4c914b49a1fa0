"""What the host reads in a flash image, and what it adds: a box's identity and what it has learned. Pure functions over
bytes.

firmware/image.py makes images; neither imports the other, and tests/system/test_box_tools.py binds them. What a board
is, an image says itself (`board.json`), so that no board and no chip is known here by its name.
"""

from __future__ import annotations

import binascii
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from manyi.box.words import BoxError

TABLE_AT, TABLE_SIZE = 0x8000, 0xC00
BLOCK, SLOT = 4096, 64
ENTRY = struct.Struct("<2sBBII16sI")
FACTS = "board.json"
JOURNAL_MAGIC = b"MYJ1"
ACKED_ONES = 3  # as the box counts: one rotten bit of eight neither frees nor takes back


@dataclass(frozen=True, slots=True)
class Partition:
    at: int
    size: int

    def of(self, whole: bytes) -> bytes:
        return whole[self.at : self.at + self.size]


TABLE = Partition(TABLE_AT, TABLE_SIZE)


@dataclass(frozen=True, slots=True)
class Facts:
    """What an image says of the board that it is for. `resets`: esptool starts its boot loader by itself."""

    board: str
    chip: str
    resets: bool


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


def named(table: bytes, name: str) -> Partition:
    """Raises BoxError."""
    found = find(table, name)
    if found is None:
        raise BoxError(
            "这不是 firmware/image.py 制作的镜像", f"this is no image of firmware/image.py: it has no {name}"
        )
    return found


def facts(whole: bytes) -> Facts:
    """Raises BoxError."""
    try:
        said = json.loads(read(whole, FACTS))
        return Facts(str(said["board"]), str(said["chip"]), bool(said["resets"]))
    except (ValueError, KeyError, TypeError):
        raise BoxError(
            "镜像里看不出板型：用 firmware/image.py 重新制作",
            "the image does not say which board it is for: make it anew with firmware/image.py",
        ) from None


def with_files(whole: bytes, files: Mapping[str, bytes], part: str = "vfs") -> bytes:
    """The image with these files at the root of one of its file systems. Raises BoxError."""
    from littlefs import LittleFSError  # noqa: PLC0415  only who flashes needs it

    place = named(whole[TABLE_AT:], part)
    try:
        fs, flash = _mounted(place.of(whole))
        for name, content in files.items():
            with fs.open(name, "wb") as file:
                file.write(content)
        fs.unmount()
    except LittleFSError as error:
        raise BoxError(
            "镜像的文件系统写不进去", f"the image's file system does not take it: {error}"
        ) from None
    return whole[: place.at] + bytes(flash) + whole[place.at + place.size :]


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
    vfs = find(whole[TABLE_AT:], "vfs")
    found = files(vfs.of(whole)) if vfs is not None else None
    return (found or {}).get(name, b"")


def files(part: bytes) -> dict[str, bytes] | None:
    """Every file at the root of a partition's file system; None if it cannot be read."""
    from littlefs import LittleFSError  # noqa: PLC0415

    found = {}
    try:
        fs, _ = _mounted(part)
        for entry in fs.scandir("/"):
            if entry.type == REGULAR:
                with fs.open(entry.name, "rb") as file:
                    found[str(entry.name)] = bytes(file.read())
    except (LittleFSError, OSError):
        return None
    return found


REGULAR = 1  # a littlefs entry that is a file


def _mounted(part: bytes) -> tuple[Any, bytearray]:
    """A partition's file system, and the bytes that it writes to. Raises LittleFSError."""
    from littlefs import LittleFS, UserContext  # noqa: PLC0415  only who flashes needs it

    flash = UserContext(len(part))
    flash.buffer[:] = part
    fs = LittleFS(
        context=flash,
        block_size=BLOCK,
        block_count=len(part) // BLOCK,
        read_size=32,
        prog_size=32,
        lookahead_size=32,
        mount=False,
    )
    fs.mount()
    return fs, flash.buffer
