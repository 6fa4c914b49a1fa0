"""What the citizen and the clerk meet at a real box: reasons, prompts, closed halls, badges, the guided key test."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.firmware.conftest import micropython
from tests.firmware.fake_collector import FakeCollector
from tests.firmware.simbox import SimBox
from tests.services.mosquitto import Mosquitto

pytest_plugins = ["tests.firmware.simfixtures"]
pytestmark = pytest.mark.skipif(micropython() is None, reason="no micropython on this platform")

CONFIG = (
    '{"v":1,"id":"%(id)s","beat_s":60,"bright":80,"volume":60,"mode":"%(mode)s","second":"%(second)s",'
    '"visit_ms":%(visit_ms)d,"open":"%(open)s"'
)
PLAIN = {"id": "c1", "mode": "always", "second": "correct", "visit_ms": 5000, "open": ""}
PRESS, DUTY, KEYTEST = 1, 4, 5
BADGE = "deadbeef"
HASTE = 5  # times as fast, where a test runs out
MIDNIGHT_MS = 1_795_190_400_000  # of 2026-11-21 in Beijing


@pytest.fixture
def box(mosquitto: Mosquitto, collector: FakeCollector, make_box: Callable[..., SimBox]) -> SimBox:
    it_is(collector, 10, 0)  # what a day begins with is asked for again after midnight
    box = make_box(mosquitto.port, reader=True, tell_lamp=True)
    box.wait("ack")
    return box


def configure(box: SimBox, collector: FakeCollector, **settings: object) -> None:
    collector.send("config", CONFIG % (PLAIN | settings), retain=True)
    box.wait("config id=")


def of(collector: FakeCollector, kind: int) -> list[dict[str, Any]]:
    return [
        r for life in collector.lives.values() for _, r in sorted(life.records.items()) if r["kind"] == kind
    ]


def it_is(collector: FakeCollector, hour: int, minute: int, second: int = 0) -> None:
    """From now on, in Beijing, by the centre's word. To be said before the box boots."""
    began, then_ms = time.monotonic(), MIDNIGHT_MS + ((hour * 60 + minute) * 60 + second) * 1000
    collector.now_ms = lambda: then_ms + int((time.monotonic() - began) * 1000)


def test_a_second_press_says_why_where_the_policy_asks(box: SimBox, collector: FakeCollector) -> None:
    configure(box, collector, second="reason")
    for level in (3, 2):
        box.press(level)
    collector.until("both", lambda: len(of(collector, PRESS)) == 2)
    assert [(r["level"], r["reason"], r["n"]) for r in of(collector, PRESS)] == [
        (3, 0, [0, 0, 1]),
        (2, 2, [0, 1, 1]),
    ]


def test_until_the_reason_is_given_the_lamps_ask_for_it_alike(box: SimBox, collector: FakeCollector) -> None:
    configure(box, collector, second="reason", visit_ms=2000)
    for level in (1, 3):
        before = len(box.lines)
        box.press(level)
        box.until("asks", lambda n=before: "lamp light=56 sound=0" in box.lines[n:])
        box.press(2)
        box.until("rests", lambda: box.said("lamp")[-1] == "lamp light=12 sound=0")
        time.sleep(2)  # the visit ends


def test_a_prompt_invites_with_light_and_voice_only_where_the_policy_says(
    box: SimBox, collector: FakeCollector
) -> None:
    collector.raw("prompt", b'{"v":1,"visit":"0102030405060708","biz":1}')
    configure(box, collector, mode="invite")
    assert not box.said("say")
    collector.raw("prompt", b'{"v":1,"visit":"0102030405060709","biz":2}')
    box.wait("say what=1 volume=60")
    box.wait("lamp light=56")
    box.press(1)
    box.wait("say what=2")
    collector.until("the press", lambda: of(collector, PRESS))
    assert of(collector, PRESS)[0]["data"].startswith("0102030405060709")


def test_a_closed_box_is_dark_and_its_keys_are_live(
    mosquitto: Mosquitto, collector: FakeCollector, make_box: Callable[..., SimBox]
) -> None:
    it_is(collector, 18, 0)
    box = make_box(mosquitto.port, tell_lamp=True)
    configure(box, collector, open="08:30-17:30")
    box.until("dark", lambda: box.said("lamp")[-1] == "lamp light=0 sound=0")
    box.press(3)
    collector.until("the press", lambda: collector.presses() == [3])
    box.until("dark again", lambda: box.said("lamp")[-1] == "lamp light=0 sound=0")


def test_a_badge_signs_in_and_the_lamp_does_not_say_who(box: SimBox, collector: FakeCollector) -> None:
    box.say(f"badge {BADGE}")
    box.wait("duty reason=1")
    box.wait("lamp signed_in=1")
    box.say(f"badge {BADGE}", "badge 01020304050607")
    collector.until("two records", lambda: len(of(collector, DUTY)) == 2)
    assert [(r["reason"], r["data"]) for r in of(collector, DUTY)] == [
        (1, "04" + BADGE),
        (1, "0701020304050607"),
    ]
    assert BADGE not in "".join(box.lines)


