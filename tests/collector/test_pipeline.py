"""The pipeline with a real ledger and a broker that only remembers: what is answered, when, and what a failure keeps."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from manyi.core import metrics, pipeline
from manyi.core.inbox import TOPIC_KEPT, Inbox, Measure, Waiting
from manyi.core.ledger import facts, reader, schema, writer
from manyi.core.ledger.ingest import LIVES_MAX
from manyi.core.pipeline import Pipeline
from manyi.core.wire import PAYLOAD_MAX_BYTES, Batch, Beat, State, Unreadable, decode
from manyi.core.workings import Workings

from tests.collector.box_double import BOX, LIFE, BoxDouble
from tests.collector.speaking import OneKey, beat, sealed, spoken


class Centre:
    """A pipeline, its ledger file, and everything it published."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ledger.db"
        self.conn = schema.open_for_writing(self.path)
        self.inbox = Inbox()
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.wake = Event()
        self.now = 1_795_000_000_000
        self.pipeline = self.fresh(self.conn)

    def fresh(self, conn: sqlite3.Connection) -> Pipeline:
        keys, self.workings = OneKey(strangers=("mb-stranger",)), Workings()
        return Pipeline(
            self.inbox, keys, conn, self._publish, self.wake, now_ms=lambda: self.now, workings=self.workings
        )

    def _publish(self, topic: str, payload: bytes) -> None:
        self.sent.append((topic, json.loads(payload)))

    def turn(self, *messages: tuple[str, bytes]) -> bool:
        for topic, payload in messages:
            self.inbox.put(topic, payload)
        return self.pipeline.turn(0)

    def rows(self) -> list[reader.Row]:
        other = schema.open_for_reading(self.path)
        try:
            return reader.rows_after(other, 0, 10_000)
        finally:
            other.close()

    def one(self, query: str) -> Any:
        return self.conn.execute(query).fetchone()


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return Centre(tmp_path)


def boxes(count: int, presses: int = 1) -> list[BoxDouble]:
    made = [BoxDouble(f"mb-{i:012x}") for i in range(count)]
    for box in made:
        box.press(1, presses)
    return made


def test_a_press_is_in_the_ledger_before_its_ack_is_sent(centre: Centre) -> None:
    seen: list[int] = []
    centre.pipeline._publish = lambda _topic, _payload: seen.append(len(centre.rows()))
    box = BoxDouble()
    box.press(3)
    assert centre.turn(spoken(box.batch()))
    assert seen == [1]
    assert centre.wake.is_set()


def test_the_ack_repeats_boot_and_uptime_and_frees_the_box(centre: Centre) -> None:
    box = BoxDouble()
    box.press(1, 3)
    batch = box.batch()
    centre.turn(spoken(batch))
    topic, ack = centre.sent[0]
    assert topic == f"manyi/1/{BOX}/ack"
    assert (ack["seq"], ack["boot"], ack["up_ms"], ack["now"]) == (3, batch.boot, batch.up_ms, centre.now)
    assert box.take_ack(ack["seq"], bytes.fromhex(ack["tag"]))


def test_every_readable_batch_is_answered_even_if_nothing_was_stored(centre: Centre) -> None:
    box = BoxDouble()
    centre.turn(spoken(box.batch()))
    assert centre.sent[0][1]["seq"] == 0
    assert centre.sent[0][1]["tag"] == ""
    assert centre.rows() == []


def test_the_same_message_delivered_twice_is_one_row(centre: Centre) -> None:
    box = BoxDouble()
    box.press(1)
    message = spoken(box.batch())
    centre.turn(message)
    centre.turn(message)
    assert len(centre.rows()) == 1
    assert [ack["seq"] for _, ack in centre.sent] == [1, 1]


def test_collector_dies_between_commit_and_ack_and_the_box_sends_again(centre: Centre) -> None:
    box = BoxDouble()
    box.press(2)

    def die(_topic: str, _payload: bytes) -> None:
        raise KeyboardInterrupt

    centre.pipeline._publish = die
    with pytest.raises(KeyboardInterrupt):
        centre.turn(spoken(box.batch()))
    centre.pipeline = centre.fresh(centre.conn)
    centre.turn(spoken(box.batch()))
    assert len(centre.rows()) == 1
    assert centre.sent[-1][1]["seq"] == 1


