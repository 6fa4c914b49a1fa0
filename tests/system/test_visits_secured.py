"""Visits and sign-ins through a broker as `manyi broker init` makes it, over TLS: a system with its own account is heard
and answered, kept over an absence, and cannot tell under another's name; a box that tries is nobody."""

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
from manyi.core.duty.stay import said
from manyi.core.ledger import facts, schema
from manyi.core.projector import unix_ms
from manyi.core.told.mqtt import Link
from manyi.core.told.sources import add_source
from manyi.core.visits import report as visits

from tests.collector.paper_ledger import TOWN
from tests.collector.speaking import subscribed
from tests.system.secured import WAIT_S, Secured

DUTY = "manyi/1/duty/queue_h1"
OWN, OTHER = "manyi/1/visits/queue_h1", "manyi/1/visits/queue_h2"


class Hall:
    """The broker, a ledger, and the collector's ear for two queue systems; h2's is in the list and never speaks itself."""

    def __init__(self, folder: Path) -> None:
        self.broker = Secured()
        self.broker.start()
        self.broker.add("queue_h1", "queue_h2", "hr_city", "box-1")
        self.broker.hup()
        self.folder = folder
        self.ledger = schema.open_for_writing(folder / "ledger.db")
        facts.append_facts(self.ledger, unix_ms(), TOWN)
        for name, halls, tells in (
            ("queue_h1", ["h1"], ["visits", "duty"]),
            ("queue_h2", [], ["visits"]),
            ("hr_city", [], ["duty"]),
        ):
            add_source(folder / "visits.toml", name, halls, folder / f"{name}.token", tells=tells)
        self.open()

    def open(self) -> None:
        password = self.broker.folder / install.HANDOVER / f"{VISITS}.password"
        broker = Broker("localhost", self.broker.port, "", None, False, self.broker.root)
        self.link = Link(broker, self.folder, self.folder / "visits.toml", password)
        self.stop = Event()
        self.thread = Thread(target=self.link.run, args=(self.stop,))
        heard = subscribed(self.link._client)
        self.link.start()
        self.thread.start()
        assert heard.wait(WAIT_S), "the collector's ear does not listen"

    def shut(self) -> None:
        self.link.stop()
        self.stop.set()
        self.thread.join(WAIT_S)

    def close(self) -> None:
        self.shut()
        self.ledger.close()
        self.broker.remove_all()

    def signed(self) -> list[tuple[str, str]]:
        rows = self.ledger.execute("SELECT body FROM row WHERE kind = 'signin' ORDER BY id")
        found = [said(raw) for (raw,) in rows]
        return [(source, stay.id) for source, each in found for stay in each]

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


def stay(n: int, **more: Any) -> bytes:
    told = {"id": f"S{n}", "window": "w1", "staff": "ann", "from_ms": unix_ms() - 1, **more}
    return json.dumps(told).encode()


def test_sign_ins_are_told_by_those_who_may_and_by_nobody_else(hall: Hall) -> None:
    """Whoever has an account on the broker tries to say who sat where: another system, a box, a system for visits alone."""
    users = ("queue_h1", "queue_h2", "hr_city", "box-1")
    clients = {user: hall.broker.client(user) for user in users}
    try:
        for user, client in clients.items():
            client.hears("manyi/1/duty/#" if user == "box-1" else f"manyi/1/duty/{user}/answer", "#")
        for attacker in ("queue_h2", "hr_city", "box-1"):
            clients[attacker].says(DUTY, stay(1))
            clients[attacker].says(f"{DUTY}/answer", b'{"taken":1}')
        clients["box-1"].says("manyi/1/duty/box-1", stay(2))
        clients["queue_h2"].says("manyi/1/duty/queue_h2", stay(3))
        topic, answer = clients["queue_h2"].hears_next()
        assert topic == "manyi/1/duty/queue_h2/answer", (
            "the first thing it hears, though it asked for everything"
        )
        assert "may not tell duty" in json.loads(answer)["error"]
        clients["queue_h1"].says(
            DUTY, json.dumps({"duty": [json.loads(stay(4)), json.loads(stay(5, window="w3"))]}).encode()
        )
        told = json.loads(clients["queue_h1"].hears_next()[1])
        assert (told["taken"], [(r["index"], r["field"]) for r in told["refused"]]) == (1, [(1, "window")])
        hall.shut()
        clients["hr_city"].says("manyi/1/duty/hr_city", stay(6, window="w3", staff="g99"))
        hall.open()
        told = json.loads(clients["hr_city"].hears_next()[1])
        assert (told["taken"], [a["field"] for a in told["aside"]]) == (1, ["staff"]), (
            "kept while the service was away"
        )
        assert hall.signed() == [("queue_h1", "S4"), ("hr_city", "S6")]
    finally:
        for client in clients.values():
            client.close()
