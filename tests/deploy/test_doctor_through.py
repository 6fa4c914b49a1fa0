"""The doctor's own message, all the way: the real Mosquitto with our files, the real service, and each place it may not reach."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from manyi.broker import install, mosquitto
from manyi.broker.names import COLLECTOR, DOCTOR, BrokerError
from manyi.core import account
from manyi.core.ledger import schema
from manyi.doctor import servers
from manyi.doctor.finding import Finding, Level, Place
from manyi.doctor.through import through

from tests.deploy.town import Town
from tests.services.processes import Server, free_port
from tests.system.secured import Secured, until

pytestmark = pytest.mark.slow
SOON_S = 2.0  # for an answer that does not come
PATIENCE_S = 60.0  # for one that must


class Whole:
    """A secured broker, a town, and its service as a process."""

    def __init__(self, folder: Path, broker: Secured) -> None:
        self.broker = broker
        self.town = Town(folder / "town", port=broker.port, web=free_port())
        self.town.conn.close()
        text = self.town.file.read_text(encoding="utf-8")
        self.town.file.write_text(
            text.replace("plain = true", f'ca_file = "{broker.root}"'), encoding="utf-8"
        )
        self.town.secret("broker.password", broker.passwords[COLLECTOR] + "\n")
        self.secrets = self.town.folder / "secrets"
        self.enrol()
        command = [sys.executable, "-m", "manyi", "-c", str(self.town.file), "serve"]
        self.service = Server("manyi", command, folder / "log", self.connected)

    def enrol(self) -> None:
        link = self.secrets / "link.keys"
        install.add(self.broker.folder, [DOCTOR], self.secrets / "doctor.jsonl", link, None)

    def connected(self) -> bool:
        return servers.metric(self.place(PATIENCE_S), "manyi_broker_connected") == 1

    def place(self, timeout_s: float) -> Place:
        now_ms = time.time_ns() // 1_000_000
        return Place(self.town.config, self.town.file, now_ms, timeout_s=timeout_s)

    def ask(self, timeout_s: float = SOON_S) -> Finding:
        (found,) = through(self.place(timeout_s))
        return found

    def allow(self, old: str, new: str) -> None:
        """Changes the broker's access list, and has it read."""
        path = self.broker.folder / mosquitto.ACL
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        self.broker.hup()


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Whole]:
    broker = Secured()
    made = Whole(tmp_path, broker)
    try:
        broker.start()
        made.service.start()
        yield made
    finally:
        made.service.kill()
        broker.remove_all()


def test_it_goes_all_the_way_and_leaves_nothing_that_counts(
    whole: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("manyi.doctor.through.SLOW_MS", PATIENCE_S * 1000)
    with closing(schema.open_for_reading(whole.town.config.data.ledger)) as conn:
        before = conn.execute("SELECT count(*) FROM row").fetchone()
        for _ in range(2):
            found = whole.ask(PATIENCE_S)
            assert found.level == Level.good, found.en
        assert conn.execute("SELECT count(*) FROM row").fetchone() == before
        for table, rows in (("reply", 1), ("head", 0), ("beat", 0), ("state", 0), ("aside", 0)):
            assert conn.execute(f"SELECT count(*) FROM {table}").fetchone() == (rows,), table
        assert account.read(conn, whole.place(PATIENCE_S).now_ms).lines == ()


def test_a_service_that_hangs_or_does_not_run(whole: Whole) -> None:
    whole.service.freeze()
    try:
        found = whole.ask()
    finally:
        whole.service.thaw()
    assert found.level == Level.bad
    assert "the service hangs" in found.en
    whole.service.stop()
    assert whole.ask().level == Level.skipped


@pytest.mark.parametrize(
    ("shut", "said"),
    [
        ("pattern write manyi/1/%u/record", "the answer did not come back"),
        ("pattern read manyi/1/%u/ack", "the answer did not come back"),
        ("topic read manyi/1/+/re", "It did not reach the collector"),
    ],
)
def test_an_access_list_that_lets_it_not_through(whole: Whole, shut: str, said: str) -> None:
    whole.allow(shut, shut.replace("manyi/1", "manyi/0"))
    with whole.broker.client(
        COLLECTOR
    ):  # a broker that answers has read its files; the service comes back by itself
        pass
    until(whole.connected, "the collector connected again")
    found = whole.ask()
    assert (found.level, said in found.en) == (Level.bad, True), found.en


def test_an_account_that_the_broker_does_not_know(whole: Whole) -> None:
    install.remove(whole.broker.folder, [DOCTOR])
    whole.broker.hup()
    until(lambda: whole.ask().level == Level.bad, "the account is shut out")
    assert "refuses the doctor's account" in whole.ask().en


def test_a_key_that_is_another(whole: Whole) -> None:
    path = whole.secrets / "doctor.jsonl"
    told = json.loads(path.read_text()) | {"k_link": "00" * 32}
    path.write_text(json.dumps(told) + "\n")
    assert "enrol the doctor again" in whole.ask().do_en
    whole.town.secret("link.keys", f"{DOCTOR} {'00' * 32}\n")
    os.utime(
        whole.secrets / "link.keys", (1, 1)
    )  # read already, so the running service keeps the old key for a minute
    found = whole.ask()
    assert (found.level, "mac" in found.en) == (Level.bad, True), found.en
    path.write_text("{}\n")
    assert whole.ask().level == Level.bad


def test_a_ledger_that_cannot_be_written(whole: Whole, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("manyi.doctor.through.SLOW_MS", PATIENCE_S * 1000)
    assert whole.ask(PATIENCE_S).level == Level.good
    with closing(schema.open_for_writing(whole.town.config.data.ledger)) as conn:
        conn.execute("BEGIN IMMEDIATE")
        found = whole.ask()
        conn.execute("ROLLBACK")
    assert found.level == Level.bad


def test_without_an_account_it_says_how_to_have_one(town: Town) -> None:
    place = Place(town.config, town.file, 0)
    (found,) = through(place)
    assert found.level == Level.skipped
    assert "manyi broker add doctor" in found.do_zh


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path / "town")


def test_the_doctor_is_added_alone_and_never_gets_an_auditor_s_key(whole: Whole, tmp_path: Path) -> None:
    told = json.loads((whole.secrets / "doctor.jsonl").read_text())
    assert told.keys() == {"box", "user", "password", "k_link"}
    install.remove(whole.broker.folder, [DOCTOR])
    link, auditor = tmp_path / "link", tmp_path / "audit" / "keys"
    auditor.parent.mkdir()
    for boxes, files in (
        ([DOCTOR], (link, auditor)),
        ([DOCTOR], (None, None)),
        ([DOCTOR, "box-a"], (link, None)),
        (["box-a"], (link, None)),
    ):
        with pytest.raises(BrokerError):
            install.add(whole.broker.folder, boxes, tmp_path / "out", *files)
    assert not link.exists()
    assert not auditor.exists()
