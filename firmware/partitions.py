"""The partition table of a box's flash: boards/partitions.csv, into the bytes that the bootloader reads at 0x8000.
Pure but for reading that one file; image.py asks.

Refuses: partitions that overlap, are out of order, off a block or have a name longer than the table's 15 bytes.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
TABLE_AT, TABLE_SIZE = 0x8000, 0xC00
ENTRY = "<2sBBII16sI"
ENTRY_MAGIC, MD5_MAGIC = b"\xaa\x50", b"\xeb\xeb" + b"\xff" * 14
APP, DATA = 0, 1
SUBTYPES = {"factory": 0, "phy": 1, "nvs": 2, "fat": 0x81}
BLOCK = 4096  # bytes; flash is erased, and littlefs counts, in these


class Wrong(Exception):
    """What is wrong and what to do: Chinese, then English."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(f"{zh} / {en}")


@dataclass(frozen=True, slots=True)
class Partition:
    name: str
    kind: int
    subtype: int
    at: int
    size: int


def partitions(text: str) -> list[Partition]:
    """Reads boards/partitions.csv. Raises Wrong if they overlap, are out of order or off a block."""
    found: list[Partition] = []
    end = TABLE_AT + BLOCK
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.partition("#")[0].split(",")]
        if cells == [""]:
            continue
        name, kind, subtype, at, size = cells[:5]
        number = SUBTYPES[subtype] if subtype in SUBTYPES else int(subtype, 0)
        part = Partition(name, APP if kind == "app" else DATA, number, int(at, 0), int(size, 0))
        if part.at < end or part.at % BLOCK or part.size % BLOCK or len(name.encode()) > 15:
            raise Wrong(
                f"分区表有误：{name}", f"partitions.csv: {name} overlaps, is off a block or has a long name"
            )
        end = part.at + part.size
        found.append(part)
    return found


def table(parts: list[Partition]) -> bytes:
    """The binary table, with the checksum that the bootloader wants."""
    raw = b"".join(
        struct.pack(ENTRY, ENTRY_MAGIC, p.kind, p.subtype, p.at, p.size, p.name.encode(), 0) for p in parts
    )
    return (raw + MD5_MAGIC + hashlib.md5(raw, usedforsecurity=False).digest()).ljust(TABLE_SIZE, b"\xff")


def ours() -> list[Partition]:
    return partitions((HERE / "boards" / "partitions.csv").read_text(encoding="utf-8"))


def named(parts: list[Partition], name: str) -> Partition:
    return next(p for p in parts if p.name == name)
