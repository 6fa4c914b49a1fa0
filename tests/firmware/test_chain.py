"""HMAC and tags, on CPython and on MicroPython."""

import hmac
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

import cases_record
from both import run_all, situations
from box.chain import hmac_sha256

CASES = situations(cases_record, "chain_")


@pytest.mark.parametrize("case", CASES)
def test_on_cpython(case):
    getattr(cases_record, case)()


def test_on_micropython(run_micropython, compiled):
    said = run_all(run_micropython, compiled, cases_record, "chain_")
    assert said.split() == [word for case in CASES for word in ("ok", case)], said


@given(key=st.binary(max_size=80), text=st.binary(max_size=200), cut=st.integers(0, 200))
def test_hmac_as_the_standard_library_has_it(key, text, cut):
    assert hmac_sha256(key, text[:cut], text[cut:]) == hmac.new(key, text, "sha256").digest()
