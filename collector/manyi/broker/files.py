"""Files that hold secrets: made whole or not at all, never over an old one, never readable by others.

Refuses: to overwrite (`write_new`), to follow a link, to read a secret that others can read (`read_secret`).
"""

import contextlib
import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from manyi.broker.names import BrokerError
from manyi.words import both

SECRET = 0o600
PUBLIC = 0o644
SECRET_DIR = 0o700


def _sync_dir(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _temporary(path: Path, data: bytes, mode: int) -> Path:
    temp = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(fd, "wb") as file:
            os.fchmod(file.fileno(), mode)  # whatever the umask says
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        temp.unlink(missing_ok=True)
        raise
    return temp


def write_new(path: Path, data: bytes, mode: int = SECRET) -> None:
    """A file that was not there. Raises BrokerError if it was; a crash leaves all of it or none."""
    temp = _temporary(path, data, mode)
    try:
        os.link(temp, path)  # unlike a rename, a link cannot replace
    except FileExistsError:
        raise BrokerError(both(f"{path} 已存在，不会覆盖", f"{path} exists and is not overwritten")) from None
    finally:
        temp.unlink()
    _sync_dir(path.parent)


def replace(path: Path, data: bytes, mode: int = SECRET) -> None:
    """The new content in one step, under the old owner and mode; `mode` only where there was none."""
    old = path.lstat() if path.exists() else None
    temp = _temporary(path, data, stat.S_IMODE(old.st_mode) if old else mode)
    try:
        if old and os.geteuid() == 0:  # the broker's own account must be able to read it after a reload
            os.chown(temp, old.st_uid, old.st_gid)
        temp.replace(path)
    except BaseException:
        temp.unlink(missing_ok=True)
        raise
    _sync_dir(path.parent)


def read_secret(path: Path) -> bytes:
    """The content, if nobody but the owner can read it. Raises BrokerError."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        raise BrokerError(both(f"无法读取 {path}", f"cannot read it: {error.strerror}")) from None
    with os.fdopen(fd, "rb") as file:
        if os.fstat(file.fileno()).st_mode & 0o077:
            raise BrokerError(both(f"{path} 可被他人读取", f"others can read it: chmod 600 {path}"))
        return file.read()


@contextlib.contextmanager
def new_dir(path: Path, mode: int = SECRET_DIR) -> Iterator[Path]:
    """A directory built aside, which appears at `path` when the block ends well, and not at all otherwise."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise BrokerError(both(f"{path} 已存在，不会覆盖", f"{path} exists and is not overwritten"))
    path.parent.mkdir(parents=True, exist_ok=True)
    stage = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    stage.mkdir(mode)
    try:
        yield stage
        stage.chmod(mode)
        _sync_dir(stage)
        stage.rename(path)  # fails if somebody put something there meanwhile
    except BaseException:
        shutil.rmtree(stage, ignore_errors=True)
        raise
    _sync_dir(path.parent)


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """One writer at a time: two technicians who add boxes at once must not undo each other."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
