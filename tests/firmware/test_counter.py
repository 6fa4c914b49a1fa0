"""Core at the counter: which record a press becomes, which light it has, what the lamps ask for."""

from __future__ import annotations

import pytest
from box import lamp, record
from box.clock import ACK, NTP
from tasks import core as core_module
from tasks.bench import Bench

from tests.firmware.counter import HOUR, MORNING, VISIT, Counter
from tests.firmware.flash import NorFlash


@pytest.fixture
def box() -> Counter:
    return Counter().at(20_000).knows(MORNING)


def test_how_long_a_key_was_held_travels_once_in_the_next_record(box: Counter) -> None:
    box.press(1)
    box.core.released(70_000)
    box.at(30_000).press(2)
    box.at(40_000).press(3)
    assert [h for h in box.held() if h] == [0xFFFF]
    assert box.held()[-2:] == [0xFFFF, 0]


def test_a_press_that_is_not_in_flash_has_no_light_and_the_box_says_so(box: Counter) -> None:
    for address in range(4096, box.flash.size):
        box.flash.stuck_high[address] = 0xFF
    box.flash.stuck_high |= dict.fromkeys(range(4096), 0xFF)
    box.press(1)
    assert box.port.lights == []
    assert box.port.said == []
    assert box.core.failed
    assert box.light()[0] == 60 * box.core.settings["bright"] // 100
    box.flash.stuck_high.clear()
    for _ in range(9):  # blocks that failed are passed over
        box.press(2)
    assert box.port.lights[-1:] == [2]
    assert not box.core.failed


def test_a_closing_that_no_flash_takes_waits_for_a_record_that_it_does_take(box: Counter) -> None:
    box.settings(open="07:00-09:00")
    box.badge(b"\1\2\3\4")
    box.flash.stuck_high |= dict.fromkeys(range(box.flash.size), 0xFF)
    box.press(1)
    assert box.core.failed
    box.at(20_000 + 3 * HOUR)
    tried = box.flash.programs
    for _ in range(100):
        box.look()
    assert box.flash.programs == tried, "each would cost the flash blocks that can still be read"
    box.flash.stuck_high.clear()
    for _ in range(9):  # blocks that failed are passed over
        box.press(2)
    box.look()
    assert box.records(record.DUTY)[-1][1] == 3


def test_a_technician_s_green_light_ends_with_a_press_of_whatever_colour() -> None:
    for level in (1, 2, 3):
        box = Counter().at(20_000).knows(MORNING)
        bench = Bench(box.port, box.core, None)
        assert bench.obey(["passed"]) == "ok"
        box.core.shine()
        assert box.port.shown[-1][2] == 1
        box.press(level)
        assert box.port.shown[-1] == (80, 60, 0), "all three, for every colour"


def test_a_press_thanks_alike_and_wants_a_date() -> None:
    box = Counter().at(1000)
    for level in (1, 2, 3):
        box.press(level)
    assert box.port.said == [(2, box.core.settings["volume"])] * 3  # 谢谢
    assert box.core.dated
    assert box.records(record.CLOCK) == []
    box.port.answer = (1000, 1000, MORNING, NTP)  # somebody says what time it is
    box.press(1)
    assert [r[1] for r in box.records(record.CLOCK)] == [NTP]
    assert box.port.walls == [], "it proves nothing"
    box.knows(MORNING + 1000).core.note()
    assert [r[1] for r in box.records(record.CLOCK)] == [NTP, ACK]
    assert box.port.walls == [(MORNING + 1000, True)]


def test_a_journal_that_takes_nothing_is_said_on_the_line(box: Counter) -> None:
    box.flash.stuck_high |= dict.fromkeys(range(box.flash.size), 0xFF)
    box.press(1)
    assert [line for line in box.port.lines if line.startswith("fault journal=")]
    assert not box.core.note_now(), "and no clock record is in it"


def test_a_prompt_belongs_to_the_next_rating_alone(box: Counter) -> None:
    box.core.prompt(VISIT)
    box.at(25_000).press(1)
    box.at(40_000).press(2)
    assert [(flags, data) for _, _, flags, data in box.records(record.PRESS)] == [(1, VISIT), (0, b"")]


def test_a_prompt_is_not_spent_on_a_reason(box: Counter) -> None:
    box.settings(second="reason", visit_ms=5000)
    box.press(3)
    box.core.prompt(VISIT)  # of the next visitor: the window system is quick
    box.at(22_000).press(2)
    box.at(26_000).press(1)
    assert [(r[0], r[1], r[3]) for r in box.records(record.PRESS)] == [
        (3, 0, b""),
        (2, 2, b""),
        (1, 0, VISIT),
    ]


