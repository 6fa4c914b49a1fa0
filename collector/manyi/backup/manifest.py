"""manifest.json: what a copy says of itself, so that whoever restores it can tell that it is whole. Refuses to repair.

{"manyi-backup": 1, "program", "at_ms", "silent_ms", "rows", "hash", "account": {...}, "finding": "" or what is wrong,
 "files": {"data/ledger.db": {"bytes", "sha256"}, ...}, "secrets": {"secrets/0-link.keys": "secrets/link.keys", ...}}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import file_digest
from pathlib import Path
from typing import Final

from manyi.core.errors import InputError
from manyi.words import both

NAME: Final = "manifest.json"
FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class File:
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """`account`: the total, in presses, as it stood at `at_ms`. `secrets`: where each secret file lay."""

    program: str
    at_ms: int
    silent_ms: int
    rows: int
    hash: str
    account: Mapping[str, int]
    finding: str = ""
    files: Mapping[str, File] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        return json.dumps({"manyi-backup": FORMAT} | asdict(self), ensure_ascii=False, indent=1) + "\n"


def read(folder: Path) -> Manifest:
    """Raises InputError if there is none, or it is not one of ours."""
    path = folder / NAME
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
        if tree.pop("manyi-backup") != FORMAT:
            raise ValueError(both("由更新的版本生成", "made by a newer program"))
        files = {name: File(**each) for name, each in tree.pop("files").items()}
        found = Manifest(**tree, files=files)
        int(found.at_ms), int(found.rows), bytes.fromhex(found.hash)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            both(
                f"{folder} 不是备份：{NAME} 无法读取（{error}）",
                f"{folder} is not a copy that this program can read: {NAME} ({error}).",
            )
        ) from error
    return found


def of_file(path: Path) -> File:
    with path.open("rb") as file:
        return File(path.stat().st_size, file_digest(file, "sha256").hexdigest())


def differences(folder: Path, manifest: Manifest) -> list[str]:
    """What of the copy is not as it was written: changed, missing, or not named. Empty: nothing."""
    found = []
    for name, was in manifest.files.items():
        path = folder / name
        if Path(name).is_absolute() or ".." in Path(name).parts:
            found.append(both(f"{name}：清单里不该有这样的名称", f"{name}: no name for a file of a copy"))
        elif not path.is_file() or path.is_symlink():
            found.append(both(f"{name}：缺失", f"{name}: is missing"))
        elif of_file(path) != was:
            found.append(both(f"{name}：内容已改变", f"{name}: is not what was written"))
    for name in sorted(manifest.secrets.keys() - manifest.files.keys()):
        found.append(both(f"{name}：清单里不该有这样的名称", f"{name}: no name for a file of a copy"))
    # A link to a folder is no folder of the copy: what lies in it was not looked at, and would be copied along.
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_symlink() or not p.is_dir()}
    for name in sorted(there - set(manifest.files) - {NAME}):
        found.append(both(f"{name}：不在清单里", f"{name}: is not in the manifest"))
    return found
