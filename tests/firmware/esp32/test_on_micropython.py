"""The tests of the pure parts here once more, on MicroPython, where they will run."""

import ast
from pathlib import Path

import pytest

from tests.firmware.conftest import FIRMWARE

HERE = Path(__file__).parent
FILES = ("test_radio", "test_words", "test_drivers", "test_time", "test_wall")
RUN = """
import gc, sys
gc.threshold(500_000)
import {module}
for name in {names}:
    try:
        getattr({module}, name)()
        print("ok", name)
    except Exception as e:
        print("failed", name)
        sys.print_exception(e, sys.stdout)
"""


def names(module: str) -> list[str]:
    tree = ast.parse((HERE / f"{module}.py").read_text(encoding="utf-8"))
    return [f.name for f in tree.body if isinstance(f, ast.FunctionDef) and f.name.startswith("test_")]


@pytest.fixture(scope="module")
def said(run_micropython, tmp_path_factory):
    chips = tmp_path_factory.mktemp("chips")  # alone: beside it lie modules that would stand in for real ones
    (chips / "chips.py").write_text((HERE / "fakes" / "chips.py").read_text(encoding="utf-8"))
    return {
        module: run_micropython(
            RUN.format(module=module, names=names(module)), heap="4096wK", path=f"{FIRMWARE}:{HERE}:{chips}"
        )
        for module in FILES
    }


@pytest.mark.parametrize(("module", "name"), [(m, n) for m in FILES for n in names(m)])
def test_on_micropython(module, name, said):
    done = said[module]
    assert f"ok {name}\n" in done.stdout, done.stdout + done.stderr
