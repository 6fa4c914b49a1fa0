"""`make bundle`: one archive with everything for an installation on a closed network; install.sh needs nothing else.

    manyi-<version>/
      install.sh  SHA256SUMS  requirements.txt (pinned, with hashes)
      wheels/<machine>/   for the named Pythons; wheels/any/ for what runs everywhere, ours included
      firmware/   the boxes' compiled firmware      dashboards/  Grafana's, with provisioning
      deploy/     units, Mosquitto, compose          docs/        every page        extra/  what EXTRA= named

Wheels are fetched with the lock's hashes, so nothing comes in that was not locked. What is installed is what `manyi`
needs to run and to flash boxes (the `box` extra); the demo and the tools of development stay out. Refuses to build an
archive that lacks a wheel for one of the machines.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, Final

from pip._vendor.packaging.requirements import Requirement
from pip._vendor.packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).resolve().parents[3]
MACHINES: Final = ("x86_64", "aarch64")
PYTHONS: Final = ("3.11", "3.13")  # Debian 12 and 13
# No newer glibc than 2.28, which is what the domestic systems of closed networks have; wheels for it run on newer ones.
GLIBC: Final = ("manylinux_2_28", "manylinux_2_17", "manylinux2014", "manylinux_2_5", "manylinux1")


def needed() -> set[str]:
    """Names of the packages that an installed manyi imports, by the metadata of what is installed here."""
    found: set[str] = set()
    todo: list[tuple[str, frozenset[str]]] = [("manyi", frozenset())]
    seen = set()
    while todo:
        name, extras = todo.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        found.add(canonicalize_name(name))
        for line in distribution(name).requires or []:
            each = Requirement(line)
            asked = [{"extra": extra} for extra in extras] or [{"extra": ""}]
            if each.marker is None or any(each.marker.evaluate(environment) for environment in asked):
                todo.append((each.name, frozenset(each.extras)))
    return found - {"manyi"}


def locked(names: set[str]) -> str:
    """Their lines of requirements.lock."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    blocks = {
        canonicalize_name(block.partition("==")[0]): block.rstrip() + "\n"
        for block in re.findall(r"^[a-zA-Z0-9._-]+==.*?(?=^[a-zA-Z0-9#]|\Z)", text, re.MULTILINE | re.DOTALL)
    }
    if missing := sorted(names - set(blocks)):
        sys.exit(f"bundle: requirements.lock lacks {', '.join(missing)}; run: make lock")
    return "".join(blocks[name] for name in sorted(names))


def fetch(lock: Path, out: Path, machine: str, python: str) -> None:
    # A build of a package for one machine is not a build for the other: each has a folder of its own.
    platforms = [word for tag in GLIBC for word in ("--platform", f"{tag}_{machine}")]
    run(
        sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "--require-hashes",
        "--only-binary=:all:", "--implementation", "cp", "--python-version", python, *platforms, "-d", out, "-r", lock,
    )  # fmt: skip


def ours(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    run(sys.executable, "-m", "pip", "wheel", "-q", "--disable-pip-version-check", "--no-deps", "--no-build-isolation",
        "-w", out, ROOT)  # fmt: skip


def share(wheels: Path) -> None:
    """What runs everywhere lies once."""
    both = wheels / "any"
    both.mkdir(exist_ok=True)
    for path in sorted(wheels.glob("*/*-none-any.whl")):
        if path.parent != both:
            path.replace(both / path.name)


def sources(folder: Path) -> None:
    """What git knows of these folders, so that nobody's scratch files or secrets travel along."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        sys.exit("bundle: this needs git and a clone: only files that git knows may travel along.")
    for here, there in (
        ("collector/deploy", "deploy"), ("docs", "docs"), ("dashboards/out", "dashboards/out"),
        ("dashboards/provisioning", "dashboards/provisioning"),
    ):  # fmt: skip
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", here],
            cwd=ROOT, check=True, capture_output=True,
        ).stdout.decode()  # fmt: skip
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                target = folder / there / Path(name).relative_to(here)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, target)
    shutil.copytree(ROOT / "build" / "firmware", folder / "firmware", ignore=shutil.ignore_patterns(".made"))
    shutil.copyfile(ROOT / "LICENSE", folder / "LICENSE")
    shutil.copyfile(Path(__file__).with_name("install.sh"), folder / "install.sh")
    (folder / "install.sh").chmod(0o755)


def seal(folder: Path) -> None:
    lines = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        lines.append(f"{digest}  {path.relative_to(folder).as_posix()}\n")
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")


def pack(folder: Path) -> Path:
    """The same contents give the same archive but for the compressor's own header."""

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = member.mtime = 0
        member.uname = member.gname = "root"
        return member

    archive = folder.with_name(folder.name + ".tar.gz")
    with tarfile.open(archive, "w:gz", compresslevel=6) as tar:
        for path in sorted(folder.rglob("*")):
            tar.add(path, f"{folder.name}/{path.relative_to(folder)}", recursive=False, filter=plain)
    return archive


def run(*words: Any) -> None:
    subprocess.run([str(word) for word in words], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bundle")
    parser.add_argument("--machine", action="append", choices=MACHINES)
    parser.add_argument("--python", action="append", help="such as 3.11; repeatable")
    parser.add_argument(
        "--extra", type=Path, help="a folder that travels along: packages of InfluxDB, Grafana"
    )
    given = parser.parse_args()
    version = distribution("manyi").version
    folder = given.out / f"manyi-{version}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "requirements.txt").write_text(locked(needed()), encoding="utf-8")
    for machine in given.machine or MACHINES:
        for python in given.python or PYTHONS:
            fetch(folder / "requirements.txt", folder / "wheels" / machine, machine, python)
    share(folder / "wheels")
    ours(folder / "wheels" / "any")
    sources(folder)
    if given.extra:
        shutil.copytree(given.extra, folder / "extra")
    seal(folder)
    archive = pack(folder)
    print(
        f"{archive}: {archive.stat().st_size >> 20} MB, SHA-256 {hashlib.sha256(archive.read_bytes()).hexdigest()}"
    )


if __name__ == "__main__":
    main()
