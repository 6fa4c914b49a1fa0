"""Copies while somebody writes, and back again: the same rows, the same account; and whatever was meddled with is named."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from manyi.backup import copy, manifest, rotation
from manyi.backup import restore as restoring
from manyi.cli import app
from manyi.core import config as configs
from manyi.core import verify
from manyi.core.days import BEIJING
from manyi.core.errors import EvidenceError, InputError, SetupError
from manyi.core.ledger import schema
from manyi.core.orders.store import Orders
from typer.testing import CliRunner

from tests.collector.box_double import BOX, K_CHAIN, BoxDouble
from tests.deploy.town import T0, Town


@pytest.fixture
def town(tmp_path: Path) -> Town:
    found = Town(tmp_path / "etc")
    box = BoxDouble()
    box.press(1, 30)
    box.press(3, 2)
    found.take(box)
    found.seal()
    return found


def made(town: Town, target: Path, *, secrets: bool = False, at_ms: int = T0) -> Path:
    return copy.write(town.config, town.file, target, (), at_ms, secrets=secrets)[0]


def test_a_copy_made_while_somebody_writes_is_one_moment_of_the_ledger(town: Town, tmp_path: Path) -> None:
    stop, box = threading.Event(), BoxDouble(box="mb-busy")

    def press() -> None:
        while not stop.is_set():
            box.press(2, 5)
            town.take(box)

    writer = threading.Thread(target=press)
    writer.start()
    try:
        first = made(town, tmp_path / "copies")
        second = made(town, tmp_path / "copies", at_ms=T0 + 5_000)
    finally:
        stop.set()
        writer.join()
    for folder in (first, second):
        found = manifest.read(folder)
        assert (found.finding, found.account["ok"], manifest.differences(folder, found)) == ("", 1, [])
        assert found.account["stored"] >= 32
    assert manifest.read(second).rows >= manifest.read(first).rows


def test_what_was_copied_comes_back_and_says_that_it_was(town: Town, tmp_path: Path) -> None:
    with closing(Orders(town.config.data.orders)) as orders:
        orders.command(BOX, 1, "identify", T0)
    (town.folder / "secrets" / "doctor.jsonl").write_text("{}")
    folder = made(town, tmp_path / "copies", secrets=True)
    done = restoring.restore(folder, tmp_path / "new" / "data", tmp_path / "new" / "etc", T0 + 60_000)
    data = tmp_path / "new" / "data"
    with closing(schema.open_for_reading(data / "ledger.db")) as conn:
        report = verify.ledger(conn, data / "roots", {BOX: K_CHAIN})
        kinds = [kind for (kind,) in conn.execute("SELECT kind FROM row ORDER BY id DESC LIMIT 1")]
    assert report.finding is None
    assert report.records == done.manifest.account["stored"] == 32
    assert kinds == ["setback"]
    assert any("a backup came back" in note for note in report.notes)
    with closing(Orders(data / "orders.db")) as orders:
        assert len(orders.commands(0)) == 1
    names = {"manyi.toml", "broker.password", "link.keys", "web.secret", "doctor.jsonl"}
    assert {p.name for p in done.placed} == names
    assert all(p.stat().st_mode & 0o077 == 0 for p in done.placed if p.name != "manyi.toml")
    assert not (data / "ratings.db").exists(), "made from the ledger at the start"


@pytest.mark.parametrize("absolute", [True, False])
def test_the_accounts_come_back_with_the_secret_that_opens_them(
    town: Town, tmp_path: Path, absolute: bool
) -> None:
    """It lies in the data folder unless the configuration says otherwise, wherever that folder is now."""
    text = town.file.read_text()
    text = "\n".join(line for line in text.splitlines() if not line.startswith("secret_file"))
    if absolute:
        text = re.sub(r"^dir = .*data.*$", f'dir = "{town.config.data.dir}"', text, flags=re.MULTILINE)
    town.file.write_text(text + "\n")
    (town.config.data.dir / "office.secret").write_text("opens the second factors")
    config = configs.load(town.file)
    folder = copy.write(config, town.file, tmp_path / "copies", (), T0, secrets=True)[0]
    done = restoring.restore(folder, tmp_path / "new", tmp_path / "conf", T0, drill=True)
    there = tmp_path / "new" / "office.secret"
    assert (there.read_text(), there.stat().st_mode & 0o777) == ("opens the second factors", 0o600)
    assert "office.secret" not in {p.name for p in done.placed} | {p.name for p, _ in done.by_hand}


def test_a_drill_leaves_the_ledger_exactly_as_it_was(town: Town, tmp_path: Path) -> None:
    folder = made(town, tmp_path / "copies")
    restoring.restore(folder, tmp_path / "drill", None, T0, drill=True)
    assert manifest.of_file(tmp_path / "drill" / "ledger.db") == manifest.read(folder).files["data/ledger.db"]


def test_secrets_stay_out_unless_they_are_asked_for(town: Town, tmp_path: Path) -> None:
    folder = made(town, tmp_path / "copies")
    assert not (folder / "secrets").exists()
    with_them = made(town, tmp_path / "copies", secrets=True, at_ms=T0 + 1000)
    assert {
        p.stat().st_mode & 0o777 for p in with_them.rglob("*") if p.is_file() and p.name != "manifest.json"
    } == {0o600}
    assert set(manifest.read(with_them).secrets.values()) >= {"secrets/link.keys", "secrets/broker.password"}
    assert with_them.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["data/ledger.db", "config/manyi.toml", "data/roots/latest"])
def test_a_copy_that_was_changed_is_refused_and_the_file_named(town: Town, tmp_path: Path, name: str) -> None:
    folder = made(town, tmp_path / "copies")
    with (folder / name).open("ab") as file:
        file.write(b"x")
    with pytest.raises(InputError, match=name):
        restoring.restore(folder, tmp_path / "new", None, T0)
    assert not (tmp_path / "new").exists()


def test_missing_and_foreign_files_are_named(town: Town, tmp_path: Path) -> None:
    folder = made(town, tmp_path / "copies")
    (folder / "config" / "manyi.toml").unlink()
    (folder / "data" / "other.db").write_text("x")
    said = "\n".join(manifest.differences(folder, manifest.read(folder)))
    assert "manyi.toml" in said
    assert "other.db" in said


def test_further_folders_travel_along(town: Town, tmp_path: Path) -> None:
    broker = tmp_path / "broker"
    (broker / "handover").mkdir(parents=True)
    (broker / "passwords").write_text("hashed")
    folder, found = copy.write(town.config, town.file, tmp_path / "copies", (broker,), T0, secrets=False)
    assert (folder / "also" / "0-broker" / "passwords").read_text() == "hashed"
    assert "also/0-broker/passwords" in found.files
    assert (folder / "also" / "0-broker" / "passwords").stat().st_mode & 0o077 == 0


def test_a_manifest_may_not_lead_out_of_the_copy(town: Town, tmp_path: Path) -> None:
    folder = made(town, tmp_path / "copies")
    text = (folder / manifest.NAME).read_text()
    (folder / manifest.NAME).write_text(text.replace("config/manyi.toml", "../manyi.toml"))
    with pytest.raises(InputError, match="no name for a file"):
        restoring.restore(folder, tmp_path / "new", None, T0)


def test_a_link_in_a_copy_leads_nowhere(town: Town, tmp_path: Path) -> None:
    """Restoring is root's work: a folder beside the copy would lie in the service's own afterwards."""
    folder = made(town, tmp_path / "copies")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "shadow").write_text("root:x")
    (folder / "data" / "more").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"data/more: is not in the manifest"):
        restoring.restore(folder, tmp_path / "new", None, T0)
    assert not (tmp_path / "new").exists()


def test_a_secret_of_a_copy_is_a_file_of_the_copy(town: Town, tmp_path: Path) -> None:
    """Else a made-up manifest has root copy any file of the machine to where the service reads it."""
    folder = made(town, tmp_path / "copies", secrets=True)
    (tmp_path / "shadow").write_text("root:x")
    tree = json.loads((folder / manifest.NAME).read_text())
    tree["secrets"]["../../shadow"] = "secrets/shadow"
    (folder / manifest.NAME).write_text(json.dumps(tree))
    with pytest.raises(InputError, match="no name for a file"):
        restoring.restore(folder, tmp_path / "new" / "data", tmp_path / "new" / "etc", T0)
    assert not (tmp_path / "new" / "etc").exists()


def test_a_ledger_swapped_with_its_manifest_does_not_pass(town: Town, tmp_path: Path) -> None:
    """Somebody removes a press and writes the file's new digest into the manifest."""
    folder = made(town, tmp_path / "copies")
    ledger = folder / "data" / "ledger.db"
    was = manifest.read(folder).files["data/ledger.db"]
    with closing(sqlite3.connect(ledger)) as conn, conn:
        conn.execute("DROP TRIGGER row_is_never_deleted")
        conn.execute("DELETE FROM row WHERE id = 31")
    now = manifest.of_file(ledger)
    text = (
        (folder / manifest.NAME)
        .read_text()
        .replace(was.sha256, now.sha256)
        .replace(str(was.bytes), str(now.bytes))
    )
    (folder / manifest.NAME).write_text(text)
    with pytest.raises(EvidenceError, match="finding"):
        restoring.restore(folder, tmp_path / "new", None, T0)
    assert not (tmp_path / "new").exists()


