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
import os, sys

class NotThere:
    def find_spec(self, name, path=None, target=None):
        if name in ("pwd", "grp", "fcntl", "termios", "resource", "tty", "pty"):
            raise ModuleNotFoundError(f"{name} is not on Windows")

for name in ("pwd", "grp", "fcntl", "termios", "resource", "tty", "pty"):
    sys.modules.pop(name, None)
sys.meta_path.insert(0, NotThere())
sys.platform = "win32"
os.environ["USERNAME"] = "technician"  # there is always one
from manyi.cli import app

done = typer.testing.CliRunner().invoke(app, sys.argv[1:], input=sys.stdin.read())
print(done.output)
if done.exception and not isinstance(done.exception, SystemExit):
    raise done.exception
sys.exit(done.exit_code)
"""


def on_windows(folder: Path, *words: str, answers: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WINDOWS, *words]
    return subprocess.run(command, input=answers, capture_output=True, text=True, cwd=folder, check=False)


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (("flash", "--image", "image.bin"), "image.bin：没有这个文件", 2),
        (
            ("provision", "-p", "COM3", "--handover", "boxes.jsonl", "--site", "site.toml"),
            "boxes.jsonl：没有这个文件",
            2,
        ),
        (
            ("renew", "-p", "COM3", "--handover", "boxes.jsonl", "--site", "site.toml"),
            "boxes.jsonl：没有这个文件",
            2,
        ),
        (("doctor", "-p", "COM3", "--handover", "boxes.jsonl"), "没有串口 COM3", 2),
        (("save", "-p", "COM3"), "没有这个串口", 2),
        (("list",), "还没有评价器的档案", 0),
        (("label", "--out", "labels.svg"), "没有可打印的", 2),
        (("record", "--out", "record.svg"), "没有可打印的", 2),
    ],
)
def test_the_bench_s_commands_run_without_what_only_unix_has(
    words: tuple[str, ...], said: str, code: int, tmp_path: Path
) -> None:
    done = on_windows(tmp_path, "box", *words)
    assert done.returncode == code, done.stdout + done.stderr
    assert said in done.stdout


def test_a_name_that_the_code_page_has_not_ends_nothing(tmp_path: Path) -> None:
    """What is printed into a file or a pipe on a Chinese Windows is GBK."""
    done = subprocess.run(
        [sys.executable, "-m", "manyi", "roster", "template", "名册\U0001f600.xlsx"],
        capture_output=True, cwd=tmp_path, check=False, env={**os.environ, "PYTHONIOENCODING": "gbk"},
    )  # fmt: skip
    assert (done.returncode, done.stdout.decode("gbk").strip()) == (0, "名册?.xlsx")
