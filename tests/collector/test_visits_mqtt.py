"""Visits over the real Mosquitto: taken and answered, kept while the service is away, confirmed only after the commit;
prompts to the boxes of the window; and what the broker's access list lets whom do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any

import pytest
from manyi.broker import acl, judge_accounts, mosquitto
from manyi.core.config import Broker
from manyi.core.duty import stay as duty
from manyi.core.ledger import facts, schema
from manyi.core.projector import unix_ms
from manyi.core.told import measure
from manyi.core.told.mqtt import WAITING_MAX, Link
from manyi.core.told.sources import add_source
from manyi.core.visits import report as visits
from manyi.core.visits.prompts import Prompter, prompt
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from structlog.testing import capture_logs

from tests.collector.paper_ledger import TOWN, placed
from tests.collector.speaking import subscribed
from tests.services.mosquitto import Mosquitto

PATIENCE_S = 60.0
Make = Callable[..., Mosquitto]


class Ear:
    """Somebody at the broker: publishes, and hears the topics it asked for."""

    def __init__(self, port: int, *topics: str) -> None:
        self.heard: SimpleQueue[tuple[str, Any]] = SimpleQueue()
        ready = Event()
        self.client = Client(CallbackAPIVersion.VERSION2)
        self.client.on_message = lambda _c, _u, m: self.heard.put((m.topic, json.loads(m.payload)))
        self.client.on_subscribe = lambda *_: ready.set()
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        self.client.subscribe([(topic, 1) for topic in topics])
        assert ready.wait(PATIENCE_S)

    def tell(self, topic: str, payload: object) -> None:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.client.publish(topic, raw, qos=1).wait_for_publish(PATIENCE_S)

    def next(self) -> tuple[str, Any]:
        return self.heard.get(timeout=PATIENCE_S)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


class Collector:
    """The link alone, beside a ledger with TOWN; box-1 stands at w1."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.ledger = schema.open_for_writing(folder / "ledger.db")
        facts.append_facts(self.ledger, unix_ms(), TOWN)
        add_source(folder / "visits.toml", "queue_h1", ["h1"], folder / "token")
        self.start()

    def start(self) -> None:
        broker = Broker("127.0.0.1", self.port, "", None, True, None)
        self.link = Link(broker, self.folder, self.folder / "visits.toml", None)
        self.stop_ = Event()
        self.thread = Thread(target=self.link.run, args=(self.stop_,))
        heard = subscribed(self.link._client)
        self.link.start()
        self.thread.start()
        assert heard.wait(PATIENCE_S)

    def stop(self) -> None:
        self.link.stop()
        self.stop_.set()
        self.thread.join(PATIENCE_S)

    def told(self) -> list[str]:
        rows = self.ledger.execute("SELECT body FROM row WHERE kind = 'visit' ORDER BY id")
        return [v.id for (raw,) in rows for v in (visits.said(raw) or ("", []))[1]]


def visit(n: int = 1, **more: Any) -> dict[str, Any]:
    return {"id": f"A{n:03}", "window": "w1", "finished_ms": unix_ms(), **more}


@pytest.fixture
def collector(mosquitto: Mosquitto, tmp_path: Path) -> Iterator[Collector]:
    made = Collector(tmp_path, mosquitto.port)
    yield made
    if made.thread.is_alive():
        made.stop()
    made.ledger.close()


TOPIC = "manyi/1/visits/queue_h1"


def test_visits_are_taken_answered_and_told_again_changes_nothing(collector: Collector) -> None:
    queue = Ear(collector.port, f"{TOPIC}/answer")
    two = [visit(1), visit(2, window="w3")]
    for taken, repeated in ((1, 0), (0, 1)):
        queue.tell(TOPIC, two)
        topic, said = queue.next()
        assert topic == f"{TOPIC}/answer"
        assert (said["taken"], said["repeated"], len(said["refused"])) == (taken, repeated, 1)
    queue.tell(TOPIC, b"{")
    assert "JSON" in queue.next()[1]["error"]
    assert collector.told() == ["A001"]
    queue.close()


