"""office.db: made for the service alone, pointed at, migrated. It refuses to be read by others on the machine."""

from __future__ import annotations

from pathlib import Path

from django.core.cache import cache
from django.core.management import call_command
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder

from manyi.core.errors import SetupError
from manyi.core.stores import make_empty

MODE = 0o600
LABEL = "access"
MIGRATIONS = Path(__file__).with_name("migrations")


def point_at(path: Path) -> None:
    """From now on the accounts are in that file. One process has one such file at a time."""
    from manyi.office.access import audit  # noqa: PLC0415  needs the models

    connections.close_all()
    connections.databases["default"]["NAME"] = str(path)
    cache.clear()  # rate limits and used codes belong to the accounts of before
    audit.forget()


def migrate(path: Path) -> None:
    """Make the file if it is not there and bring its tables up to date. Raises SetupError."""
    try:
        make_empty(path, MODE)
        if path.stat().st_mode & 0o077:
            raise SetupError(
                f"{path}：别人可以读取账号库，请执行 chmod 600 {path} / others may read the accounts. "
                f"Run: chmod 600 {path}"
            )
    except OSError as error:
        raise SetupError(
            f"{path}：账号库无法建立（{error}） / the accounts' database cannot be made ({error})."
        ) from error
    _refuse_newer(path)
    call_command("migrate", interactive=False, verbosity=0)
    connections.close_all()


def _refuse_newer(path: Path) -> None:
    """Tables of a newer release would be read as if nothing had changed in them."""
    applied = MigrationRecorder(connections["default"]).applied_migrations()
    known = {file.stem for file in MIGRATIONS.glob("0*.py")}
    newer = sorted(name for app, name in applied if app == LABEL and name not in known)
    if newer:
        connections.close_all()
        raise SetupError(
            f"{path}：账号库由更新的版本写成（{newer[-1]}），请用那个版本 / It is of a newer release ({newer[-1]}). "
            "Use the release that made it, or restore the copy from before the upgrade."
        )


def settle(*, all_of_it: bool = False) -> None:
    """Write what the audit log has counted."""
    from manyi.office.access import audit  # noqa: PLC0415  needs the models

    try:
        audit.settle(all_of_it=all_of_it)
    finally:
        connections.close_all()


def tidy(keep_days: int) -> None:
    """Remove sessions that have ended and entries of the audit log past their time."""
    from manyi.office.access import audit  # noqa: PLC0415  needs the models

    try:
        call_command("clearsessions")
        audit.prune(keep_days)
    finally:
        connections.close_all()