class FailingDisk:
    """A connection whose commits fail while `full` is set, as on a full disk."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn, self.full = conn, True

    def execute(self, sql: str, *rest: Any) -> Any:
        if self.full and sql == "COMMIT":
            raise sqlite3.OperationalError("database or disk is full")
        return self._conn.execute(sql, *rest)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._conn, name)


def test_a_full_disk_acknowledges_nothing_and_loses_nothing(centre: Centre) -> None:
    disk = FailingDisk(centre.conn)
    centre.pipeline = centre.fresh(disk)  # type: ignore[arg-type]
    box, other = boxes(2)
    assert not centre.turn(spoken(box.batch()), beat(box.box, LIFE, (1, 0, 0), 1))
    assert not centre.turn(spoken(other.batch()))
    assert (centre.sent, centre.rows()) == ([], [])
    disk.full = False
    assert centre.turn()
    assert len(centre.rows()) == 2
    assert len(centre.sent) == 2
    assert centre.one("SELECT count(*) FROM beat") == (1,)


def test_what_came_later_is_not_overwritten_by_what_a_failed_commit_puts_back(centre: Centre) -> None:
    disk = FailingDisk(centre.conn)
    centre.pipeline = centre.fresh(disk)  # type: ignore[arg-type]
    box = BoxDouble()
    box.press(1)
    centre.turn(spoken(box.batch()))
    box.press(1)
    centre.inbox.put(*spoken(box.batch()))
    centre.turn()
    disk.full = False
    centre.turn()
    assert len(centre.rows()) == 2


def test_a_ledger_locked_by_an_import_is_waited_for(centre: Centre) -> None:
    centre.conn.execute("PRAGMA busy_timeout = 0")
    other = schema.open_for_writing(centre.path)
    other.execute("BEGIN IMMEDIATE")
    box = BoxDouble()
    box.press(1)
    assert not centre.turn(spoken(box.batch()))
    other.execute("ROLLBACK")
    assert centre.turn()
    assert len(centre.rows()) == 1


def test_a_roster_import_between_two_batches_keeps_the_chain_whole(centre: Centre) -> None:
    other = schema.open_for_writing(centre.path)
    box = BoxDouble()
    box.press(1)
    centre.turn(spoken(box.batch()))
    assert facts.append_facts(other, 5, [("office", {"id": "a"}), ("staff", {"id": "x"})]) == [2, 3]
    box.press(1)
    centre.turn(spoken(box.batch()))
    assert [r.kind for r in centre.rows()] == ["record", "office", "staff", "record"]


def test_a_failed_import_appends_nothing(centre: Centre) -> None:
    with pytest.raises(ValueError, match="record"):
        facts.append_facts(centre.conn, 5, [("office", {}), ("record", {})])
    with pytest.raises(TypeError):
        facts.append_facts(centre.conn, 5, [("office", {}), ("office", {"x": object()})])
    assert centre.rows() == []
    assert not centre.conn.in_transaction


def test_live_boxes_go_before_a_countys_backlog(centre: Centre) -> None:
    late = boxes(30, 60)
    live = BoxDouble("mb-live")
    live.press(3)
    centre.turn(*[spoken(b.batch(25)) for b in late], spoken(live.batch()))
    assert centre.sent[0][0] == "manyi/1/mb-live/ack"
    first = len(centre.rows())
    assert first <= pipeline.TRANSACTION_RECORDS + 25
    while centre.pipeline._waiting.batches:
        centre.turn()
    assert len(centre.rows()) == 30 * 25 + 1


def test_a_flooding_box_holds_one_place(centre: Centre) -> None:
    box, other = boxes(2)
    for _ in range(500):
        centre.inbox.put(*spoken(box.batch()))
    centre.inbox.put(*spoken(other.batch()))
    while len(centre.inbox):
        centre.turn()
    assert len(centre.rows()) == 2
    assert len(centre.sent) < 20


def test_a_box_that_writes_without_end_fills_no_disk_is_named_and_loses_nothing(centre: Centre) -> None:
    """It has its keys, says no more than it may, and every record is right."""
    clock = [0.0]
    centre.pipeline._rows = Measure(30, 2, lambda: clock[0])
    box, other = BoxDouble(), BoxDouble(box="mb-other")
    box.press(1, 100)
    for _ in range(9):
        centre.turn(spoken(box.batch(25)))
        if centre.sent:
            ack = centre.sent.pop()[1]
            box.take_ack(ack["seq"], bytes.fromhex(ack["tag"]))
    assert len(centre.rows()) == 50
    assert centre.workings.floods[BOX].refused == 7
    other.press(3)
    centre.turn(spoken(other.batch()))
    assert len(centre.rows()) == 51
    clock[0] = 60.0
    centre.turn(spoken(box.batch(25)))
    assert len(centre.rows()) == 76
    assert set(centre.workings.floods) == {BOX}


def test_a_full_inbox_drops_and_counts() -> None:
    inbox = Inbox(limit=2)
    for _ in range(5):
        inbox.put("t", b"")
    assert (len(inbox), inbox.dropped) == (2, 3)


def test_a_message_of_any_length_takes_a_bounded_place() -> None:
    inbox = Inbox()
    inbox.put("t" * 65_535, bytes(1_000_000))
    topic, payload = inbox.get(0) or ("", b"")
    assert (len(topic), len(payload)) == (TOPIC_KEPT, PAYLOAD_MAX_BYTES + 1)
    assert isinstance(decode(f"manyi/1/{BOX}/record", payload, OneKey()), Unreadable)


def test_what_cannot_be_read_is_kept_aside_counted_and_not_answered(centre: Centre) -> None:
    before = metrics.UNREADABLE["mac"]._value.get()
    box = BoxDouble()
    box.press(1)
    topic, payload = spoken(box.batch())
    centre.turn((topic, payload[:-3] + b'0"}'), ("manyi/1/mb-stranger/record", b"\xff"), ("x\udcff", b"{}"))
    assert centre.sent == []
    kept = centre.conn.execute("SELECT at_ms, topic, why FROM aside ORDER BY id").fetchall()
    assert [(t, w.split(":")[0]) for _, t, w in kept] == [
        (topic, "mac"), ("manyi/1/mb-stranger/record", "box"), ("x?", "topic"),
    ]  # fmt: skip
    assert kept[0][0] == centre.now
    assert metrics.UNREADABLE["mac"]._value.get() == before + 1
    assert b"manyi_unreadable_total" in metrics.text()


def test_what_is_kept_aside_is_bounded(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "ASIDE_MAX", 5)
    for i in range(4):
        centre.turn(*[("nowhere", b"x" * 9000) for _ in range(3 + i)])
    assert centre.one("SELECT count(*), max(length(payload)) FROM aside") == (5, writer.ASIDE_PAYLOAD_MAX)


def test_beats_of_lives_without_end_take_bounded_room_and_the_boxs_own_goes_on(centre: Centre) -> None:
    for i in range(LIVES_MAX + 3):
        centre.turn(beat(BOX, f"{i:016x}", (9, 9, 9), 27))
    centre.turn(beat(BOX, "0" * 16, (10, 9, 9), 28), beat("mb-other", LIFE, (1, 0, 0), 1))
    assert centre.one(f"SELECT count(*), max(n_s) FROM beat WHERE box = '{BOX}'") == (LIVES_MAX, 10)
    assert centre.one("SELECT count(*) FROM beat WHERE box = 'mb-other'") == (1,)


def test_what_waits_for_a_disk_does_not_grow_with_what_one_box_says() -> None:
    waiting = Waiting()
    for i in range(1000):
        waiting.add(decode(*beat(BOX, f"{i:016x}", (9, 9, 9), 27), OneKey()))
    assert len(waiting.take(1, lambda _: False).beats) == 1


def test_one_unreadable_box_costs_another_nothing(centre: Centre) -> None:
    box = BoxDouble()
    box.press(1)
    centre.turn(*[("manyi/1/mb-stranger/record", b"!")] * 300, spoken(box.batch()))
    assert len(centre.rows()) == 1
    assert centre.sent[0][1]["seq"] == 1


def test_a_beat_played_again_does_not_take_the_place_of_a_newer_one(centre: Centre) -> None:
    old, new = beat(BOX, LIFE, (1, 0, 0), 4), beat(BOX, LIFE, (9, 0, 0), 12)
    centre.turn(old)
    centre.turn(new)
    centre.turn(old)
    assert centre.one("SELECT n_s, seq FROM beat") == (9, 12)
    centre.turn(beat(BOX, LIFE, (3, 0, 0), 11, boot=2))
    assert centre.one("SELECT n_s, boot FROM beat") == (3, 2)


def test_a_beat_played_again_does_not_make_a_dead_box_live(centre: Centre) -> None:
    """Whoever takes a box away and plays its last beat for ever would keep its "unknown, at most" at zero."""
    last = beat(BOX, LIFE, (9, 0, 0), 12, up_ms=500_000)
    centre.turn(last)
    heard = centre.now
    for _ in range(3):
        centre.now += 60_000
        centre.turn(last)
        centre.turn(beat(BOX, LIFE, (9, 0, 0), 12, up_ms=440_000))
    assert centre.one("SELECT at_ms, up_ms FROM beat") == (heard, 500_000)
    centre.turn(beat(BOX, LIFE, (9, 0, 0), 12, up_ms=500_001))
    assert centre.one("SELECT at_ms FROM beat") == (centre.now,)
    centre.now += 1
    centre.turn(beat(BOX, LIFE, (9, 0, 0), 13, up_ms=900))
    assert centre.one("SELECT at_ms FROM beat") == (centre.now,)


def test_offline_keeps_what_the_box_last_said_of_itself(centre: Centre) -> None:
    topic = f"manyi/1/{BOX}/state"
    online = f'{{"v":1,"state":"online","fw":"1.0.0","life":"{LIFE}","boot":3,"reason":1}}'
    centre.turn((topic, online.encode()))
    centre.turn((topic, b'{"v":1,"state":"offline"}'))
    assert centre.one("SELECT online, fw, boot FROM state") == (0, "1.0.0", 3)


def test_a_reply_is_kept(centre: Centre) -> None:
    centre.turn(sealed(f"manyi/1/{BOX}/reply", '{"v":1,"id":"k1","ok":1,"text":"done"'))
    assert centre.one("SELECT id, ok, text FROM reply") == ("k1", 1, "done")


def test_a_key_withdrawn_between_reading_and_answering_leaves_the_batch_stored(centre: Centre) -> None:
    box = BoxDouble()
    box.press(1)
    centre.inbox.put(*spoken(box.batch()))
    centre.pipeline._gather(0)
    centre.pipeline._keys = OneKey(strangers=(BOX,))
    centre.turn()
    assert len(centre.rows()) == 1
    assert centre.sent == []


def test_run_ends_with_what_has_come_committed(centre: Centre) -> None:
    stop = Event()
    stop.set()
    box = BoxDouble()
    box.press(1)
    centre.inbox.put(*spoken(box.batch()))
    centre.pipeline.run(stop)
    assert len(centre.rows()) == 1


def test_waiting_puts_live_first_and_takes_at_least_one_batch() -> None:
    waiting = Waiting()
    big, live = boxes(2, 25)
    waiting.add(big.batch())
    live.journal = {k: v for k, v in live.journal.items() if k <= 3}
    waiting.add(live.batch(2))
    assert waiting.batches == 2
    work = waiting.take(1, lambda _: True)
    assert len(work.batches) == 1
    assert work.again == frozenset([work.batches[0].box])


def test_messages_are_what_the_metrics_know() -> None:
    assert set(metrics.MESSAGES) >= {Batch, Beat, State, Unreadable}
