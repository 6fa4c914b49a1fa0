"""What the documentation tests read: the repository's files as git knows them, and the Markdown pages among them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_CODE = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)


def files(*patterns: str) -> list[Path]:
    """Files of the repository that match git's patterns, new ones included, ignored ones not."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    return [path for name in listed if name and (path := ROOT / name).is_file()]


def pages() -> list[Path]:
    return files("*.md")


def name(path: Path) -> str:
    """For test ids and messages."""
    return path.relative_to(ROOT).as_posix()


def shell_lines(page: Path) -> list[str]:
    """The lines of a page's ```sh blocks."""
    blocks = [
        body for lang, body in _CODE.findall(page.read_text(encoding="utf-8")) if lang in ("sh", "bash")
    ]
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


def code(page: Path) -> str:
    """Everything in a page that is set as code: blocks and `inline`."""
    text = page.read_text(encoding="utf-8")
    inline = re.findall(r"`([^`\n]+)`", _CODE.sub("", text))
    return "\n".join([body for _, body in _CODE.findall(text)] + inline)
