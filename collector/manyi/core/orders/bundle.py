"""A firmware as one stream for one box (docs/WIRE.md, update): manifest, mac, files. Pure but for reading the folder."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

from manyi.core.errors import InputError

SIZE_MAX: Final = 196_608  # bytes; firmware/tasks/update.py takes no more
FILES_MAX: Final = 120
VERSION: Final = re.compile(r"\d{1,3}\.\d{1,3}\.\d{1,3}")
STAYS: Final = ("boot_slot.mpy", "ports/esp32/boot.mpy")
"""What chooses the slot comes with the box and is never updated."""


def read(folder: Path, port: str) -> dict[str, bytes]:
    """The compiled firmware (`make firmware`) for boxes with this port, by path. Raises InputError."""
    found = {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*.mpy"))}
    files = {
        name: p.read_bytes()
        for name, p in found.items()
        if name not in STAYS
        and (name.count("/") < 2 or not name.startswith("ports/") or name.startswith(f"ports/{port}/"))
    }
    if "main.mpy" not in files or not any(name.startswith(f"ports/{port}/") for name in files):
        raise InputError(
            f"{folder}: 不是编译好的固件，先 make firmware / no compiled firmware: make firmware"
        )
    return files


def pack(files: Mapping[str, bytes], version: str, box: str, k_link: bytes) -> bytes:
    """Raises InputError if a box would refuse it for its size or version."""
    if not VERSION.fullmatch(version):
        raise InputError(f"{version}: 版本应如 1.2.0 / a version is such as 1.2.0")
    lines = [f"{sha256(body).hexdigest()} {len(body)} {name}\n" for name, body in files.items()]
    text = "".join([f"manyi {version} {len(files)}\n", *lines]).encode()
    key = hmac.digest(k_link, b"manyi/1\0update\0" + box.encode(), sha256)
    mac = hmac.digest(key, sha256(text).digest(), sha256).hex()
    whole = text + f"mac {mac}\n".encode() + b"".join(files.values())
    if len(whole) > SIZE_MAX or len(files) > FILES_MAX:
        raise InputError(f"固件太大 / the firmware is too large: {len(whole)} bytes, {len(files)} files")
    return whole
