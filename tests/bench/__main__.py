"""`make bench`: runs every bench_*.py here one after the other and prints one table. A slow figure is no
failure: figures of a loaded machine are figures of a loaded machine. A bench that could not measure is one: exit code 1.

A bench is a module with `main()`. It may return rows (name, value, unit, target, note) for the table, and may print
what does not fit there.
"""

from __future__ import annotations

import importlib
import os
import platform
import sys
import time
import traceback
from pathlib import Path


def main(only: list[str]) -> bool:
    """Whether all could be measured."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("bench_*.py"))
    failed: list[str] = []
    table = [("what", "measured", "unit", "target", "")]
    for name in names:
        if only and not any(word in name for word in only):
            continue
        print(f"--- {name}", flush=True)
        began = time.monotonic()
        try:
            for row in importlib.import_module(f"tests.bench.{name}").main() or ():
                table.append(tuple(_text(cell) for cell in (*row, "", "", "", "")[:5]))
        except Exception as error:  # the others' figures are worth having all the same
            traceback.print_exc()
            table.append((name, "failed", "", "", f"{type(error).__name__}: {error}".splitlines()[0]))
            failed.append(name)
        print(f"    took {time.monotonic() - began:.0f} s", flush=True)
    machine = (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    print(f"\n{machine}, Python {platform.python_version()}\n")
    widths = [max(len(row[i]) for row in table) for i in range(5)]
    for i, row in enumerate(table):
        cells = [
            row[0].ljust(widths[0]),
            row[1].rjust(widths[1]),
            row[2].ljust(widths[2]),
            row[3].ljust(widths[3]),
            row[4],
        ]
        print("  ".join(cells).rstrip())
        if i == 0:
            print("  ".join("-" * width for width in widths).rstrip())
    return not failed


def _text(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:.2f}" if abs(cell) < 10 else f"{cell:.1f}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1:]) else 1)
