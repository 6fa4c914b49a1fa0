"""The tests of the box's pure modules once more, on MicroPython, where they will run."""

import ast
from pathlib import Path

import pytest

from tests.firmware.conftest import FIRMWARE

HERE = Path(__file__).parent
FILES = (
    "test_keys",
    "test_lamp",
    "test_visit",
    "test_duty",
    "test_keytest",
    "test_clock",
    "test_mqtt",
    "test_box_wire",
)
RUN = """
import sys
import {module}
for name in {names}:
    try:
        getattr({module}, name)()
        print("ok", name)
    except Exception as e:
        print("failed", name)
        sys.print_exception(e)
"""


def names(module: str) -> list[str]:
    tree = ast.parse((HERE / f"{module}.py").read_text())
    return [f.name for f in tree.body if isinstance(f, ast.FunctionDef) and f.name.startswith("test_")]


@pytest.fixture(scope="module")
def said(run_micropython):
    out = {}
    for module in FILES:
        script = RUN.format(module=module, names=names(module))
        out[module] = run_micropython(script, heap="4096wK", path=f"{FIRMWARE}:{HERE}")
    return out


@pytest.mark.parametrize(("module", "name"), [(m, n) for m in FILES for n in names(m)])
def test_on_micropython(module, name, said):
    done = said[module]
    assert f"ok {name}\n" in done.stdout, done.stdout + done.stderr
