"""The build: what it folds away, what it leaves, what it refuses to ship."""

import ast
import importlib.util

import pytest

from tests.firmware.conftest import FIRMWARE

spec = importlib.util.spec_from_file_location("firmware_build", FIRMWARE / "build.py")
build = importlib.util.module_from_spec(spec)
spec.loader.exec_module(build)


def small(text, **others):
    """`text` as module a, beside the others."""
    trees = {"a": ast.parse(text)} | {name.replace("_", "."): ast.parse(o) for name, o in others.items()}
    build.inlined(trees)
    return ast.unparse(trees["a"]).strip()


def test_a_number_of_one_module_stands_where_it_is_used():
    assert small("LATE_MS = 2 * 50  # why\nx = LATE_MS + 1\n") == "x = 100 + 1"


def test_a_number_built_on_another_is_known_too():
    assert small("A, B = 1, 2\nC = A + B\nx = C\n") == "x = 3"


def test_a_number_of_another_module_is_known_by_import_and_by_name():
    assert (
        small("from box.b import N, go\ngo(N)\n", box_b="N = 7\ndef go(): pass\n")
        == "from box.b import go\ngo(7)"
    )
    assert (
        small("from box import b\nb.go(b.N)\n", box_b="N = 7\ndef go(): pass\n")
        == "from box import b\nb.go(7)"
    )
    assert small("def go(b):\n    return b.N\n", box_b="N = 7\n").endswith(".N")


@pytest.mark.parametrize(
    "text", ["WORD = 'x'", "PAIR = (1, 2)", "T = True", "F = 1.5", "lower = 1", "X = f(1)", "N = 1\nN = 2"]
)
def test_what_is_no_whole_number_stays(text):
    assert small(text) == text


def test_a_number_that_another_module_asks_an_object_for_stays():
    assert small("LATE_MS = 5\n", b="def go(facts):\n    return facts.LATE_MS\n") == "LATE_MS = 5"


def test_a_second_build_touches_nothing_and_removes_what_has_gone(tmp_path, monkeypatch):
    build.build(tmp_path)
    made = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.mpy")}
    (tmp_path / "box" / "gone.mpy").write_bytes(b"old")
    build.build(tmp_path)
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.mpy")} == made
    monkeypatch.setattr(build, "leaner", None)
    build.build(tmp_path)  # nothing to do: nothing is read
    (tmp_path / "main.mpy").unlink()
    with pytest.raises(TypeError):
        build.build(tmp_path)


def test_the_firmware_is_within_its_budget(tmp_path):
    assert build.check(build.build(tmp_path)) == []


def test_a_module_over_its_budget_is_named(tmp_path):
    (tmp_path / "box").mkdir()
    (tmp_path / "box" / "fat.mpy").write_bytes(bytes(5000))
    assert build.check(tmp_path) == ["box/fat.mpy has 5000 bytes, 904 over its budget"]
