"""The golden vectors of what a box says and hears, on CPython and on MicroPython: the same bytes, to the last one."""

import json
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import cases_messages  # noqa: E402 (its folder has just been put on the path)

from tests.firmware.conftest import FIRMWARE, run_micropython  # noqa: E402, F401 (a fixture)

CASES = [name for name in vars(cases_messages) if name.startswith("case_")]
RUN = f"""
import sys
import cases_messages
for name in {CASES}:
    getattr(cases_messages, name)({str(HERE)!r})
    print("ok", name)
"""


@pytest.mark.parametrize("case", CASES)
def test_on_cpython(case):
    getattr(cases_messages, case)(str(HERE))


@pytest.fixture(scope="module")
def on_micropython(run_micropython):  # noqa: F811
    return run_micropython(RUN, heap="4096wK", path=f"{FIRMWARE}:{HERE}")


@pytest.mark.parametrize("case", CASES)
def test_on_micropython(case, on_micropython):
    assert f"ok {case}\n" in on_micropython.stdout, on_micropython.stdout + on_micropython.stderr


def test_every_vector_of_the_box_is_used():
    used = {name for names in cases_messages.USED.values() for name in names}
    for file in cases_messages.USED:
        assert set(json.loads((HERE / f"{file}.json").read_text())) <= used, file