def test_a_folder_that_is_not_empty_is_refused(town: Town, tmp_path: Path) -> None:
    folder = made(town, tmp_path / "copies")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(InputError, match="is not empty"):
        restoring.restore(folder, tmp_path / "full", None, T0)


def test_a_broken_ledger_is_copied_and_called_broken(town: Town, tmp_path: Path) -> None:
    town.conn.execute("DROP TRIGGER row_is_never_changed")
    town.conn.execute("UPDATE row SET at_ms = at_ms + 1 WHERE id = 7")
    result = CliRunner().invoke(app, ["-c", str(town.file), "backup", str(tmp_path / "copies")])
    assert result.exit_code == 1
    assert "row 7" in result.output
    (folder,) = (tmp_path / "copies").iterdir()
    assert "row 7" in manifest.read(folder).finding
    assert rotation.copies(tmp_path / "copies") == {}, "evidence is not rotated away"


def test_a_disk_without_room_is_said_before_anything_is_written(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copy, "ROOM_BYTES", 1 << 60)
    with pytest.raises(SetupError, match="has no room"):
        made(town, tmp_path / "copies")
    assert list((tmp_path / "copies").iterdir()) == []


def test_a_copy_that_was_cut_off_is_swept_away_by_the_next(town: Town, tmp_path: Path) -> None:
    left = tmp_path / "copies" / ".manyi-20261121-030000.abcdef"
    left.mkdir(parents=True)
    folder = made(town, tmp_path / "copies")
    assert list((tmp_path / "copies").iterdir()) == [folder]


