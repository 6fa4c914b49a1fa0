"""`make bundle`: one archive with everything for an installation on a closed network; install.sh needs nothing else.

    manyi-<version>/
      install.sh  SHA256SUMS  requirements.txt, requirements-flash.txt (pinned, with hashes)
      wheels/<machine>/   for the named Pythons; wheels/any/ for what runs everywhere, ours included
      firmware/   the boxes' compiled firmware      dashboards/  Grafana's, with provisioning
      flash/      what makes a board's image; flash/micropython/ the official .bin that --firmware named, checked
      deploy/     units, Mosquitto, compose          docs/        every page        extra/  what EXTRA= named

Wheels are fetched with the lock's hashes, so nothing comes in that was not locked. A server is installed with what `manyi`
needs to run; `install.sh --flash` makes a depot's computer that flashes boxes (the `box` extra). The demo and the tools of
development stay out. Refuses to build an archive that lacks a wheel for one of the machines, and a .bin with another SHA-256.
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
SOURCE_ONLY: Final = frozenset({"esptool"})  # no wheel on the registry: made here from the locked source
FLASH: Final = (
    "firmware/image.py",
    "firmware/partitions.py",
    "firmware/boards",
    "firmware/ports/esp32/boot.py",
)
GLIBC: Final = ("manylinux_2_28", "manylinux_2_17", "manylinux2014", "manylinux_2_5", "manylinux1")


def needed(*extras: str) -> set[str]:
    """Names of the packages that an installed manyi imports, by the metadata of what is installed here."""
    found: set[str] = set()
    todo: list[tuple[str, frozenset[str]]] = [("manyi", frozenset(extras))]
    seen = set()
    while todo:
        name, asked_for = todo.pop()
        if (name, asked_for) in seen:
            continue
        seen.add((name, asked_for))
        found.add(canonicalize_name(name))
        for line in distribution(name).requires or []:
            each = Requirement(line)
            asked = [{"extra": extra} for extra in ("", *asked_for)]
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
        sys.exit(
            f"requirements.lock 缺 {', '.join(missing)}：请执行 make lock / it lacks these; run: make lock"
        )
    return "".join(blocks[name] for name in sorted(names))


def fetch(lock: Path, out: Path, machine: str, python: str) -> None:
    # A build of a package for one machine is not a build for the other: each has a folder of its own.
    platforms = [word for tag in GLIBC for word in ("--platform", f"{tag}_{machine}")]
    run(
        sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "--require-hashes",
        "--only-binary=:all:", "--implementation", "cp", "--python-version", python, *platforms, "-d", out, "-r", lock,
    )  # fmt: skip


def build(lock: Path, out: Path) -> None:
    """Pure Python alone: what is built here runs everywhere."""
    run(sys.executable, "-m", "pip", "wheel", "-q", "--disable-pip-version-check", "--no-deps", "--require-hashes", "-w", out,
        "-r", lock)  # fmt: skip
    if wrong := [path.name for path in out.iterdir() if not path.name.endswith("-none-any.whl")]:
        sys.exit(f"{', '.join(wrong)} 只能用于本机 / built for this machine alone")


def ours(out: Path) -> None:
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
        sys.exit(
            "需要 git 和一份克隆：只带走 git 认得的文件 / "
            "This needs git and a clone: only files that git knows may travel along."
        )
    for here, there in (
        ("collector/deploy", "deploy"), ("docs", "docs"), ("dashboards/out", "dashboards/out"),
        ("dashboards/provisioning", "dashboards/provisioning"),
        *((each, "flash/" + each.removeprefix("firmware/")) for each in FLASH),
    ):  # fmt: skip
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", here],
            cwd=ROOT, check=True, capture_output=True,
        ).stdout.decode()  # fmt: skip
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                target = folder / there / Path(name).relative_to(here) if name != here else folder / there
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, target)
    shutil.copytree(ROOT / "build" / "firmware", folder / "firmware", ignore=shutil.ignore_patterns(".made"))
    shutil.copyfile(ROOT / "LICENSE", folder / "LICENSE")
    shutil.copyfile(Path(__file__).with_name("install.sh"), folder / "install.sh")
    (folder / "install.sh").chmod(0o755)


def micropython(file: Path, wanted: str, out: Path) -> None:
    """The official .bin, beside a list with its SHA-256. `wanted`: its digits, or a list as sha256sum writes it."""
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    listed = Path(wanted).read_text(encoding="utf-8") if Path(wanted).is_file() else f"{wanted}  {file.name}"
    sums = dict(re.findall(r"^([0-9a-fA-F]{64}) [ *](\S+)\s*$", listed, re.MULTILINE))
    if sums.get(digest, sums.get(digest.upper())) != file.name:
        sys.exit(
            f"{file} 与 SHA256 不符（实为 {digest}）：损坏，或不是原版 / "
            "not what SHA256 says: damaged, or not the original."
        )
    out.mkdir(parents=True)
    shutil.copyfile(file, out / file.name)
    (out / "SHA256SUMS").write_text(f"{digest}  {file.name}\n", encoding="utf-8")


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
    parser.add_argument("--firmware", type=Path, help="MicroPython's official .bin for the boards")
    parser.add_argument("--sha256", default="", help="of --firmware: 64 hex digits, or a list's file")
    given = parser.parse_args()
    version = distribution("manyi").version
    folder = given.out / f"manyi-{version}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if given.firmware:
        micropython(given.firmware, given.sha256, folder / "flash" / "micropython")
    server, depot = needed(), needed("box")
    (folder / "requirements.txt").write_text(locked(server), encoding="utf-8")
    (folder / "requirements-flash.txt").write_text(locked(depot - server - SOURCE_ONLY), encoding="utf-8")
    source = given.out / "source.txt"
    source.write_text(locked(depot & SOURCE_ONLY), encoding="utf-8")
    for machine in given.machine or MACHINES:
        for python in given.python or PYTHONS:
            for lock in ("requirements.txt", "requirements-flash.txt"):
                fetch(folder / lock, folder / "wheels" / machine, machine, python)
    share(folder / "wheels")
    build(source, folder / "wheels" / "any")
    source.unlink()
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