def test_a_prompt_that_is_half_a_minute_old_is_nobody_s(box: Counter) -> None:
    box.core.prompt(VISIT)
    assert box.at(20_000 + core_module.PROMPT_MS).core.invited(box.port.ms)
    box.at(20_001 + core_module.PROMPT_MS).press(1)
    assert box.records(record.PRESS)[0][2:] == (0, b"")


def test_only_where_the_policy_says_a_prompt_is_seen_and_heard(box: Counter) -> None:
    box.core.prompt(VISIT)
    assert box.port.said == []
    assert box.light()[0] == 15 * box.core.settings["bright"] // 100
    box.settings(mode="invite")
    box.core.prompt(VISIT)
    assert box.port.said == [(core_module.INVITE, box.core.settings["volume"])]
    box.core.set_online(True)
    assert box.light()[0] == 70 * box.core.settings["bright"] // 100


def test_the_lamps_ask_for_a_reason_until_one_is_given(box: Counter) -> None:
    asks, rests = (n * box.core.settings["bright"] // 100 for n in (70, 15))
    box.core.set_online(True)
    box.press(3)
    assert box.at(21_000).light()[0] == rests, "a second press corrects"
    box.settings(second="reason", visit_ms=5000)
    box.at(30_000).press(3)
    assert box.at(31_000).light()[0] == asks
    box.press(2)
    assert box.at(32_000).light()[0] == rests
    box.at(40_000).press(3)
    assert box.at(45_000).light()[0] == rests, "the visit is over"


def test_a_closed_box_is_dark_and_a_press_has_its_light(box: Counter) -> None:
    box.settings(open="08:30-17:30")
    assert box.light()[0] == 0
    box.press(2)
    assert box.port.shown[-1][0] == box.core.settings["bright"]
    assert box.port.lights == [2]
    assert box.at(25_000).light()[0] == 0
    box.settings(open="07:30-17:30")
    assert box.light()[0] > 0


def test_a_box_that_does_not_know_the_time_is_open() -> None:
    box = Counter().at(20_000)
    box.settings(open="00:00-00:01")
    assert box.light()[0] > 0


# ---- who is woken, and when it looks again


def test_a_record_wakes_the_link_and_a_light_the_lamp(box: Counter) -> None:
    box.press(1)
    assert box.core.link.rung
    assert box.core.dark.rung


def test_whatever_changes_the_lamps_wakes_them(box: Counter) -> None:
    changes = (
        lambda: box.core.set_online(True),
        lambda: box.core.set_online(False),
        lambda: box.core.prompt(VISIT),
        lambda: box.core.use(box.core.settings | {"id": "c2"}),
        lambda: box.core.show(lamp.IDENTIFY),
    )
    for change in changes:
        box.core.dark.rung = False
        change()
        assert box.core.dark.rung
    box.core.dark.rung = False
    box.core.set_online(False)
    assert not box.core.dark.rung, "it was away already"
    box.flash.stuck_high |= dict.fromkeys(range(box.flash.size), 0xFF)
    box.press(1)
    assert box.core.dark.rung, "the journal takes nothing"


def test_the_lamp_is_told_when_to_look_again(box: Counter) -> None:
    box.core.set_online(True)
    assert box.core.shine() == lamp.FOREVER
    box.settings(mode="invite")
    box.core.prompt(VISIT)
    assert 0 < box.core.shine() <= 500


def test_settings_are_said_by_their_name(box: Counter) -> None:
    assert box.core.config == ""
    box.core.use(box.core.settings | {"id": "c7"})
    assert box.core.config == "c7"


def test_losses_are_told_once_as_they_are_admitted() -> None:
    box = Counter(flash=NorFlash(4)).at(20_000).knows(MORNING)
    for i in range(400):
        box.at(20_000 + i * 1000).press(1 + i % 3)
        box.core.journal.tidy(box.port.ms)
    told = [line for line in box.port.lines if line.startswith("lost")]
    assert len(told) == len(set(told)) >= 2
    lost = box.core.journal.lost
    assert told[-1] == f"lost {lost[0]},{lost[1]},{lost[2]} unknown={box.core.journal.unknown}"
    again = Counter(box.port, box.flash)
    again.core.admit()
    assert [line for line in box.port.lines if line.startswith("lost")] == told, (
        "the next boot admits nothing new"
    )
