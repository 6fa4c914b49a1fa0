"""Puts a copy into an empty folder and compares it with what the copy says of itself.

    checked whole (SHA-256) → copied → rows, chain, account as in the manifest → a `setback` row admits it for ever

Refuses a folder that is not empty, a copy with a changed, missing or foreign file, and to leave something that does not
compare: what was put there is taken away again. A projection needs no restoring: the service makes it from the ledger.
"""

from __future__ import annotations

import shutil
import sqlite3
import tomllib
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from manyi.backup import copy, manifest
from manyi.backup.manifest import Manifest
from manyi.broker import files
from manyi.broker.names import BrokerError
from manyi.core import root
from manyi.core.errors import EvidenceError, InputError, SetupError
from manyi.core.ledger import schema
from manyi.words import both

OFFICE_SECRET = "office.secret"


class Restored(NamedTuple):
    """`placed`: configuration and secrets; `by_hand`: (file in the copy, where it lay) outside of the given folder."""

    manifest: Manifest
    placed: list[Path]
    by_hand: list[tuple[Path, str]]


def restore(source: Path, data: Path, etc: Path | None, now_ms: int, *, drill: bool = False) -> Restored:
    """`data` becomes the new [data] dir; `etc`, if given, takes manyi.toml and the secrets that lay beside it.

    A drill leaves the ledger exactly as it was copied; otherwise a `setback` row says that it came from a copy.
    Raises InputError for a copy that is not whole, EvidenceError if figures differ, SetupError if it cannot be written.
    """
    found = manifest.read(source)
    if problems := manifest.differences(source, found):
        raise InputError(*problems)
    for folder in (data, etc):
        if folder is not None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(
                both(
                    f"{folder} 不是空目录",
                    f"{folder} is not empty. Name a new folder, or move the old one away.",
                )
            )
    try:
        with files.new_dir(data) as stage:
            shutil.copytree(source / "data", stage, dirs_exist_ok=True, copy_function=shutil.copyfile)
            if key := _accounts_key(source, found):
                shutil.copyfile(source / key, stage / OFFICE_SECRET)
            for path in stage.rglob("*"):
                path.chmod(0o700 if path.is_dir() else 0o600)
            schema.upgrade(stage / "ledger.db")  # a copy of an earlier release
            _compare(stage, found)
            if not drill:
                _admit(stage, found, now_ms)
        placed, by_hand = _config(source, found, etc)
    except BrokerError as error:
        raise SetupError(str(error)) from error
    except (OSError, sqlite3.Error) as error:
        raise SetupError(
            both(f"无法恢复（{error}）", f"It cannot be restored ({error}). Look at the disk and its owner.")
        ) from error
    return Restored(found, placed, by_hand)


def _compare(data: Path, found: Manifest) -> None:
    now = copy.judge(data, found.at_ms, found.silent_ms)
    differing = [
        f"{name}: {was!r} -> {is_now!r}"
        for name, was, is_now in (
            ("rows", found.rows, now.rows),
            ("hash", found.hash, now.hash),
            ("account", dict(found.account), dict(now.account)),
            ("finding", found.finding, now.finding),
        )
        if was != is_now
    ]
    if differing:
        raise EvidenceError(
            "\n".join(
                [
                    both("恢复的台账与清单不符", "The restored ledger is not what the manifest says"),
                    *differing,
                ]
            )
        )


def _admit(data: Path, found: Manifest, now_ms: int) -> None:
    """What was sealed after the copy will not fit any more: the ledger itself says why."""
    with closing(schema.open_for_writing(data / "ledger.db")) as conn:
        root.append_setback(conn, root.Latest(found.rows, bytes.fromhex(found.hash), found.at_ms), now_ms)
        root.write_latest(conn, data / "roots", now_ms)
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _accounts_key(source: Path, found: Manifest) -> str:
    """The secret that the service made beside its accounts; "" if the configuration names one elsewhere, or none came along.

    Its place is the data folder, wherever that is now: with another one no second factor can be read, and nobody who
    needs one gets in.
    """
    told = tomllib.loads((source / "config" / "manyi.toml").read_text(encoding="utf-8"))
    if told.get("web", {}).get("secret_file"):
        return ""
    return next((name for name, place in found.secrets.items() if Path(place).name == OFFICE_SECRET), "")


def _config(source: Path, found: Manifest, etc: Path | None) -> tuple[list[Path], list[tuple[Path, str]]]:
    key = _accounts_key(source, found)
    secrets = {name: place for name, place in found.secrets.items() if name != key}
    by_hand = [
        (source / name, place) for name, place in secrets.items() if etc is None or Path(place).is_absolute()
    ]
    if etc is None:
        return [], by_hand
    etc.mkdir(mode=0o750, parents=True, exist_ok=True)
    placed = [etc / "manyi.toml"]
    shutil.copyfile(source / "config" / "manyi.toml", placed[0])
    for name, place in secrets.items():
        if Path(place).is_absolute() or ".." in Path(place).parts:
            continue
        target = etc / place
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        files.write_new(target, (source / name).read_bytes())
        placed.append(target)
    return placed, by_hand
