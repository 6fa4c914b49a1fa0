"""A box at its counter, without a link: core and clerk's side over a real journal. Which record, which light, whose press.

Runs under CPython alone: what is decided in tasks/ is the same there; test_sim_staff.py has it on MicroPython.
"""

from __future__ import annotations

import struct
from typing import Any

import pytest
from box import hours, lamp, record
from box.clock import ACK
from box.journal import Journal
from box.keytest import ABANDONED, FAILED, LIMIT_MS, PASSED
from tasks import core as core_module
from tasks.core import Core
from tasks.staff import CALM_MS, WAIT_MS, Staff

from tests.firmware.flash import NorFlash

ANN, BEN = b"\xde\xad\xbe\xef", b"\x01\x02\x03\x04\x05\x06\x07"
MORNING = 1_795_219_200_000  # 2026-11-21 08:00 in Beijing
HOUR = 3_600_000
VISIT = bytes(range(9))


class Port:
    """Remembers what it was told to show and to keep."""

    def __init__(self) -> None:
        self.ms, self.answer = 0, None
        self.ident: dict[str, Any] = {}
        self.files: dict[str, bytes] = {}
        self.shown: list[tuple[int, int, int]] = []
        self.lights: list[int] = []
        self.said: list[tuple[int, int]] = []
        self.lines: list[str] = []
        self.signed: list[bool] = []

    def up_ms(self) -> int:
        return self.ms

    def time(self) -> object:
        return None

    def wall(self, unix_ms: int, sure: bool) -> None:
        pass

    def chance(self) -> int:
        return 4  # asks for 3, 1, 2

    def lamp(self, light: int, sound: int, only: int) -> None:
        self.shown.append((light, sound, only))

    def lit(self, level: int, seq: int) -> None:
        self.lights.append(level)

    def say(self, what: int, volume: int) -> None:
        self.said.append((what, volume))

    def signed_in(self, yes: bool) -> None:
        self.signed.append(yes)

    def tell(self, line: str) -> None:
        self.lines.append(line)

    def load(self, name: str) -> bytes | None:
        return self.files.get(name)

    def save(self, name: str, data: bytes) -> None:
        self.files[name] = data


class Counter:
    def __init__(self, port: Port | None = None, flash: NorFlash | None = None) -> None:
        self.port, self.flash = port or Port(), flash or NorFlash()
        book = Journal(self.flash, bytes(32), "mb-test", lambda: b"lifelife")
        book.begin(1, (1, 0, 0))
        self.core = Core(self.port, book, (1, 0, 0), 1)
        self.core.staff = self.staff = Staff(self.core)
        self.core.keys.sample(0, 0, [0, 0, 0], 0)

    def at(self, ms: int) -> Counter:
        self.port.ms = ms
        return self

    def knows(self, unix_ms: int) -> Counter:
        """The collector says that it is so late now."""
        self.core.clock.answer(self.port.ms, self.port.ms, unix_ms, ACK)
        return self

    def settings(self, **changed: object) -> None:
        self.core.use(self.core.settings | {"id": "c1"} | changed)

    def badge(self, badge: bytes) -> None:
        self.staff.badge(badge, self.port.ms)

    def press(self, level: int) -> None:
        """As tasks/hand.py does."""
        if not self.staff.press(level, self.port.ms):
            self.core.press(level, self.port.ms)

    def look(self) -> None:
        self.staff.look(self.port.ms)
        self.staff.save(self.port.ms)

    def light(self) -> tuple[int, int, int]:
        self.core.shine()
        return self.port.shown[-1]

    def records(self, kind: int) -> list[tuple[int, int, int, bytes]]:
        """(level, reason, flags, data) of each."""
        slot, found = bytearray(64), []
        for seq in range(self.core.journal.base, self.core.journal.newest + 1):
            assert self.core.journal.read(seq, slot)
            f = record.unpack(slot)
            if f[1] == kind:
                found.append((f[8], f[9], f[11], f[12].rstrip(b"\0")))
        return found

    def held(self) -> list[int]:
        slot, found = bytearray(64), []
        for seq in range(self.core.journal.base, self.core.journal.newest + 1):
            self.core.journal.read(seq, slot)
            found.append(record.unpack(slot)[10])
        return found


@pytest.fixture
def box() -> Counter:
    return Counter().at(20_000).knows(MORNING)


# ---- presses


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


# ---- badges


def test_in_and_out_are_records_lamp_and_sign(box: Counter) -> None:
    box.badge(ANN)
    assert box.core.lamp.sign == lamp.WELCOME
    box.look()
    box.at(40_000).badge(ANN)
    assert box.core.lamp.sign == lamp.FAREWELL
    box.look()
    assert [(r[1], r[3]) for r in box.records(record.DUTY)] == [(1, b"\x04" + ANN), (2, b"\x04" + ANN)]
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


def test_a_wish_for_a_test_that_found_no_calm_minute_is_over(box: Counter) -> None:
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