def test_days_and_weeks_are_kept() -> None:
    start = datetime(2026, 11, 21, 3, 15, tzinfo=BEIJING)
    times = [start - timedelta(hours=6 * i) for i in range(4 * 60)]
    gone = rotation.superfluous(times, daily=7, weekly=4)
    kept = sorted(set(times) - set(gone))
    assert len({at.date() for at in kept}) == len(kept), "one a day"
    assert [at.date() for at in kept[-7:]] == [(start - timedelta(days=i)).date() for i in range(6, -1, -1)]
    assert {at.isocalendar()[:2] for at in kept} == {
        (start - timedelta(weeks=i)).isocalendar()[:2] for i in range(4)
    }
    assert start in kept


def test_a_machine_that_was_off_keeps_what_it_has() -> None:
    old = [datetime(2026, 1, day, tzinfo=BEIJING) for day in range(1, 8)]
    new = datetime(2026, 11, 21, tzinfo=BEIJING)
    assert rotation.superfluous([*old, new], daily=8, weekly=0) == []


def test_rotation_by_the_command(town: Town, tmp_path: Path) -> None:
    town.file.write_text(town.file.read_text() + '[backup]\ndir = "../copies"\ndaily = 1\nweekly = 1\n')
    old = made(town, tmp_path / "copies")
    newer = made(town, tmp_path / "copies", at_ms=T0 + 1000)
    result = CliRunner().invoke(app, ["-c", str(town.file), "backup", "--rotate"])
    assert result.exit_code == 0, result.output
    assert not old.exists()
    assert not newer.exists()
    assert len(rotation.copies(tmp_path / "copies")) == 1
    assert "link.keys" in result.output, "says what is not in it"
