"""A file whole or not at all, and on the disk: whoever reads it finds what was there before, or all that was written.

It refuses to follow what somebody has put where the half-written file lies.
"""

from __future__ import annotations

import os
from pathlib import Path

BINARY = getattr(os, "O_BINARY", 0)  # Windows would put a return before each line feed


def write(path: Path, data: bytes, mode: int | None = None) -> None:
    """Replaces a file of that name. `mode`: of the file before its first byte is written, whatever the umask says; None: what
    the umask leaves. Raises OSError.
    """
    half = path.with_name(f".{path.name}.new")
    half.unlink(missing_ok=True)
    opened = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY, 0o666 if mode is None else mode)
    with os.fdopen(opened, "wb") as file:
        if mode is not None and hasattr(os, "fchmod"):  # not on Windows
            os.fchmod(file.fileno(), mode)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)
