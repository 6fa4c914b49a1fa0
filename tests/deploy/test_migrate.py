"""A ledger of the first release becomes one of this: the same rows, hashes and account; a newer one is refused."""

from __future__ import annotations

import fcntl
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from manyi.backup import copy, manifest
from manyi.backup.restore import restore
from manyi.cli import app
from manyi.core import account, migrate, stores, verify
from manyi.core.errors import LedgerError, SetupError
from manyi.core.ledger import reader, schema
from manyi.core.orders import store as orders
from manyi.core.projector import Figures
from manyi.core.record import CLOCK
from typer.testing import CliRunner

from tests.collector.box_double import BOX, K_CHAIN, BoxDouble
from tests.deploy.town import T0, Town

FIRST = Path(__file__).parent / "data" / "ledger-1.sql"


@pytest.fixture
def old(tmp_path: Path) -> Town:
    """An installation whose ledger was written by the first release."""
    town = Town(tmp_path / "etc")
    town.conn.close()
    town.config.data.ledger.unlink()
    with closing(sqlite3.connect(town.config.data.ledger)) as conn:
        conn.executescript(FIRST.read_text(encoding="utf-8"))
        conn.execute("PRAGMA journal_mode = WAL")
    return town


def rows(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as conn:
        return conn.execute("SELECT * FROM row ORDER BY id").fetchall()


def test_the_first_releases_ledger_keeps_every_row(old: Town) -> None:
    before = rows(old.config.data.ledger)
    said: list[str] = []
    migrate.migrate(old.config, said.append)
    assert said == [f"{old.config.data.ledger}: 1 -> {schema.VERSION}"]
    assert rows(old.config.data.ledger) == before
    assert len(before) == 18
    with closing(schema.open_for_writing(old.config.data.ledger)) as conn:
        assert verify.ledger(conn, old.config.data.roots, {BOX: K_CHAIN}).finding is None
        assert account.read(conn, T0).total.stored == 17


def test_it_takes_in_what_comes_next(old: Town) -> None:
    migrate.migrate(old.config, print)
    old.conn = schema.open_for_writing(old.config.data.ledger)
    other = BoxDouble(box="mb-other")
    other.press(2, 3)
    old.take(other)
    assert reader.tail(old.conn)[0] == 21
    assert verify.ledger(old.conn, old.config.data.roots).finding is None


def test_an_upgraded_ledger_is_laid_out_like_a_new_one(old: Town, tmp_path: Path) -> None:
    migrate.migrate(old.config, print)
    schema.open_for_writing(tmp_path / "new.db").close()
    layout = (
        "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
    )
    found = []
    for path in (old.config.data.ledger, tmp_path / "new.db"):
        with closing(sqlite3.connect(path)) as conn:
            found.append([(a, b, c, " ".join((d or "").split())) for a, b, c, d in conn.execute(layout)])
    assert found[0] == found[1]


def test_twice_changes_nothing(old: Town) -> None:
    migrate.migrate(old.config, print)
    with closing(sqlite3.connect(old.config.data.ledger)) as conn:
        name = conn.execute("SELECT value FROM meta WHERE key = 'id'").fetchone()
    said: list[str] = []
    migrate.migrate(old.config, said.append)
    with closing(sqlite3.connect(old.config.data.ledger)) as conn:
        assert conn.execute("SELECT value FROM meta WHERE key = 'id'").fetchone() == name
    assert said == []


def test_an_upgrade_that_fails_half_way_changes_nothing(old: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(schema.UPGRADES, 1, schema.UPGRADES[1] + "INSERT INTO nowhere VALUES (1);\n")
    with pytest.raises(LedgerError, match="Nothing was changed"):
        migrate.migrate(old.config, print)
    with closing(sqlite3.connect(old.config.data.ledger)) as conn:
        assert conn.execute("PRAGMA user_version").fetchone() == (1,)
        assert conn.execute("SELECT count(*) FROM sqlite_master WHERE name = 'meta'").fetchone() == (0,)


def test_commands_on_an_old_ledger_say_what_to_run(old: Town) -> None:
    result = CliRunner().invoke(app, ["-c", str(old.file), "account"])
    assert (result.exit_code, "manyi migrate" in result.output) == (2, True)
    assert CliRunner().invoke(app, ["-c", str(old.file), "migrate"]).exit_code == 0
    assert CliRunner().invoke(app, ["-c", str(old.file), "account"]).exit_code == 0


@pytest.mark.parametrize("command", ["migrate", "serve", "account"])
def test_a_newer_ledger_is_refused_in_plain_words(old: Town, command: str) -> None:
    with closing(sqlite3.connect(old.config.data.ledger)) as conn:
        conn.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    result = CliRunner().invoke(app, ["-c", str(old.file), command])
    assert result.exit_code == 2
    assert "Use the release that made it" in result.output


def test_newer_orders_are_refused_and_not_emptied(old: Town) -> None:
    orders.Orders(old.config.data.orders).close()
    with closing(sqlite3.connect(old.config.data.orders)) as conn:
        conn.execute(f"PRAGMA user_version = {orders.VERSION + 1}")
    with pytest.raises(LedgerError, match="Use the release that made it"):
        migrate.migrate(old.config, print)
    with closing(sqlite3.connect(old.config.data.orders)) as conn:
        assert conn.execute("PRAGMA user_version").fetchone() == (orders.VERSION + 1,)


@pytest.mark.parametrize("version", [0, 99])
def test_projections_of_another_release_are_made_again_to_the_same_figures(old: Town, version: int) -> None:
    migrate.migrate(old.config, print)

    def shown() -> str:
        with closing(Figures(old.config, lambda: T0 + 60_000)) as figures:
            while figures.step():
                pass
        with closing(stores.open_reader(old.config.data.wall)) as wall:
            return (
                stores.get(wall, "shown")
                + " "
                + str(wall.execute("SELECT * FROM tally ORDER BY 1, 2, 3").fetchall())
            )

    conn = schema.open_for_writing(old.config.data.ledger)
    box = BoxDouble(box="mb-other")
    box.press(1, 4)
    box.write(CLOCK, reason=1, data=T0.to_bytes(8, "little"))
    old.conn = conn
    old.take(box)
    before = shown()
    assert before.startswith("4 ")
    for path in (old.config.data.ratings, old.config.data.wall):
        with closing(sqlite3.connect(path)) as store:
            store.execute("UPDATE meta SET value = 'stale' WHERE key = 'shown'")
            store.commit()
            store.execute(f"PRAGMA user_version = {version}")
    migrate.migrate(old.config, print)
    assert shown() == before


def test_newer_accounts_are_refused_in_plain_words(old: Town) -> None:
    """In a process of its own: Django is one per process."""

    def office_migrate() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "manyi", "-c", str(old.file), "office", "migrate"]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    first = office_migrate()
    assert first.returncode == 0, first.stderr
    office = old.config.data.dir / "office.db"
    with closing(sqlite3.connect(office)) as conn, conn:
        conn.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('access', '9999_later', '2026-11-21')"
        )
    done = office_migrate()
    assert (done.returncode, "9999_later" in done.stderr) == (2, True)
    assert "Use the release that made it" in done.stderr


def test_not_while_a_service_runs(old: Town) -> None:
    with (old.config.data.dir / "serve.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(SetupError, match="Stop it first"):
            migrate.migrate(old.config, print)


def test_a_copy_of_the_first_release_can_be_restored(old: Town, tmp_path: Path) -> None:
    migrate.migrate(old.config, print)
    folder, _ = copy.write(old.config, old.file, tmp_path / "copies", (), T0, secrets=False)
    ledger = folder / "data" / "ledger.db"
    now = manifest.of_file(ledger)
    ledger.unlink()
    with closing(sqlite3.connect(ledger)) as conn:
        conn.executescript(FIRST.read_text(encoding="utf-8"))
    was = manifest.of_file(ledger)
    text = (folder / manifest.NAME).read_text()
    text = text.replace(now.sha256, was.sha256).replace(f'"bytes": {now.bytes}', f'"bytes": {was.bytes}')
    (folder / manifest.NAME).write_text(text)
    restore(folder, tmp_path / "new", None, T0)
    with closing(schema.open_for_reading(tmp_path / "new" / "ledger.db")) as conn:
        assert verify.ledger(conn, tmp_path / "new" / "roots").finding is None
