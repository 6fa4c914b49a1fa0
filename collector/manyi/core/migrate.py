"""What an earlier release has left is brought to this one: `manyi migrate`, and `manyi serve` before it starts.

    ledger.db    upgraded in one transaction; its rows and their chain are never touched
    orders.db    kept as it is, or refused
    the others   projections: one of another version is emptied and made again from the ledger when the service runs

Refuses a database of a newer release in plain words, and to work while a service runs on the folder.
"""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Callable
from contextlib import closing

from manyi.core import stores
from manyi.core.config import Config
from manyi.core.errors import LedgerError, SetupError
from manyi.core.ledger import schema
from manyi.core.orders import store as orders
from manyi.words import both

Say = Callable[[str], None]


def migrate(config: Config, say: Say) -> None:
    """Raises SetupError while a service runs, LedgerError for a database of a newer release."""
    data = config.data
    if not data.dir.is_dir():
        return  # nothing has run yet
    try:
        lock = (data.dir / "serve.lock").open("w")
    except OSError as error:
        raise SetupError(
            f"{data.dir} 无法写入 / cannot be written ({error}). Run it as the service's account."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SetupError(
                f"{data.dir}：服务正在运行，请先停止 / another `manyi serve` runs on this folder. Stop it first: "
                "systemctl stop manyi"
            ) from error
        if data.orders.exists():
            _orders(config)
        if data.ledger.exists():
            had = schema.upgrade(data.ledger)
            if had != schema.VERSION:
                say(f"{data.ledger}: {had} -> {schema.VERSION}")


def _orders(config: Config) -> None:
    with closing(stores.open_reader(config.data.orders)) as conn:
        try:
            version = conn.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.Error as error:
            raise LedgerError(
                both(f"{config.data.orders} 无法读取", f"it cannot be read ({error}).")
            ) from error
    if version > orders.VERSION:
        raise LedgerError(
            f"{config.data.orders} 由更新的版本写成 / It is of version {version}; this program knows version "
            f"{orders.VERSION}. Use the release that made it."
        )