def test_a_reboot_keeps_who_is_signed_in_and_closing_time_ends_it(
    mosquitto: Mosquitto, collector: FakeCollector, make_box: Callable[..., SimBox]
) -> None:
    it_is(collector, 17, 0)
    box = make_box(mosquitto.port, reader=True, tell_lamp=True)
    box.wait("ack")
    box.say(f"badge {BADGE}")
    box.wait("duty reason=1")
    box.until("saved", (box.folder / "duty").exists)
    box.process.kill()
    box.ended()
    it_is(collector, 17, 29, 57)
    box.boot()
    box.wait("lamp signed_in=1")
    configure(box, collector, open="08:30-17:30")
    collector.until("closing", lambda: any(r["reason"] == 3 for r in of(collector, DUTY)))
    assert of(collector, DUTY)[-1]["data"] == "04" + BADGE
    box.wait("lamp signed_in=0")


def wanted(box: SimBox, count: int) -> int:
    """The key that the count-th step of a test asks for."""
    box.until("a lamp alone", lambda: len(steps(box)) >= count)
    return steps(box)[count - 1]


def steps(box: SimBox) -> list[int]:
    only = [int(line.rsplit("only=", 1)[1]) for line in box.said("lamp") if "only=" in line]
    return [level for i, level in enumerate(only) if i == 0 or level != only[i - 1]]


def test_the_first_sign_in_of_a_day_asks_for_all_three_keys(box: SimBox, collector: FakeCollector) -> None:
    box.say(f"badge {BADGE}")
    for step in (1, 2, 3):
        box.say(f"tap {wanted(box, step)} 150")
    collector.until("the test", lambda: of(collector, KEYTEST))
    (test,) = of(collector, KEYTEST)
    assert (test["reason"], sorted(bytes.fromhex(test["data"])[:3])) == (1, [1, 2, 3])
    assert test["data"][:6] == test["data"][6:]
    assert not collector.presses()
    assert not box.said("light")
    box.say("badge 0102")
    collector.until("another clerk", lambda: len(of(collector, DUTY)) == 2)
    box.press(1)
    collector.until("a rating", lambda: collector.presses() == [1])
    assert len(of(collector, KEYTEST)) == 1


def test_a_visitor_who_presses_another_key_ends_the_test_and_is_counted(
    box: SimBox, collector: FakeCollector
) -> None:
    box.say(f"badge {BADGE}")
    other = wanted(box, 1) % 3 + 1
    light = box.press(other)
    assert int(light["level"]) == other
    collector.until("the press", lambda: collector.presses() == [other])
    assert [r["reason"] for r in of(collector, KEYTEST)] == [3]


def test_a_dead_key_fails_the_test(
    mosquitto: Mosquitto, collector: FakeCollector, make_box: Callable[..., SimBox]
) -> None:
    box = make_box(mosquitto.port, reader=True, tell_lamp=True, speed=HASTE, ack_ms=600 * HASTE)
    box.wait("ack")
    box.say(f"badge {BADGE}")
    box.say(f"tap {wanted(box, 1)} 200")
    collector.until("the test", lambda: of(collector, KEYTEST))
    assert of(collector, KEYTEST)[0]["reason"] == 2
    box.press(2, 200)
    collector.until("a rating", lambda: collector.presses() == [2])


def test_a_command_begins_a_test_but_not_while_a_visitor_is_there(
    box: SimBox, collector: FakeCollector
) -> None:
    boot = collector.batches[-1]["boot"]
    box.press(1)
    collector.send("cmd", f'{{"v":1,"id":"k1","boot":{boot},"do":"keytest","arg":""')
    collector.until("refused", lambda: [(r["id"], r["ok"]) for r in collector.heard["reply"]] == [("k1", 0)])
    assert "visitor" in collector.heard["reply"][0]["text"]
    assert not steps(box)


def test_a_key_held_while_it_is_switched_on_asks_for_the_test_and_is_no_press(
    mosquitto: Mosquitto, collector: FakeCollector, make_box: Callable[..., SimBox]
) -> None:
    box = make_box(mosquitto.port, tell_lamp=True, held=[3])  # a hall without a badge reader
    box.wait("ack")
    assert not steps(box)  # not before the hand is gone
    box.say("up 3")
    for step in (1, 2, 3):
        box.say(f"tap {wanted(box, step)} 150")
    collector.until("the test", lambda: of(collector, KEYTEST))
    assert [r["reason"] for r in of(collector, KEYTEST)] == [1]
    assert collector.presses() == []
    box.press(3)
    collector.until("a rating", lambda: collector.presses() == [3])


def test_a_key_held_at_any_other_start_asks_for_nothing(
    mosquitto: Mosquitto, collector: FakeCollector, make_box: Callable[..., SimBox]
) -> None:
    box = make_box(mosquitto.port, tell_lamp=True, held=[1], boot=False)
    box.kill()
    (box.folder / "boot").write_text("2")  # the watchdog's
    box.boot().say("up 1")
    box.press(2)
    collector.until("the press alone", lambda: collector.presses() == [2])
    assert not steps(box)


def test_a_setting_out_of_range_is_named_and_the_old_ones_stay(box: SimBox, collector: FakeCollector) -> None:
    configure(box, collector)
    collector.send("config", (CONFIG % (PLAIN | {"id": "c2"})).replace('"bright":80', '"bright":101'))
    collector.until("the reply", lambda: collector.heard["reply"])
    assert collector.heard["reply"][0] | {"mac": ""} == {
        "v": 1, "id": "c2", "ok": 0, "text": "bright is wrong or out of range", "mac": "",
    }  # fmt: skip
    box.wait("refused config=!c2 why=bright")
