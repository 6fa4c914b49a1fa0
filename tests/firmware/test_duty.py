"""Duty and opening hours: who is signed in, and when nobody is any more. Runs on MicroPython too, so no pytest here."""

from box import hours
from box.duty import AGAIN_MS, CLOSING, IN, OUT, Duty, data

ANN, BEN = b"\xde\xad\xbe\xef", b"\x01\x02\x03\x04\x05\x06\x07"
MORNING = 1_795_219_200_000  # 2026-11-21 08:00 in Beijing
HOUR = 3_600_000
OPEN = "08:30-17:30"


def touch(duty, badge, ms):
    reason = duty.touched(badge, ms)
    if reason:
        duty.took(reason, badge, ms)
    return reason


def test_minutes_and_days_are_beijings():
    assert hours.minute(MORNING) == 480
    assert hours.day(MORNING) == hours.day(MORNING + 16 * HOUR - 1) == hours.day(MORNING + 16 * HOUR) - 1


def test_opening_hours_include_their_first_minute_and_not_their_last():
    assert [hours.closed(OPEN, MORNING + m * 60_000) for m in (29, 30, 569, 570)] == [
        True,
        False,
        False,
        True,
    ]
    assert not hours.closed("", MORNING)


def test_without_a_clock_nothing_is_closed():
    assert not hours.closed(OPEN, None)


def test_the_next_badge_takes_over():
    duty = Duty()
    assert [touch(duty, ANN, 0), touch(duty, BEN, 20_000)] == [IN, IN]
    assert duty.who == BEN


def test_the_same_badge_signs_out_but_not_by_touching_twice():
    duty = Duty()
    assert [touch(duty, ANN, ms) for ms in (0, 800, AGAIN_MS - 1)] == [IN, 0, 0]
    assert touch(duty, ANN, AGAIN_MS) == OUT
    assert duty.who == b""
    assert touch(duty, ANN, AGAIN_MS + 800) == 0


def test_closing_time_ends_it_once():
    duty = Duty()
    touch(duty, ANN, 0)
    assert duty.look(1, MORNING, OPEN) == 0
    assert duty.look(9 * HOUR, MORNING + 9 * HOUR, OPEN) == 0
    assert duty.look(10 * HOUR, MORNING + 10 * HOUR, OPEN) == CLOSING
    duty.took(CLOSING, duty.who, 10 * HOUR)
    assert duty.look(10 * HOUR + 1, MORNING + 10 * HOUR + 1, OPEN) == 0


def test_who_comes_early_or_stays_late_is_not_sent_home():
    early, late = Duty(), Duty()
    touch(early, ANN, 0)
    assert early.look(0, MORNING, OPEN) == 0
    touch(late, ANN, 10 * HOUR)
    assert late.look(10 * HOUR + 9, MORNING + 10 * HOUR, OPEN) == 0
    assert late.who == ANN


def test_the_minute_of_closing_is_closed():
    before, after = Duty(), Duty()
    touch(before, ANN, 0)
    before.look(0, MORNING + 9 * HOUR, OPEN)
    assert before.look(HOUR // 2, MORNING + 9 * HOUR + HOUR // 2, OPEN) == CLOSING
    touch(after, ANN, 0)
    assert after.look(0, MORNING + 9 * HOUR + HOUR // 2, OPEN) == 0


def test_midnight_ends_what_no_closing_time_did():
    duty = Duty()
    touch(duty, ANN, 0)
    assert duty.look(0, MORNING, "") == 0
    assert duty.look(17 * HOUR, MORNING + 17 * HOUR, "") == 0
    assert duty.who == b""


def test_a_sign_in_before_the_clock_is_known_is_dated_backwards():
    duty = Duty()
    touch(duty, ANN, 1000)
    assert duty.look(2000, None, OPEN) == 0
    assert duty.look(10 * HOUR, MORNING + 10 * HOUR, OPEN) == CLOSING


def test_a_reboot_keeps_who_was_signed_in_today_and_nobody_of_yesterday():
    duty = Duty()
    touch(duty, BEN, 0)
    duty.look(0, MORNING + HOUR, OPEN)
    kept = duty.packed()
    same, other = Duty(kept), Duty(kept)
    assert same.who == b""  # until the clock says so
    same.look(5000, MORNING + 2 * HOUR, OPEN)
    assert same.who == BEN
    other.look(5000, MORNING + 24 * HOUR, OPEN)
    assert other.who == b""


def test_who_signs_in_after_what_the_clock_says_now_was_signed_in_by_a_wrong_clock():
    duty = Duty()
    touch(duty, BEN, 0)
    duty.look(0, MORNING + HOUR, "")
    again = Duty(duty.packed())
    again.look(5000, MORNING, "")
    assert again.who == b""


def test_whatever_a_reboot_must_know_asks_to_be_saved():
    duty = Duty()
    assert not duty.unsaved

    def asks():
        asked = duty.unsaved
        duty.packed()
        assert not duty.unsaved
        return asked

    touch(duty, ANN, 0)
    assert asks()
    duty.look(1000, MORNING, OPEN)  # its day is known now
    assert asks()
    touch(duty, ANN, 20_000)  # signed out
    assert asks()
    touch(duty, BEN, 30_000)
    duty.look(30_000, MORNING, OPEN)
    assert asks()
    duty.look(24 * HOUR, MORNING + 24 * HOUR, OPEN)  # midnight
    assert asks()
    duty.look(25 * HOUR, MORNING + 25 * HOUR, OPEN)
    assert not duty.unsaved


def test_before_the_clock_is_known_after_a_reboot_a_badge_signs_in_never_out():
    duty = Duty()
    touch(duty, ANN, 0)
    duty.look(0, MORNING + HOUR, "")
    again = Duty(duty.packed())
    assert touch(again, ANN, 60_000) == IN


def test_a_torn_or_foreign_memory_is_nobody():
    for kept in (b"", b"x", bytes(19), b"\xff" * 19, None):
        duty = Duty(kept)
        duty.look(0, MORNING, OPEN)
        assert duty.who == b""


def test_the_numbers_of_the_wire():
    assert (IN, OUT, CLOSING) == (1, 2, 3)  # docs/WIRE.md, duty


def test_a_badge_travels_with_its_length():
    assert data(ANN) == b"\x04\xde\xad\xbe\xef"
