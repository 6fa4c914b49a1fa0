"""The whole box, real: compiled firmware on MicroPython at an ESP32's heap, a real Mosquitto, a collector that lies on
request."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.firmware.conftest import micropython
from tests.firmware.fake_collector import FakeCollector
from tests.firmware.simbox import SimBox, acked, lit_at_once
from tests.services.mosquitto import Mosquitto
from tests.services.processes import free_port

pytest_plugins = ["tests.firmware.simfixtures"]
pytestmark = pytest.mark.skipif(micropython() is None, reason="no micropython on this platform")

HASTE = 5  # times as fast, where a box has to lose its patience


def test_a_press_is_lit_stored_and_acknowledged(box: SimBox, collector: FakeCollector) -> None:
    box.press(1)
    acked(box, 3)  # with the clock record that dates it
    records = collector.life.records
    assert [r["kind"] for r in records.values()] == [3, 1, 2]
    assert collector.presses() == [1]


def test_a_box_says_hello_then_asks_with_an_empty_batch_where_the_collector_is(
    box: SimBox, collector: FakeCollector
) -> None:
    collector.until("a beat", lambda: collector.heard["beat"])
    assert collector.heard["state"][-1]["state"] == "online"
    first = collector.batches[0]
    assert (first["records"], first["first"], first["base"], first["depth"]) == ([], 1, 1, 0)


def test_a_boot_without_a_press_writes_nothing(box: SimBox, collector: FakeCollector) -> None:
    box.say("exit")
    assert box.ended() == 0
    assert box.boot().wait("ready")["newest"] == "0"


def test_presses_offline_wait_and_come_in_order(mosquitto: Mosquitto, make_box: Callable[..., SimBox],
                                                collector: FakeCollector) -> None:  # fmt: skip
    mosquitto.stop()
    box = make_box(mosquitto.port)
    lit_at_once([box.press(level) for level in (1, 2, 3, 3, 2, 1)])
    mosquitto.start()
    box.wait("link up")
    acked(box, 8)
    assert collector.presses() == [1, 2, 3, 3, 2, 1]


def test_a_backlog_goes_in_batches_one_at_a_time(box: SimBox, collector: FakeCollector) -> None:
    box.press(1)
    acked(box, 3)
    collector.answering = False
    for i in range(40):
        box.press(i % 3 + 1)
    collector.answering = True
    acked(box, 43)
    sizes = [len(b["records"]) for b in collector.batches if b["records"]]
    assert max(sizes) > 8
    assert [b["depth"] for b in collector.batches][-1] == 0
    assert len(collector.presses()) == 41


def test_a_box_killed_in_mid_press_counts_every_light_once(box: SimBox, collector: FakeCollector) -> None:
    lights = 0
    for _ in range(3):
        for level in (1, 2, 3):
            box.press(level)
            lights += 1
        box.process.kill()
        box.ended()
        box.boot()
    assert box.wait("ready")["n"] == "3,3,3"
    collector.until("all of it", lambda: len(collector.presses()) == lights)


def test_a_ledger_restored_from_yesterday_is_filled_again(box: SimBox, collector: FakeCollector) -> None:
    for level in (1, 2, 3, 1):
        box.press(level)
    acked(box, 6)
    for seq in (4, 5, 6):
        del collector.life.records[seq]
    box.press(2)
    acked(box, 7)
    assert sorted(collector.life.records) == [1, 2, 3, 4, 5, 6, 7]


def test_a_ledger_that_knows_nothing_is_filled_from_the_oldest(box: SimBox, collector: FakeCollector) -> None:
    for level in (1, 2, 3):
        box.press(level)
    acked(box, 5)
    collector.lives.clear()
    box.press(3)
    acked(box, 6)
    assert collector.presses() == [1, 2, 3, 3]


def test_a_forged_acknowledgement_frees_nothing(box: SimBox, collector: FakeCollector) -> None:
    box.press(1)
    acked(box, 3)
    collector.answering = False
    box.press(2)
    life, boot = next(iter(collector.lives)), collector.batches[-1]["boot"]
    body = collector.ack_body(life, 4, "00" * 8, boot, 1)
    collector.send("ack", body)  # right key, wrong tag
    box.wait("refused topic=ack why=tag")
    collector.raw("ack", (body + ',"mac":"' + "0" * 32 + '"}').encode())
    box.wait("refused topic=ack why=mac")
    collector.send("ack", collector.ack_body("ff" * 8, 4, "00" * 8, boot, 1))
    box.wait("refused topic=ack why=life")
    collector.send("ack", body.replace('"seq":4', '"seq":-4'))
    box.wait("refused topic=ack why=seq")
    collector.raw("ack", b'{"v":1')
    box.wait("refused topic=ack why=shape")
    box.process.kill()
    box.ended()
    collector.answering = True
    box.boot()
    acked(box, 4)
    assert collector.presses() == [1, 2]


def test_an_old_acknowledgement_played_again_sets_no_clock_and_loses_nothing(
    box: SimBox, collector: FakeCollector
) -> None:
    box.press(1)
    acked(box, 3)
    noted = collector.life.records[3]
    old = collector.acks[-1]
    for level in (2, 3):
        box.press(level)
    acked(box, 5)
    collector.now_ms = lambda: int(time.time() * 1000) + 86_400_000
    collector.raw("ack", old)
    box.press(1)
    acked(box, 6)
    assert [r["kind"] for r in collector.life.records.values()] == [3, 1, 2, 1, 1, 1]
    unix_ms = int.from_bytes(bytes.fromhex(noted["data"])[:8], "little")
    assert abs(unix_ms - time.time() * 1000) < 60_000


def test_every_acknowledgement_twice_changes_nothing(box: SimBox, collector: FakeCollector) -> None:
    collector.twice = True
    for level in (1, 2, 3, 1, 2, 3):
        box.press(level)
    acked(box, 8)
    assert collector.presses() == [1, 2, 3, 1, 2, 3]


def test_a_broker_that_dies_and_returns(box: SimBox, collector: FakeCollector, mosquitto: Mosquitto) -> None:
    for level in (1, 2, 3):
        box.press(level)
        mosquitto.kill()
        box.wait("link down", level)
        box.press(level)
        mosquitto.start()
    collector.until("all of it", lambda: collector.presses() == [1, 1, 2, 2, 3, 3])


def test_a_broker_that_falls_silent_is_left(make_box: Callable[..., SimBox], mosquitto: Mosquitto,
                                            collector: FakeCollector) -> None:  # fmt: skip
    box = make_box(mosquitto.port, speed=HASTE, ack_ms=600 * HASTE)
    box.wait("ack")
    mosquitto.freeze()
    box.press(3, 200)
    box.wait("link down")
    mosquitto.thaw()
    collector.until("the press", lambda: collector.presses() == [3])


def test_a_box_that_vanishes_is_said_to_be_offline(box: SimBox, collector: FakeCollector) -> None:
    box.process.kill()
    collector.until("the will", lambda: collector.heard["state"][-1] == {"v": 1, "state": "offline"})


def test_the_light_is_the_same_for_every_colour(make_box: Callable[..., SimBox]) -> None:
    box = make_box(free_port(), tell_lamp=True, backoff_ms=60_000)
    glow, shows = "lamp light=12 sound=0", []
    for level in (1, 2, 3):
        box.until("at rest", lambda: box.said("lamp")[-1:] == [glow])
        before = len(box.said("lamp"))
        box.press(level)
        box.until("at rest again", lambda n=before: glow in box.said("lamp")[n:])
        shows.append([line for line in box.said("lamp")[before:] if line != glow])
    assert shows == [["lamp light=80 sound=60", "lamp light=80 sound=0", "lamp light=0 sound=0"]] * 3


def test_a_config_is_obeyed_reported_and_kept_over_a_restart(box: SimBox, collector: FakeCollector) -> None:
    collector.until("a beat", lambda: collector.heard["beat"])
    good = '{"v":1,"id":"c7","beat_s":10,"bright":50,"volume":0,"mode":"always","second":"correct","visit_ms":5000,"open":""'
    collector.send("config", good)
    collector.until("a beat long before its time", lambda: collector.heard["beat"][-1]["config"] == "c7")
    collector.send("config", good.replace("c7", "c8").replace('"bright":50', '"bright":101'))
    box.wait("refused config=!c8 why=bright")
    collector.until("and again", lambda: collector.heard["beat"][-1]["config"] == "!c8")
    box.process.kill()
    box.ended()
    box.boot()
    collector.until("a beat after it", lambda: collector.heard["beat"][-1]["config"] == "c7")


def test_a_command_is_done_once_and_only_in_its_boot(box: SimBox, collector: FakeCollector) -> None:
    boot = collector.batches[-1]["boot"]
    body = f'{{"v":1,"id":"k1","boot":{boot},"do":"identify","arg":""'
    collector.send("cmd", body)
    collector.send("cmd", body)
    collector.send("cmd", body.replace('"k1"', '"k2"').replace(f'"boot":{boot}', f'"boot":{boot + 1}'))
    collector.send("cmd", body.replace('"k1"', '"k3"').replace("identify", "update"))
    collector.until("the last reply", lambda: any(r["id"] == "k3" for r in collector.heard["reply"]))
    assert [(r["id"], r["ok"]) for r in collector.heard["reply"]] == [("k1", 1), ("k3", 0)]
    box.wait("cmd", 2)
    assert len(box.said("cmd")) == 2


def test_a_reboot_on_command_answers_first_and_says_why_it_booted(
    box: SimBox, collector: FakeCollector
) -> None:
    boot = collector.batches[-1]["boot"]
    collector.send("cmd", f'{{"v":1,"id":"k9","boot":{boot},"do":"reboot","arg":""')
    assert box.ended() == 3
    collector.until("the reply", lambda: [r["ok"] for r in collector.heard["reply"]] == [1])
    assert int(box.boot().wait("ready")["boot"]) == boot + 1
    collector.until("why", lambda: collector.heard["state"][-1].get("reason") == 3)


def test_a_prompt_marks_the_next_press_and_only_that(box: SimBox, collector: FakeCollector) -> None:
    collector.raw("prompt", b'{"v":1,"visit":"0102030405060708","biz":4711}')
    collector.raw("prompt", b'{"v":1,"visit":"not hex","biz":1}')
    box.wait("refused topic=prompt why=visit")
    box.press(2)
    box.press(3)
    acked(box, 4)
    marked, plain = (r for r in collector.life.records.values() if r["kind"] == 1)
    assert (marked["flags"], marked["data"]) == (1, "01020304050607086712")
    assert (plain["flags"], plain["data"]) == (0, "")


def test_a_dead_task_resets_the_box_and_the_next_boot_says_so(box: SimBox, collector: FakeCollector) -> None:
    box.say("die")
    assert box.ended() == 3
    assert box.said("fault task=hand")
    box.boot().press(1)
    collector.until("its boot record", lambda: collector.lives and collector.life.records)
    assert collector.life.records[1]["kind"] == 3
    assert collector.life.records[1]["reason"] == 4


def test_a_vm_that_stands_still_is_reset_by_its_watchdog(box: SimBox, collector: FakeCollector) -> None:
    box.say("block 8300")
    assert box.ended() == 3
    assert box.boot().wait("ready")
    collector.until("why", lambda: collector.heard["state"][-1].get("reason") == 2)


def test_the_power_fails_in_the_middle_of_a_flash_write(make_box: Callable[..., SimBox]) -> None:
    lit = counted = 0
    for cut in range(1, 10):
        box = make_box(free_port(), folder="cut", boot=False, backoff_ms=60_000, cut_at=cut)
        box.until("ready or dark", lambda b=box: bool(b.said("ready")) or b.process.poll() is not None)
        if box.said("ready"):
            counted = sum(int(n) for n in box.wait("ready")["n"].split(","))
            assert lit <= counted <= lit + 1  # the one under the knife may be whole
        while box.process.poll() is None:
            count, tries = len(box.said("light")), 0
            while len(box.said("light")) == count and box.process.poll() is None:
                if (
                    tries % 200 == 0
                ):  # a tap that fell into the one before is no press: again after two seconds
                    box.say("tap 1 40")
                tries += 1
                assert tries < 2000, "neither light nor dark"
                time.sleep(0.01)
        assert box.ended() == 9
        lit = counted + len(box.said("light"))
    assert lit > 9


def test_a_foreign_flood_neither_fills_the_heap_nor_stops_the_box(
    box: SimBox, collector: FakeCollector
) -> None:
    for junk in (
        b"[" * 120,
        b"{" * 120,
        b"\xff" * 120,
        b"x" * 5000,
        b"",
        b'{"v":1}',
        b'{"v":true,"visit":3,"biz":1e9}',
    ):
        for name in ("prompt", "config", "cmd", "ack"):
            collector.raw(name, junk)
    box.press(3)
    collector.until("the press", lambda: collector.presses() == [3])
