"""The clerk's side at the counter: badges, closing time, and whose press is whose in a guided key test."""

from __future__ import annotations

import importlib
import struct
import sys

import pytest
from box import hours, lamp, record
from box.keytest import ABANDONED, FAILED, LIMIT_MS, PASSED
from tasks import core as core_module
from tasks.staff import CALM_MS, WAIT_MS

from tests.firmware.counter import HOUR, MORNING, VISIT, Counter

ANN, BEN = b"\xde\xad\xbe\xef", b"\x01\x02\x03\x04\x05\x06\x07"


@pytest.fixture
def box() -> Counter:
    return Counter().at(20_000).knows(MORNING)


def test_in_and_out_are_records_lamp_and_sign(box: Counter) -> None:
    box.badge(ANN)
    assert box.core.lamp.sign == lamp.WELCOME
    box.look()
    box.at(40_000).badge(ANN)
    assert box.core.lamp.sign == lamp.FAREWELL
    box.look()
    assert [(r[1], r[3]) for r in box.records(record.DUTY)] == [(1, b"\x04" + ANN), (2, b"\x04" + ANN)]
    assert {(r[0], r[2]) for r in box.records(record.DUTY)} == {(0, 0)}, "no level, no flags"
    assert box.port.signed == [True, False]


def test_the_lamp_of_a_start_says_that_nobody_is_signed_in(box: Counter) -> None:
    box.look()
    box.look()
    assert box.port.signed == [False]


def test_a_sign_in_that_is_not_in_flash_does_not_hold(box: Counter) -> None:
    box.flash.stuck_high |= dict.fromkeys(range(box.flash.size), 0xFF)
    box.badge(ANN)
    assert box.staff.duty.who == b""
    assert box.core.lamp.sign is None
    assert "duty reason=1" not in box.port.lines


def test_a_sign_in_is_something_to_date() -> None:
    box = Counter().at(1000)
    box.badge(ANN)
    assert box.core.dated
    box.knows(MORNING)
    box.core.note()
    assert len(box.records(record.CLOCK)) == 1


def test_closing_time_is_a_record_and_the_lamp_goes_out(box: Counter) -> None:
    box.settings(open="08:00-17:00")
    box.badge(ANN)
    box.look()
    box.at(20_000 + 9 * HOUR).look()
    assert box.records(record.DUTY)[-1][1] == 3
    box.look()
    assert box.port.signed == [True, False]
    assert len(box.records(record.DUTY)) == 2


def test_a_reboot_knows_who_is_signed_in_once_it_knows_the_day(box: Counter) -> None:
    box.badge(BEN)
    box.look()
    again = Counter(box.port, box.flash).at(5000)
    again.look()
    assert again.staff.duty.who == b""
    again.knows(MORNING + HOUR).look()
    assert again.staff.duty.who == BEN


def test_what_cannot_be_dated_is_not_saved() -> None:
    box = Counter().at(1000)
    box.badge(ANN)
    box.look()
    assert "duty" not in box.port.files
    box.knows(MORNING).look()
    assert "duty" in box.port.files
    kept = box.port.files.pop("duty")
    box.look()
    assert "duty" not in box.port.files, "once is enough for a flash"
    assert struct.unpack("<QB10s", kept)[1] == len(ANN)


# ---- the key test


def walk(box: Counter, *levels: int) -> None:
    for level in levels:
        box.press(level)


def test_the_first_sign_in_of_a_day_asks_and_no_other(box: Counter) -> None:
    box.badge(ANN)
    box.look()
    walk(box, 3, 1, 2)
    assert [r[1] for r in box.records(record.KEYTEST)] == [PASSED]
    assert box.core.lamp.sign == lamp.PASSED
    box.at(60_000).badge(BEN)
    box.look()
    assert box.staff.test is None
    box.at(20_000 + 24 * HOUR).badge(ANN)
    box.look()
    assert box.staff.test is not None, "the next day"


def test_signing_out_asks_for_nothing(box: Counter) -> None:
    box.core.prompt(VISIT)  # so that the sign-in finds no calm moment
    box.badge(ANN)
    box.staff._wanted = 0
    box.at(60_000).badge(ANN)
    box.look()
    assert box.staff.test is None


