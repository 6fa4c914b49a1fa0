"""Writes requirements.lock: every package pinned with its hashes, in two sections, no registry named.

The first section is what the collector, the demo and the build of the package need; the second, after the
line `# --- dev ---`, is what only `make test` and `make flash` need. Versions already in the lock are kept unless
`--upgrade` is given. It installs nothing.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
DEV_LINE = "# --- dev ---"
HEAD = """\
# Written by `make lock`; do not edit. The part above the dev line is all that `make demo` installs.
"""
FLAGS = "--universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url -q"


def resolve(uv: str, extras: list[str], prefer: Path) -> dict[str, str]:
    """Package name -> its lines of the lock. `prefer` is a file of versions to stay with."""
    out = prefer.with_suffix(".out")
    out.write_text(prefer.read_text())  # uv keeps the versions it finds in its output file
    command = [uv, "pip", "compile", str(ROOT / "pyproject.toml"), "--group", "build", "-o", str(out)]
    for extra in extras:
        command += ["--extra", extra]
    subprocess.run([*command, *FLAGS.split()], check=True, cwd=ROOT)
    blocks: dict[str, str] = {}
    name = ""
    for line in out.read_text().splitlines(keepends=True):
        if not line.startswith((" ", "#", "-")):
            name = line.partition("==")[0]
        if name:
            blocks[name] = blocks.get(name, "") + line
    return blocks


def main(uv: str, scratch: Path, upgrade: bool) -> None:
    prefer = scratch / "prefer.txt"
    prefer.write_text("" if upgrade or not LOCK.exists() else LOCK.read_text())
    everything = resolve(uv, ["demo", "box", "dev"], prefer)
    prefer.write_text("".join(everything.values()))  # the smaller set must agree with the larger
    run = resolve(uv, ["demo"], prefer)
    dev = {name: text for name, text in everything.items() if name not in run}
    differing = [name for name, text in run.items() if everything.get(name) != text]
    if differing:
        sys.exit(f"lock: the two sets disagree on {', '.join(differing)}; pin them in pyproject.toml")
    LOCK.write_text(HEAD + "".join(run.values()) + f"\n{DEV_LINE}\n" + "".join(dev.values()))
    print(f"requirements.lock: {len(run)} packages to run, {len(dev)} more for development")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), "--upgrade" in sys.argv[3:])
