"""What every store's file has in common: nobody else may read it, and several processes may use it."""

import os
import subprocess
import sys
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


ANOTHER_PROCESS = """
import sqlite3, sys
conn = sqlite3.connect(sys.argv[1], isolation_level=None)
conn.execute("CREATE TABLE IF NOT EXISTS seen (x)")
conn.execute("INSERT INTO seen VALUES (1)")
print(conn.execute("SELECT count(*) FROM seen").fetchone()[0])
conn.close()
"""


def another_writes(path: Path) -> int:
    """Another process opens the file, writes and is gone. -> how many rows it saw."""
    done = subprocess.run(
        [sys.executable, "-c", ANOTHER_PROCESS, str(path)], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_a_file_opened_twice_by_one_process_keeps_its_locks(tmp_path: Path) -> None:
    """Closing any descriptor of a file ends all of a process's locks on it: the next command line to leave would take
    itself for the last, delete the WAL, and whatever the service wrote from then on would be in no file."""
    path = tmp_path / "x.db"
    first = stores.open_store(path, "CREATE TABLE t (x)", 1)
    second = stores.open_store(path, "CREATE TABLE t (x)", 1)
    counts = [another_writes(path) for _ in range(3)]
    assert counts == [1, 2, 3]
    assert [c.execute("SELECT count(*) FROM seen").fetchone()[0] for c in (first, second)] == [3, 3]
    first.execute("INSERT INTO seen VALUES (2)")
    assert another_writes(path) == 5, "what the first connection wrote is in the file"
    first.close()
    second.close()


def test_a_ledger_opened_twice_by_one_process_keeps_its_locks(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    first = schema.open_for_writing(path)
    second = schema.open_for_writing(path)
    assert [another_writes(path) for _ in range(2)] == [1, 2]
    first.execute("INSERT INTO seen VALUES (2)")
    assert another_writes(path) == 4
    first.close()
    second.close()
