"""Clock and pause: elapsed time, time of day, patience. Runs on MicroPython too (test_on_micropython.py): no pytest here."""

import struct

from box.clock import ACK, HOUR_MS, RTT_MS, SETTLE_MS, STEP_MS, Clock, Uptime
from box.pause import MOST_MS, Pause

NOW = 1795000061300


def test_up_ms_grows_over_the_wrap_of_the_counter():
    up = Uptime(0x3FFFFF00, 1 << 30)
    assert up.at(0x3FFFFFFF) == 255
    assert up.at(4) == 260
    total = 260
    for _ in range(10):
        for ticks in (0x20000000, 0x3FFFFFFF, 4):
            total += (ticks - up._last) % (1 << 30)
            assert up.at(ticks) == total


def test_an_answer_says_what_time_the_middle_of_its_round_trip_was():
    c = Clock()
    assert c.unix_ms(5) is None
    assert c.answer(61_000, 61_024, NOW)
    assert c.unix_ms(61_012) == NOW
    assert (c.source, c.error) == (ACK, 12)


def test_an_answer_that_took_too_long_says_nothing():
    c = Clock()
    assert not c.answer(1000, 1001 + RTT_MS, NOW)
    assert not c.answer(1000, 999, NOW)
    assert c.source == 0
    assert c.answer(1000, 1000 + RTT_MS, NOW)


def test_a_time_that_no_box_lives_in_says_nothing():
    for now in (0, 1_600_000_000_000, 4_200_000_000_000, 1 << 62):
        c = Clock()
        assert not c.answer(1000, 1010, now)


def test_a_worse_answer_does_not_replace_a_better_one_that_it_agrees_with():
    c = Clock()
    c.answer(1000, 1010, NOW)
    assert not c.answer(2000, 3000, NOW + 1700)
    assert c.error == 5
    assert c.answer(4000, 5000, NOW + 60_000)  # the collector's clock was set
    assert c.error == 500


def test_a_clock_record_is_due_when_a_press_waits_or_the_boot_has_lasted():
    c = Clock()
    assert not c.due(5000, 1)  # nothing is known yet
    c.answer(1000, 1010, NOW)
    assert not c.due(5000, 0)
    assert c.due(5000, 7)
    assert c.due(SETTLE_MS, 0)
    c.note(5000)
    assert not c.due(5001, 7)


def test_a_clock_record_says_when_and_how_surely():
    c = Clock()
    c.answer(61_000, 61_024, NOW)
    unix_ms, error = struct.unpack("<QI", c.note(61_350))
    assert (unix_ms, error) == (NOW + 338, 12)


def test_a_correction_needs_half_a_second_and_an_hour():
    c = Clock()
    c.answer(0, 10, NOW)
    c.note(10)
    c.answer(HOUR_MS, HOUR_MS + 2, NOW + HOUR_MS + STEP_MS - 10)
    assert not c.due(HOUR_MS + 20, 1)  # 494 ms off
    c.answer(HOUR_MS, HOUR_MS + 2, NOW + HOUR_MS + STEP_MS + 100)
    assert c.due(HOUR_MS + 20, 1)
    assert not c.due(HOUR_MS, 1)  # not an hour after the newest
    c.note(HOUR_MS + 20)
    assert not c.due(3 * HOUR_MS, 1)


def test_a_pause_doubles_to_its_limit_and_jitters_by_half():
    p, q = Pause(1000), Pause(1000)
    shortest = [p.ms(0) for _ in range(12)]
    longest = [q.ms(0xFFFFFFFF) for _ in range(12)]
    assert shortest[:4] == [500, 1000, 2000, 4000]
    assert longest[:4] == [1000, 2000, 4000, 8000]
    assert longest[-1] == MOST_MS
    q.again()
    assert q.ms(0xFFFF) == 1000
