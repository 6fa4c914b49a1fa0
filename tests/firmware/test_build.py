"""The build: what it folds away, what it leaves, what it refuses to ship."""

import importlib.util

import pytest

from tests.firmware.conftest import FIRMWARE

spec = importlib.util.spec_from_file_location("firmware_build", FIRMWARE / "build.py")
build = importlib.util.module_from_spec(spec)
spec.loader.exec_module(build)


def test_a_number_of_one_module_becomes_a_const_wherever_it_stands():
    assert build.folded("LATE_MS = 2 * 50  # why\nx = LATE_MS + 1\n", "") == (
        "_LATE_MS = const(2 * 50)  # why\nx = _LATE_MS + 1\n"
    )


def test_a_number_built_on_another_is_folded_too():
    assert build.folded("A = 1\nB = A + 1\n", "") == "_A = const(1)\n_B = const(_A + 1)\n"


@pytest.mark.parametrize(
    "text", ["WORD = 'x'\n", "PAIR = 1, 2\n", "T = True\n", "F = 1.5\n", "lower = 1\n", "X = f(1)\n"]
)
def test_what_is_no_whole_number_stays(text):
    assert build.folded(text, "") == text


def test_a_number_that_another_module_may_use_stays():
    assert build.folded("LATE_MS = 5\n", "from a import LATE_MS") == "LATE_MS = 5\n"
    assert build.folded("LATE_MS = 5\n", "print(LATE_MS_2)") == "_LATE_MS = const(5)\n"


def test_a_second_build_touches_nothing_and_removes_what_has_gone(tmp_path):
    build.build(tmp_path)
    made = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.mpy")}
    (tmp_path / "box" / "gone.mpy").write_bytes(b"old")
    build.build(tmp_path)
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.mpy")} == made


def test_the_firmware_is_within_its_budget(tmp_path):
    assert build.check(build.build(tmp_path)) == []


def test_a_module_over_its_budget_is_named(tmp_path):
    (tmp_path / "box").mkdir()
    (tmp_path / "box" / "fat.mpy").write_bytes(bytes(5000))
    assert build.check(tmp_path) == ["box/fat.mpy has 5000 bytes, 904 over its budget"]


def test_a_private_name_and_a_parameter_become_short():
    text = "class A:\n    def go(self, speed):\n        self._now = speed\n"
    assert build.shortened(text, set())[0] == "class A:\n    def go(self, _a):\n        self._b = _a\n"


def test_a_name_that_another_file_may_speak_of_stays():
    assert build.spoken("go(speed=1)\nasyncio.core._io_queue\nfrom box.chain import tag\n") == {
        "speed", "core", "_io_queue", "box", "chain", "tag",
    }  # fmt: skip
    text = "def go(speed, _queue):\n    return speed, _queue\n"
    assert build.shortened(text, {"speed", "_queue"})[0] == text


def test_a_parameter_that_is_also_an_attribute_or_a_builtin_stays():
    text = "def go(ring, len):\n    return x.ring, len\n"
    assert build.shortened(text, set())[0] == text