def test_source_in_a_loop_is_told_so_and_takes_the_ledger_from_nobody(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue, now_ms = Ear(collector.port, f"{TOPIC}/answer"), unix_ms()
    monkeypatch.setattr(measure, "AT_ONCE", 2)
    monkeypatch.setattr(collector.link, "_now_ms", lambda: now_ms)
    for n in range(3):
        queue.tell(TOPIC, visit(n, finished_ms=now_ms))
    said = [queue.next()[1] for _ in range(3)]
    assert [one.get("taken") for one in said] == [1, 1, None]
    assert "a minute" in said[2]["error"]
    assert collector.told() == ["A000", "A001"]
    queue.close()


def test_leader_on_duty_comes_with_the_sign_ins_and_from_those_alone_who_may(collector: Collector) -> None:
    add_source(
        collector.folder / "visits.toml", "queue_l1", ["h1"], collector.folder / "l1", tells=["leaders"]
    )
    queue = Ear(collector.port, "manyi/1/duty/+/answer")
    leader = {"id": "L1", "hall": "h1", "name": "王敏", "telephone": "0537-6600102", "from_ms": unix_ms() - 1}
    queue.tell("manyi/1/duty/queue_l1", leader)
    assert queue.next()[1] == {"taken": 1, "repeated": 0, "aside": [], "refused": []}
    queue.tell("manyi/1/duty/queue_h1", leader)
    assert "该系统未获准报送 duty / " in queue.next()[1]["error"]
    (raw,) = collector.ledger.execute("SELECT body FROM row WHERE kind = 'signin'").fetchone()
    assert duty.said(raw) == (
        "queue_l1",
        [duty.Stay("L1", 0, "h1", "王敏", leader["from_ms"], None, tel="0537-6600102")],
    )
    queue.close()


def test_what_is_told_while_the_service_is_away_is_taken_when_it_is_back(collector: Collector) -> None:
    queue = Ear(collector.port, f"{TOPIC}/answer")
    collector.stop()
    for n in range(5):
        queue.tell(TOPIC, visit(n))
    collector.start()
    assert sum(queue.next()[1]["taken"] for _ in range(5)) == 5
    assert sorted(collector.told()) == [f"A{n:03}" for n in range(5)]
    queue.close()


def test_message_is_not_confirmed_while_the_ledger_cannot_be_written(collector: Collector) -> None:
    """Killed in between, it comes again: a second service takes it."""
    queue = Ear(collector.port, f"{TOPIC}/answer")
    collector.ledger.execute("INSERT INTO meta VALUES ('follows', 'x')")
    queue.tell(TOPIC, visit(1))
    with pytest.raises(Empty):
        queue.heard.get(timeout=1.0)
    collector.stop()
    collector.ledger.execute("DELETE FROM meta WHERE key = 'follows'")
    collector.start()
    assert queue.next()[1]["taken"] == 1
    queue.close()


def test_topic_of_a_source_that_is_not_in_the_list_is_nobodys(collector: Collector) -> None:
    queue = Ear(collector.port, "manyi/1/visits/+/answer")
    queue.tell("manyi/1/visits/box-1", visit(1))
    queue.tell(TOPIC, visit(2))
    assert queue.next()[0] == f"{TOPIC}/answer"
    assert collector.told() == ["A002"]
    queue.close()


def test_box_that_writes_there_in_a_loop_fills_neither_memory_nor_log(tmp_path: Path) -> None:
    """Its account may, under its own name; at QoS 0 no broker waits for us."""
    schema.open_for_writing(tmp_path / "ledger.db").close()
    add_source(tmp_path / "visits.toml", "queue_h1", ["h1"], tmp_path / "token")
    link = Link(Broker("127.0.0.1", 1, "", None, True, None), tmp_path, tmp_path / "visits.toml", None)

    def heard(qos: int) -> MQTTMessage:
        message = MQTTMessage(1, b"manyi/1/visits/box-1")
        message.qos, message.payload = qos, b"x" * 4096
        return message

    for _ in range(WAITING_MAX + 500):
        link._arrived(heard(0))
    link._arrived(heard(1))
    assert link._come.qsize() == WAITING_MAX + 1
    with capture_logs() as said:
        assert all(link._take(link._come.get()) for _ in range(WAITING_MAX + 1))
    assert [(line["event"], line["source"]) for line in said] == [("told_by_nobody", "box-1")]


def test_finished_visit_invites_at_the_box_of_its_window_with_its_key(collector: Collector) -> None:
    ear = Ear(collector.port, "manyi/1/+/prompt")
    for name, biz in ((1, 12), (3, 13)):  # and nobody for the second
        ear.tell(TOPIC, [visit(name, prompt=True, business=biz), visit(2)])
        key = visits.key("queue_h1", f"A{name:03}")
        assert ear.next() == ("manyi/1/box-1/prompt", {"v": 1, "visit": key, "biz": biz})
    ear.close()


def test_thousand_finished_visits_ring_a_box_once(tmp_path: Path) -> None:
    """A system that is let in must not keep a hall's boxes from their presses."""
    ledger = schema.open_for_writing(tmp_path / "ledger.db")
    facts.append_facts(ledger, 1, TOWN)
    now, sent = unix_ms(), list[tuple[str, bytes]]()
    prompter = Prompter(ledger, lambda topic, payload: sent.append((topic, payload)), lambda: now)
    told = [visits.Visit(f"A{n}", "w1", now - abs(n - 700), 0, "", 1, 0, 0) for n in range(1000)]
    facts.append_row(ledger, now, visits.KIND, visits.body("queue_h1", told))
    assert prompter.look() == 1
    assert sent == [("manyi/1/box-1/prompt", prompt(visits.key("queue_h1", "A700"), 0))]
    ledger.close()


def test_nobody_is_invited_long_after_nor_at_a_box_that_moved_away(tmp_path: Path) -> None:
    ledger = schema.open_for_writing(tmp_path / "ledger.db")
    now = [unix_ms()]
    facts.append_facts(
        ledger, now[0], [*TOWN, placed("box-7", "w1", 0), placed("box-7", "w2", now[0] - 1_000)]
    )
    sent: list[str] = []
    prompter = Prompter(ledger, lambda topic, _: sent.append(topic), lambda: now[0])

    def told(n: int, finished_ms: int) -> None:
        raw = visits.body("queue_h1", [visits.Visit(f"A{n}", "w1", finished_ms, 0, "", 1)])
        facts.append_row(ledger, now[0], visits.KIND, raw)

    told(1, now[0] - 31_000)
    assert prompter.look() == 0
    told(2, now[0] - 1_000)
    assert prompter.look() == 1
    assert sent == ["manyi/1/box-1/prompt"]
    told(3, now[0])
    now[0] += 31_000
    assert prompter.look() == 0, "the service stood still meanwhile"
    told(4, now[0])
    assert Prompter(ledger, lambda *_: sent.append(""), lambda: now[0]).look() == 0, "told before the start"
    ledger.close()


def test_prompt_is_the_wires_own() -> None:
    assert prompt("0102030405060708", 12) == b'{"v":1,"visit":"0102030405060708","biz":12}'


# -- the broker's access list


@pytest.mark.parametrize("what", ["visits", "duty"])
def test_system_tells_under_its_own_name_and_hears_its_own_answers_only(what: str) -> None:
    text = mosquitto.acl(mosquitto.Setup("/etc/manyi/broker"))
    rules = acl.parse(text)
    own, other = f"manyi/1/{what}/queue_h1", f"manyi/1/{what}/queue_h2"
    assert rules.allows("queue_h1", "write", own)
    assert rules.allows("queue_h1", "read", f"{own}/answer")
    assert not rules.allows("queue_h1", "write", other)
    assert not rules.allows("queue_h1", "read", own)
    assert not rules.allows("queue_h1", "read", f"{other}/answer")
    assert not rules.allows("queue_h1", "write", "manyi/1/box-1/prompt")
    assert not rules.allows("box-1", "write", own)
    assert not rules.allows("manyi_collector", "read", own)
    assert rules.allows("manyi_visits", "read", own)
    assert rules.allows("manyi_visits", "write", f"{own}/answer")
    assert rules.allows("manyi_visits", "write", "manyi/1/box-1/prompt")
    assert not rules.allows("manyi_visits", "write", "manyi/1/box-1/cmd")
    assert list(judge_accounts.judge_acl("acl", text)) == []


@pytest.mark.parametrize("what", ["visits", "duty"])
def test_list_that_lets_somebody_else_tell_is_named(what: str) -> None:
    text = mosquitto.acl(mosquitto.Setup("/etc/manyi/broker")) + f"pattern write manyi/1/{what}/+\n"
    assert any("queue_another" in finding.what for finding in judge_accounts.judge_acl("acl", text))
