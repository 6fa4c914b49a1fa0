"""Makes a copy of an installation while it runs, reads it again, and only then gives it its name.

    manyi-20261122-031500/
      data/       ledger.db, orders.db, office.db, wall.db (each a consistent copy), roots/
      config/     manyi.toml
      secrets/    only if asked for, each 0600
      also/       further folders that were named (the broker's)
      manifest.json

Roots are copied before the ledger, so that none seals a row that the copy lacks. Databases that can be made from the
ledger stay out, but for wall.db: it knows which batches the hall screens have shown, and other batches of the same
ratings would tell them apart.
Refuses to overwrite, to start without room on the disk, and to hide what is wrong with the ledger it copied.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from manyi import __version__
from manyi.backup import manifest, secret_files
from manyi.backup.manifest import Manifest
from manyi.broker import files
from manyi.broker.names import DOCTOR_FILE, BrokerError
from manyi.core import account, verify
from manyi.core.config import Config
from manyi.core.days import BEIJING
from manyi.core.errors import ManyiError, SetupError
from manyi.core.ledger import reader, schema
from manyi.words import both

PREFIX: Final = "manyi-"
NAME_FORMAT: Final = PREFIX + "%Y%m%d-%H%M%S"  # Beijing time
MADE_ANEW: Final = ("ratings.db", "visits.db", "influx*.db")  # names or patterns
ROOM_FACTOR: Final = 1.2  # a ledger grows while it is copied
ROOM_BYTES: Final = 64 << 20
BUSY_S: Final = 30.0

Say = Callable[[str], None]


def write(
    config: Config, config_file: Path, target: Path, also: Iterable[Path], now_ms: int, *, secrets: bool
) -> tuple[Path, Manifest]:
    """A new copy in `target`; gives its folder and manifest (whose `finding` says what is wrong with the ledger).

    Raises SetupError if it cannot be written, LedgerError without a ledger. A copy that was not finished leaves nothing.
    """
    at = datetime.fromtimestamp(now_ms / 1000, BEIJING)
    folder = target / at.strftime(NAME_FORMAT)
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        with files.locked(target):
            _sweep(target)
            _room(config.data.dir, target)
            with files.new_dir(folder) as stage:
                made = _fill(stage, config, config_file, also, now_ms, secrets)
    except BrokerError as error:
        raise SetupError(str(error)) from error
    except (OSError, sqlite3.Error) as error:
        raise SetupError(
            both(
                f"{folder} 无法写入（{error}）",
                f"{folder} cannot be written ({error}). Look at the disk and its owner.",
            )
        ) from error
    return folder, made


def _fill(
    stage: Path, config: Config, config_file: Path, also: Iterable[Path], now_ms: int, secrets: bool
) -> Manifest:
    data = stage / "data"
    data.mkdir(0o700)
    if config.data.roots.is_dir():
        shutil.copytree(config.data.roots, data / "roots", ignore=shutil.ignore_patterns("*.new"))
    schema.open_for_reading(config.data.ledger).close()  # one of ours, of our version
    database(config.data.ledger, data / "ledger.db")
    for path in sorted(config.data.dir.glob("*.db")):
        if path.name != "ledger.db" and not any(path.match(name) for name in MADE_ANEW):
            database(path, data / path.name)
    (stage / "config").mkdir(0o700)
    shutil.copyfile(config_file, stage / "config" / "manyi.toml")
    kept = _secrets(stage, config, config_file) if secrets else {}
    for number, folder in enumerate(also):
        shutil.copytree(folder, stage / "also" / f"{number}-{folder.name}", symlinks=False)
    made = judge(data, now_ms, config.policy.silent_s * 1000)
    names = {p.relative_to(stage).as_posix(): p for p in sorted(stage.rglob("*")) if p.is_file()}
    for path in names.values():
        path.chmod(0o600)
        _sync(path)
    made = replace(made, files={name: manifest.of_file(p) for name, p in names.items()}, secrets=kept)
    (stage / manifest.NAME).write_text(made.text(), encoding="utf-8")
    _sync(stage / manifest.NAME)
    return made


def database(source: Path, target: Path) -> None:
    """A consistent copy of a database that others write meanwhile; one file, nothing beside it."""
    uri = f"{source.absolute().as_uri()}?mode=ro"
    with (
        closing(sqlite3.connect(uri, uri=True, timeout=BUSY_S)) as live,
        closing(sqlite3.connect(target)) as copy,
    ):
        live.backup(copy)  # all pages in one read transaction: writers of a WAL are not held up
        copy.execute("PRAGMA journal_mode = DELETE")
        said = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
        if said != "ok":
            raise SetupError(
                both(
                    f"{source} 的副本已损坏（{said}）",
                    f"The copy of {source} is damaged ({said}). Look at both disks.",
                )
            )


def judge(data: Path, at_ms: int, silent_ms: int) -> Manifest:
    """What a data folder's ledger holds; reads all of it."""
    with closing(schema.open_for_reading(data / "ledger.db")) as conn:
        rows, digest = reader.tail(conn)
        total = account.read(conn, at_ms, silent_ms).total
        try:
            found = verify.ledger(conn, data / "roots").finding
            finding = "" if found is None else found.text()
        except ManyiError as error:  # a stray file among the roots
            finding = str(error)
    figures = {
        name: int(getattr(total, name)) for name in ("pressed", "stored", "waiting", "lost", "unknown", "ok")
    }
    return Manifest(__version__, at_ms, silent_ms, rows, digest.hex(), figures, finding)


def files_to_keep(config: Config) -> list[Path]:
    """Every file that the configuration names, as far as it is there (certificates too: of no use to anybody without the
    rest), what the office made by itself, and the doctor's account."""
    paths = [each.path for each in secret_files.named(config)]
    if config.web.secret_file is None:
        paths.append(config.data.dir / "office.secret")
    if config.broker.password_file is not None:
        paths.append(config.broker.password_file.with_name(DOCTOR_FILE))
    return [path for path in paths if path.is_file()]


def _secrets(stage: Path, config: Config, config_file: Path) -> dict[str, str]:
    (stage / "secrets").mkdir(0o700)
    places = {}
    for number, path in enumerate(files_to_keep(config)):
        name = f"secrets/{number}-{path.name}"
        shutil.copyfile(path, stage / name)
        base = config_file.absolute().parent
        inside = path.absolute().is_relative_to(base)
        places[name] = (path.absolute().relative_to(base) if inside else path.absolute()).as_posix()
    return places


def _room(data: Path, target: Path) -> None:
    needed = int(sum(p.stat().st_size for p in data.glob("*.db*")) * ROOM_FACTOR) + ROOM_BYTES
    free = shutil.disk_usage(target).free
    if free < needed:
        raise SetupError(
            both(
                f"{target} 剩余空间不足：需要 {needed >> 20} MB，只有 {free >> 20} MB",
                f"{target} has no room: {needed >> 20} MB are needed, {free >> 20} MB are free. Keep fewer copies.",
            )
        )


def _sweep(target: Path) -> None:
    """What a copy that was cut off has left. The lock is held, so none is under way."""
    for left in target.glob(f".{PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
