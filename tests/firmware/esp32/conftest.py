"""Lets CPython find the chips that the fake modules are made of, and none of the fake modules."""

import importlib.util
import sys
from pathlib import Path

if "chips" not in sys.modules:
    spec = importlib.util.spec_from_file_location("chips", Path(__file__).parent / "fakes" / "chips.py")
    assert spec is not None
    assert spec.loader is not None
    sys.modules["chips"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["chips"])
