"""The packed record and its JSON, on CPython and on MicroPython."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import cases_record
from both import run_all, situations

CASES = situations(cases_record, "record_")


@pytest.mark.parametrize("case", CASES)
def test_on_cpython(case):
    getattr(cases_record, case)()


def test_on_micropython(run_micropython, compiled):
    said = run_all(run_micropython, compiled, cases_record, "record_")
    assert said.split() == [word for case in CASES for word in ("ok", case)], said
