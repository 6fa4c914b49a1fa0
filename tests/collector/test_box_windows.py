"""The technician's commands on Windows, as far as another system can tell: nothing they import is Unix's alone, and no
path or program is written the Unix way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

WINDOWS = """
import asyncio, concurrent.futures, subprocess, tempfile, zoneinfo, serial, typer.testing  # they look at sys.platform
import sys

class NotThere:
    def find_spec(self, name, path=None, target=None):
        if name in ("pwd", "grp", "fcntl", "termios", "resource", "tty", "pty"):
            raise ModuleNotFoundError(f"{name} is not on Windows")

for name in ("pwd", "grp", "fcntl", "termios", "resource", "tty", "pty"):
    sys.modules.pop(name, None)
sys.meta_path.insert(0, NotThere())
sys.platform = "win32"
from manyi.cli import app

done = typer.testing.CliRunner().invoke(app, sys.argv[1:])
print(done.output)
if done.exception and not isinstance(done.exception, SystemExit):
    raise done.exception
"""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("flash", "--image", "image.bin"), "image.bin：没有这个文件"),
        (
            ("provision", "-p", "COM3", "--handover", "boxes.jsonl", "--site", "site.toml"),
            "boxes.jsonl：没有这个文件",
        ),
        (
            ("renew", "-p", "COM3", "--handover", "boxes.jsonl", "--site", "site.toml"),
            "boxes.jsonl：没有这个文件",
        ),
        (("save", "-p", "COM3"), "COM3"),
        (("list",), ""),
        (("label", "--out", "labels.svg"), "没有可打印的"),
    ],
)
def test_the_bench_s_commands_run_without_what_only_unix_has(
    words: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WINDOWS, "box", *words],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert said in done.stdout


def test_a_name_that_the_code_page_has_not_ends_nothing(tmp_path: Path) -> None:
    """What is printed into a file or a pipe on a Chinese Windows is GBK."""
    done = subprocess.run(
        [sys.executable, "-m", "manyi", "roster", "template", "名册\U0001f600.xlsx"],
        capture_output=True, cwd=tmp_path, check=False, env={**os.environ, "PYTHONIOENCODING": "gbk"},
    )  # fmt: skip
    assert (done.returncode, done.stdout.decode("gbk").strip()) == (0, "名册?.xlsx")
