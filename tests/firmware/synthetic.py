"""A stand-in for an official MicroPython .bin, laid out as one: no such file is on any package registry.

Bootloader, partition table and application are real ESP image files by their headers, checksums and digests, and hold
random bytes instead of code: everything that a flasher can check is true of them, and no chip would run them.
"""

from __future__ import annotations

import hashlib
import random
import struct
from functools import reduce
from operator import xor
from pathlib import Path

import image
import partitions

STOCK = [
    partitions.Partition("nvs", 1, 2, 0x9000, 0x6000),
    partitions.Partition("phy_init", 1, 1, 0xF000, 0x1000),
    partitions.Partition("factory", 0, 0, 0x10000, 0x1F0000),
    partitions.Partition("vfs", 1, 0x81, 0x200000, 0x200000),
]
PARTITIONS = Path(image.HERE) / "boards" / "partitions.csv"


def esp_image(size: int, chip: str, seed: int, front: bytes = b"", digest: bool = True) -> bytes:
    """One ESP image of two segments, `size` bytes of them."""
    noise = random.Random(seed)
    first = front + noise.randbytes(size // 3 - len(front))
    second = noise.randbytes(size - size // 3)
    head = struct.pack(
        "<BBBBIB3sHBHH4sB",
        0xE9,
        2,
        2,
        0x20,
        0x40080000,
        0xEE,
        b"",
        image.CHIP_ID[chip],
        0,
        0,
        99,
        b"",
        digest,
    )
    raw = head + b"".join(struct.pack("<II", 0x3F400020, len(part)) + part for part in (first, second))
    raw += b"\0" * (15 - len(raw) % 16) + bytes([reduce(xor, first + second, image.CHECKSUM_SEED)])
    return raw + hashlib.sha256(raw).digest() if digest else raw


def description(version: str = "v1.28.0") -> bytes:
    """esp_app_desc_t, as far as anybody reads it."""
    return image.DESC_MAGIC + b"\0" * 12 + version.encode().ljust(32, b"\0") + b"micropython".ljust(32, b"\0")


def micropython_bin(
    chip: str = "esp32", app_size: int = 300_000, version: str = "v1.28.0", seed: int = 1
) -> bytes:
    """What one downloads for `chip`: begins where the chip's bootloader does."""
    base = image.BOOTLOADER_AT[chip]
    raw = bytearray(b"\xff" * 0x10000)
    loader = esp_image(20_000, chip, seed)
    raw[base : base + len(loader)] = loader
    raw[partitions.TABLE_AT : partitions.TABLE_AT + partitions.TABLE_SIZE] = partitions.table(STOCK)
    return bytes(raw[base:]) + esp_image(app_size, chip, seed + 1, description(version))
