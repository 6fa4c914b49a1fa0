"""What every store's file has in common: nobody else may read it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from manyi.core import stores
from manyi.core.errors import LedgerError
from manyi.core.ledger import schema

Opens = Callable[[Path], object]


def a_store(path: Path) -> None:
    conn = stores.open_store(path, "CREATE TABLE t (x)", 1)
    conn.execute("INSERT INTO t VALUES (1)")
    modes(path)
    conn.close()


def a_ledger(path: Path) -> None:
    conn = schema.open_for_writing(path)
    modes(path)
    conn.close()


def modes(path: Path) -> None:
    found = {p.name: p.stat().st_mode & 0o777 for p in path.parent.glob(f"{path.name}*")}
    assert len(found) == 3, "the database, its WAL and its index"
    assert set(found.values()) == {0o640}


@pytest.fixture(autouse=True)
def _open_handed() -> Iterator[None]:
    """A shell that lets everybody read what it makes."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.parametrize("make", [a_store, a_ledger])
def test_others_read_nothing(make: Opens, tmp_path: Path) -> None:
    make(tmp_path / "x.db")
    make(tmp_path / "x.db")


@pytest.mark.parametrize("make", [a_store, a_ledger])
def test_a_file_of_an_earlier_release_is_closed_to_others(make: Opens, tmp_path: Path) -> None:
    make(tmp_path / "x.db")
    (tmp_path / "x.db").chmod(0o644)
    make(tmp_path / "x.db")


def test_a_mode_that_is_stricter_stays(tmp_path: Path) -> None:
    (tmp_path / "x.db").touch(mode=0o600)
    stores.keep_private(tmp_path / "x.db")
    assert (tmp_path / "x.db").stat().st_mode & 0o777 == 0o600


def test_a_folder_that_is_not_there_is_the_ledgers_to_name(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="cannot be opened as a ledger"):
        schema.open_for_writing(tmp_path / "none" / "ledger.db")
