"""Visits through a broker as `manyi broker init` makes it, over TLS: a queue system with its own account is heard and
answered, kept over an absence, and cannot tell under another's name; a box that tries is nobody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from manyi.broker import install
from manyi.broker.names import VISITS
from manyi.core.config import Broker
from manyi.core.ledger import facts, schema
from manyi.core.projector import unix_ms
from manyi.core.told.mqtt import Link
from manyi.core.told.sources import add_source
from manyi.core.visits import report as visits

from tests.collector.paper_ledger import TOWN
from tests.system.secured import WAIT_S, Secured, until

OWN, OTHER = "manyi/1/visits/queue_h1", "manyi/1/visits/queue_h2"


class Hall:
    """The broker, a ledger, and the collector's ear for two queue systems; h2's is in the list and never speaks itself."""

    def __init__(self, folder: Path) -> None:
        self.broker = Secured()
        self.broker.start()
        self.broker.add("queue_h1", "queue_h2", "box-1")
        self.broker.hup()
        self.folder = folder
        self.ledger = schema.open_for_writing(folder / "ledger.db")
        facts.append_facts(self.ledger, unix_ms(), TOWN)
        for name in ("queue_h1", "queue_h2"):
            add_source(folder / "visits.toml", name, [], folder / f"{name}.token")
        self.open()

    def open(self) -> None:
        password = self.broker.folder / install.HANDOVER / f"{VISITS}.password"
        broker = Broker("localhost", self.broker.port, "", None, False, self.broker.root)
        self.link = Link(broker, self.folder, self.folder / "visits.toml", password)
        self.stop = Event()
        self.thread = Thread(target=self.link.run, args=(self.stop,))
        self.link.start()
        self.thread.start()
        until(self.link._client.is_connected, "the collector's ear is connected")

    def shut(self) -> None:
        self.link.stop()
        self.stop.set()
        self.thread.join(WAIT_S)

    def close(self) -> None:
        self.shut()
        self.ledger.close()
        self.broker.remove_all()

    def told(self) -> list[tuple[str, str]]:
        rows = self.ledger.execute("SELECT body FROM row WHERE kind = 'visit' ORDER BY id")
        found = [visits.said(raw) or ("", []) for (raw,) in rows]
        return [(source, v.id) for source, each in found for v in each]


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    made = Hall(tmp_path)
    yield made
    made.close()


def visit(n: int, **more: Any) -> bytes:
    return json.dumps({"id": f"A{n}", "window": "w1", "finished_ms": unix_ms(), **more}).encode()


def test_queue_system_is_heard_answered_and_kept_and_cannot_speak_for_another(hall: Hall) -> None:
    with hall.broker.client("queue_h1") as queue, hall.broker.client("box-1") as box:
        queue.hears(f"{OWN}/answer", f"{OTHER}/answer")
        box.hears("manyi/1/box-1/prompt", "manyi/1/visits/#")
        queue.says(OTHER, visit(1))
        box.says(OWN, visit(2))
        box.says("manyi/1/visits/box-1", visit(3))
        queue.says(OWN, visit(4, prompt=True))
        topic, answer = queue.hears_next()
        assert (topic, json.loads(answer)["taken"]) == (f"{OWN}/answer", 1)
        topic, prompt = box.hears_next()
        assert topic == "manyi/1/box-1/prompt", "and nothing of the visits"
        assert json.loads(prompt)["visit"] == visits.key("queue_h1", "A4")
        hall.shut()
        queue.says(OWN, visit(5))
        hall.open()
        assert json.loads(queue.hears_next()[1])["taken"] == 1
        assert hall.told() == [("queue_h1", "A4"), ("queue_h1", "A5")]
