"""The journal's situations (cases_journal.py), each on CPython and on MicroPython, and a soak in a box's heap."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import cases_journal  # noqa: E402 (its folder has just been put on the path)

CASES = [name for name in vars(cases_journal) if name.startswith("case_")]
RUN_ALL = f"""
import gc, sys
gc.threshold(500_000)
import cases_journal
for name in {CASES}:
    try:
        gc.collect()
        getattr(cases_journal, name)()
        print("ok", name)
    except Exception as e:
        print("failed", name)
        sys.print_exception(e)
"""
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
    done = run_micropython(RUN_ALL, heap="4096wK", path=f"{compiled}:{HERE}")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("case", CASES)
def test_on_micropython(case, on_micropython):
    assert f"ok {case}\n" in on_micropython, on_micropython


def test_soaks_in_the_heap_of_a_box(run_micropython, compiled):
    # 16 KiB of it are the flash, which a box has elsewhere.
    done = run_micropython(SOAK, heap="56wK", path=f"{compiled}:{HERE}")
    assert done.stdout == "done True [500, 500, 500]\n", done.stdout + done.stderr
