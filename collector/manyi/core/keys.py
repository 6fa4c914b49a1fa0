"""Key files: who may speak for which box. Lines of `<box> <64 hex>`; `#` begins a comment.

The link file (k_link) belongs to the collector; the auditor's file (k_chain) never lies on its machine.
Refuses a file that others may read, a box named twice, and to forget its keys because a new file is broken.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from manyi.core.errors import SetupError
from manyi.words import both

BOX_ID: Final = re.compile(r"(?!(?:visits|duty)\Z)[a-z0-9][a-z0-9-]{2,23}")
KEY_HEX: Final = re.compile(r"[0-9a-f]{64}")
# An unknown box may ask for the file at most this often: a flood of ids costs nothing.
LOOK_AGAIN_S: Final = 1.0

log = structlog.get_logger(area="keys")


def load(path: Path, what: str) -> dict[str, bytes]:
    """Box id to 32-byte key. Raises SetupError naming every bad line (never printing a key)."""
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(
            both(f"{path}：读不出（{error}）", f"the {what} cannot be read ({error}).")
        ) from error
    problems = (
        [
            both(
                f"{path}：别的账户能读，请执行 chmod 600 {path}",
                f"others may read the {what}. Run: chmod 600 {path}",
            )
        ]
        if mode & 0o077
        else []
    )
    found: dict[str, bytes] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        if len(words) != 2 or not BOX_ID.fullmatch(words[0]) or not KEY_HEX.fullmatch(words[1]):
            problems.append(
                f"{path}:{number}: "
                + both(
                    "应为评价器编号和 64 位小写十六进制数",
                    "must be a box id and 64 hex digits in lower case.",
                )
            )
        elif words[0] in found:
            problems.append(
                f"{path}:{number}: "
                + both(f"{words[0]} 出现第二次", f"box {words[0]} is named a second time.")
            )
        else:
            found[words[0]] = bytes.fromhex(words[1])
    if problems:
        raise SetupError(*problems)
    return found


class LinkKeys:
    """The link keys in force. A new box is seen when it first speaks, a removed one at `refresh()`."""

    def __init__(self, path: Path, now: Callable[[], float] = time.monotonic) -> None:
        self._path, self._now = path, now
        self._seen = self._stamp()
        self._keys = load(path, "link key file")
        self._looked = now()

    def link(self, box: str) -> bytes | None:
        key = self._keys.get(box)
        if key is None and self._now() - self._looked >= LOOK_AGAIN_S:
            self.refresh()
            key = self._keys.get(box)
        return key

    def refresh(self) -> None:
        """Reads the file again if it has changed. A broken file is logged and the keys in force stay."""
        self._looked = self._now()
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            self._keys = load(self._path, "link key file")
        except SetupError as error:
            log.error("key_file_refused", why=str(error))
        else:
            log.info("key_file_read", boxes=len(self._keys))

    def _stamp(self) -> tuple[int, int, int, int]:
        try:
            s = self._path.stat()
        except OSError:
            return (0, 0, 0, 0)
        return (s.st_mtime_ns, s.st_size, s.st_ino, s.st_mode)
