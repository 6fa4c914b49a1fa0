"""office.db: made for the service alone, pointed at, migrated. It refuses to be read by others on the machine."""

from __future__ import annotations

import os
from pathlib import Path

from django.core.cache import cache
from django.core.management import call_command
from django.db import connections

from manyi.core.errors import SetupError

MODE = 0o600


def point_at(path: Path) -> None:
    """From now on the accounts are in that file. One process has one such file at a time."""
    connections.close_all()
    connections.databases["default"]["NAME"] = str(path)
    cache.clear()  # rate limits and used codes belong to the accounts of before


def migrate(path: Path) -> None:
    """Make the file if it is not there and bring its tables up to date. Raises SetupError."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, MODE))
        if path.stat().st_mode & 0o077:
            raise SetupError(
                f"{path}：别人可以读取账号库，请执行 chmod 600 {path} / others may read the accounts. "
                f"Run: chmod 600 {path}"
            )
    except OSError as error:
        raise SetupError(
            f"{path}：账号库无法建立（{error}） / the accounts' database cannot be made ({error})."
        ) from error
    call_command("migrate", interactive=False, verbosity=0)
    connections.close_all()


def tidy(keep_days: int) -> None:
    """Remove sessions that have ended and entries of the audit log past their time."""
    from manyi.office.access import audit  # noqa: PLC0415  needs the models

    try:
        call_command("clearsessions")
        audit.prune(keep_days)
    finally:
        connections.close_all()