def test_the_asked_key_s_lamp_is_alone_and_then_none_is(box: Counter) -> None:
    box.badge(ANN)
    box.look()
    assert box.port.shown[-1][2] == 3
    box.press(3)
    assert box.at(21_000).light() == (box.core.settings["bright"], 0, 1)
    walk(box, 1, 2)
    assert box.core.only == 0
    assert box.port.lights == []


def test_another_key_is_a_visitor_s_press(box: Counter) -> None:
    box.badge(ANN)
    box.look()
    box.press(1)
    assert [r[1] for r in box.records(record.KEYTEST)] == [ABANDONED]
    assert [r[0] for r in box.records(record.PRESS)] == [1]
    assert box.port.lights == [1]
    box.press(3)
    assert box.port.lights == [1, 3], "the key that was asked for is a visitor's too now"
    box.at(30_000).look()
    assert box.staff.test is None


@pytest.mark.parametrize(("pressed", "how"), [((), ABANDONED), ((3,), FAILED)])
def test_a_test_that_nobody_ends_ends_itself(box: Counter, pressed: tuple[int, ...], how: int) -> None:
    box.badge(ANN)
    box.look()
    walk(box, *pressed)
    box.at(20_000 + LIMIT_MS - 1).look()
    assert box.staff.test is not None
    box.at(20_000 + LIMIT_MS).look()
    assert [r[1] for r in box.records(record.KEYTEST)] == [how]
    assert box.core.lamp.sign == lamp.FAILED
    assert box.core.only == 0
    box.press(1)
    assert box.port.lights == [1]


def test_no_test_while_a_visitor_may_be_at_the_keys(box: Counter) -> None:
    box.press(1)
    assert box.at(20_000 + CALM_MS - 1).staff.begin(box.port.ms)
    assert box.at(20_000 + CALM_MS).staff.begin(box.port.ms) == ""


def test_no_test_while_a_visitor_is_invited(box: Counter) -> None:
    box.core.prompt(VISIT)
    assert box.staff.begin(20_000)
    assert box.at(20_001 + core_module.PROMPT_MS).staff.begin(box.port.ms) == ""


def test_no_test_while_a_key_is_down(box: Counter) -> None:
    box.core.keys.sample(4, 4, [0, 0, 0], 5)
    assert box.staff.begin(20_000)


def test_no_second_test_beside_one(box: Counter) -> None:
    assert box.staff.begin(20_000) == ""
    first = box.staff.test
    assert box.staff.begin(20_000)
    assert box.staff.test is first


def test_a_test_for_which_there_is_no_heap_is_answered_and_leaves_nothing(
    box: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(importlib.import_module("tasks.guided"), "Guided", none_left)
    assert box.staff.begin(20_000) == "no memory"
    assert box.staff.test is None
    assert "tasks.guided" not in sys.modules
    assert box.staff.begin(20_000) == "", "it is loaded anew"


def test_a_wish_for_a_test_outlives_a_busy_moment_and_a_full_heap(
    box: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def none_left(*_: object) -> None:
        tried.append(1)
        raise MemoryError

    box.staff.want(20_000)
    box.press(1)
    box.at(20_000 + CALM_MS - 1).look()
    assert box.staff.test is None
    with monkeypatch.context() as m:
        for ms in range(150_000, 150_000 + 2 * CALM_MS, 250):
            m.setattr(importlib.import_module("tasks.guided"), "Guided", none_left)  # loaded anew
            box.at(ms).look()
    assert box.staff.test is None
    assert len(tried) == 2, "the keys are not kept busy with it"
    box.at(300_000).look()
    assert box.staff.test is not None


def test_a_wish_for_a_test_that_found_no_calm_moment_is_over(box: Counter) -> None:
    box.core.keys.sample(4, 4, [0, 0, 0], 5)
    box.staff.want(20_000)
    box.at(20_000 + WAIT_MS - 1).look()
    assert box.staff.test is None
    box.core.keys.sample(0, 0, [0, 0, 0], 50_000)
    box.core.keys.sample(0, 0, [0, 0, 0], 60_000)
    box.at(20_000 + WAIT_MS).look()
    assert box.staff.test is None


def test_a_day_is_beijing_s(box: Counter) -> None:
    assert box.staff._today(20_000) == hours.day(MORNING)
    assert Counter().staff._today(20_000) == 0
