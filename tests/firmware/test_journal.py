"""The journal's situations (cases_journal.py), each on CPython and on MicroPython, and a soak in a box's heap."""

import sys
import tomllib
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import cases_journal
from both import HERE, run_all, situations

from tests.firmware.conftest import FIRMWARE

CASES = situations(cases_journal, "case_")
SOAK = """
import gc, micropython
from flash import NorFlash
from world import Story
s = Story(NorFlash(4))
s.boot()
del s.stored, s.lit, s.said
level, tag, slot = 0, None, bytearray(64)
for i in range(1500):
    level = level % 3 + 1
    s.up_ms += 1000
    s.j.append(1, s.up_ms, level=level)
    if i % 400 > 200 and s.j.read(s.j.newest, slot):
        s.j.ack(s.j.newest, bytes(slot[53:61]))
    while s.j.tidy(s.up_ms):
        pass
    if i % 100 == 0:
        s.boot()
print("done", s.j.newest > 1500, s.j.n)
"""


@pytest.mark.parametrize("case", CASES)
def test_on_cpython(case):
    getattr(cases_journal, case)()


@pytest.fixture(scope="module")
def on_micropython(run_micropython, compiled):
    return run_all(run_micropython, compiled, cases_journal, "case_")


@pytest.mark.parametrize("case", CASES)
def test_on_micropython(case, on_micropython):
    assert f"ok {case}\n" in on_micropython, on_micropython


def test_the_budget_of_erases_is_the_one_that_is_held():
    budget = tomllib.loads((FIRMWARE / "budget.toml").read_text())
    assert budget["flash"]["erases_per_1000_presses"] == cases_journal.ERASES


def test_soaks_in_the_heap_of_a_box(run_micropython, compiled):
    # 16 KiB of it are the flash, which a box has elsewhere.
    done = run_micropython(SOAK, heap="56wK", path=f"{compiled}:{HERE}")
    assert done.stdout == "done True [500, 500, 500]\n", done.stdout + done.stderr
