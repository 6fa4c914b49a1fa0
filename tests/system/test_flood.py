"""A box that floods its own topics, which no access list forbids: slowed down, named on the wall, and nobody waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from manyi.broker.names import COLLECTOR
from manyi.core import inbox as inboxes
from manyi.core.config import Broker
from manyi.core.inbox import BOX_BURST, BOX_PER_S, SENDERS_MAX, Inbox
from manyi.core.ledger import schema
from manyi.core.mqtt import Mqtt
from manyi.core.pipeline import Pipeline
from manyi.core.workings import FLOOD_OVER_MS, Workings

from tests.collector.box_double import BoxDouble
from tests.collector.paper_ledger import NOON
from tests.collector.speaking import OneKey, spoken, subscribed
from tests.collector.test_wall import Screen, screen
from tests.collector.test_wall_alarms import Eye
from tests.system.secured import WAIT_S, Secured, until

__all__ = ["screen"]  # a fixture


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def broker() -> Iterator[Secured]:
    server = Secured()
    try:
        server.add("box-a", "box-b")
        server.start()
        yield server
    finally:
        server.remove_all()


def test_on_the_real_broker_it_is_slowed_down_and_named_and_another_box_gets_its_ack(
    broker: Secured, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text(broker.passwords[COLLECTOR])
    (tmp_path / "password").chmod(0o600)
    conn = schema.open_for_writing(tmp_path / "ledger.db")
    inbox, workings = Inbox(now_s=Clock()), Workings()  # no time passes: what is refused can be counted
    settings = Broker("localhost", broker.port, COLLECTOR, tmp_path / "password", False, broker.root)
    link = Mqtt(settings, inbox)
    pipeline = Pipeline(inbox, OneKey(), conn, link.publish, Event(), workings=workings)
    heard = subscribed(link._client)
    link.start()
    try:
        assert heard.wait(WAIT_S), "the collector's ear does not listen"
        with broker.client("box-a") as flood, broker.client("box-b") as other:
            for i in range(BOX_BURST + 500):
                flood.sends("manyi/1/box-a/beat", b"%d" % i)
            flood.says("manyi/1/box-a/beat", b"last")
            until(lambda: inbox.flooding == {"box-a": 501}, "all beyond the measure is refused")
            assert len(inbox) <= BOX_BURST + 1  # and the state "online" of nobody else
            other.hears("manyi/1/box-b/ack")
            box = BoxDouble("box-b")
            box.press(3)
            other.says(*spoken(box.batch()))
            until(
                lambda: pipeline.turn(0) and conn.execute("SELECT count(*) FROM row").fetchone() == (1,),
                "kept",
            )
            assert other.hears_next()[0] == "manyi/1/box-b/ack"
        assert {name: one.refused for name, one in workings.floods.items()} == {"box-a": 501}
    finally:
        link.stop()
        conn.close()


def test_a_measure_is_a_boxs_own_and_fills_again() -> None:
    clock = Clock()
    inbox = Inbox(now_s=clock)
    for _ in range(BOX_BURST + 7):
        inbox.put("manyi/1/box-a/record", b"x")
    inbox.put("manyi/1/box-b/record", b"x")
    assert (len(inbox), inbox.flooding, inbox.dropped) == (BOX_BURST + 1, {"box-a": 7}, 0)
    clock.now_s += 1
    for _ in range(BOX_PER_S + 1):
        inbox.put("manyi/1/box-a/beat", b"x")
    assert (len(inbox), inbox.flooding) == (BOX_BURST + 1 + BOX_PER_S, {"box-a": 8})


def test_made_up_names_cost_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inboxes, "SENDERS_MAX", 50)
    inbox = Inbox()
    for i in range(500):
        inbox.put(f"manyi/1/x{i}/beat", b"")
        inbox.put(f"no/topic/of/ours/{i}", b"")
    assert len(inbox._said._left) <= 50 < SENDERS_MAX
    assert inbox.flooding == {}


def test_the_wall_names_it_until_ten_minutes_after_its_last_word(screen: Screen) -> None:
    eye = Eye(screen)
    assert eye.workings.flooded({"box-a": 40}, NOON) == ["box-a"]
    assert eye.workings.flooded({"box-a": 90}, NOON + 60_000) == [], "said once in the log"
    (told,) = eye.see("flood", NOON + 60_000)
    assert (told["box"], told["since_ms"]) == ("box-a", NOON)
    assert "拒收 90 条" in told["text_zh"]
    assert eye.workings.flooded({"box-a": 90}, NOON + 120_000) == []
    assert eye.see("flood", NOON + 60_000 + FLOOD_OVER_MS) == []
    assert eye.workings.flooded({"box-a": 91}, NOON + 120_000 + FLOOD_OVER_MS) == ["box-a"]
