"""The service as a whole, in this process: what keeps it from starting, and what must not end it or must."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from manyi.core import checking, root, service
from manyi.core import config as configs
from manyi.core.config import Config
from manyi.core.errors import SetupError
from manyi.core.ledger import facts, schema
from manyi.core.pipeline import unix_ms
from manyi.core.service import Service

from tests.collector.box_double import BOX
from tests.collector.speaking import K_LINK
from tests.services.processes import free_port

CONFIG = """
[city]
name = "x"
[data]
dir = "{data}"
[broker]
host = "127.0.0.1"
port = {port}
plain = true
[keys]
link_file = "link.keys"
"""
PATIENCE_S = 60


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return make(tmp_path)


def make(folder: Path, data: str = "data") -> Config:
    (folder / "link.keys").touch(mode=0o600)
    (folder / "link.keys").write_text(f"{BOX} {K_LINK.hex()}\n")
    return configs.parse(CONFIG.format(port=free_port(), data=data), folder)


def until(what: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE_S
    while not what() and time.monotonic() < end:
        time.sleep(0.02)
    return what()


def test_a_data_folder_that_cannot_be_written_is_one_plain_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(SetupError, match=r"data：.* the service must be able to write there .*\[data\] dir"):
        Service(make(tmp_path))


def test_a_full_disk_at_the_start_is_one_plain_line(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(root, "write_latest", full)
    with pytest.raises(SetupError, match="Is the disk full"):
        Service(config)


def test_a_stray_file_among_the_roots_ends_nothing(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "MINUTE_S", 0.05)
    running = Service(config)
    facts.append_facts(running._conn, unix_ms(), [("office", {"id": "h1"})])
    (config.data.roots / "notes.txt").write_text("do not put anything here")
    (config.data.roots / root.LATEST).unlink()
    running.start()
    try:
        for _ in range(2):  # a second minute comes after it
            assert until((config.data.roots / root.LATEST).exists)
            (config.data.roots / root.LATEST).unlink()
        assert (running.failed, running.stop.is_set()) == ("", False)
    finally:
        running.close()
    assert running.failed == ""


def test_a_full_disk_at_the_end_still_closes_the_ledger(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = Service(config)
    running.start()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    running.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        running._conn.execute("SELECT 1")


def test_an_mqtt_thread_that_ends_by_itself_ends_the_service(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "CHORES_S", 0.05)
    running = Service(config)
    running._mqtt._client.loop_forever = lambda *_, **__: None  # type: ignore[method-assign,assignment]
    running.start()
    try:
        assert until(running.stop.is_set)
        assert running.failed == "chores"
    finally:
        running.close()


def test_a_second_service_on_one_ledger_is_refused(config: Config) -> None:
    first = Service(config)
    first.start()
    try:
        with pytest.raises(SetupError, match="another `manyi serve`"):
            Service(config)
    finally:
        first.close()
    assert schema.open_for_reading(config.data.ledger).execute("SELECT count(*) FROM row").fetchone() == (0,)
