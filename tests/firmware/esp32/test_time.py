"""Who is believed about the time, and what a journal knows of it. Runs on MicroPython too, so no pytest in it."""

import struct

from box.clock import ACK, BATTERY, HOUR_MS, NTP, Clock
from box.record import CLOCK, PRESS, pack
from tasks.opening import LOOK_BACK, journalled

NOW = 1_795_219_200_000


def test_each_better_source_takes_over_and_no_worse_one_does():
    clock = Clock()
    assert clock.answer(1000, 2000, NOW, BATTERY)
    assert clock.answer(5000, 6500, NOW + 60_000, NTP)
    assert not clock.answer(7000, 7000, NOW, BATTERY)
    assert clock.answer(8000, 9900, NOW + 120_000, ACK)  # a worse round trip, but sealed
    assert not clock.answer(10_000, 10_002, NOW, NTP)
    assert (clock.source, clock.unix_ms(8950)) == (ACK, NOW + 120_000)


def test_a_worse_source_trims_a_better_one_by_what_its_counter_may_have_drifted():
    day, drift = 24 * HOUR_MS, 24 * HOUR_MS * 160 // 1_000_000
    clock = Clock()
    clock.answer(1000, 1010, NOW, ACK)
    then = NOW - 1005 + day + 25  # in the middle of a question a day later
    for lie in (day, -day, drift + 500, -drift - 500):
        assert not clock.answer(day, day + 50, then + lie, NTP)
    assert clock.answer(day, day + 50, then - drift // 2, NTP)
    assert (clock.source, clock.unix_ms(day + 25)) == (ACK, then - drift // 2)
    assert not clock.answer(day + 100, day + 150, then + 100 - drift, NTP), "it has just been trimmed"


def test_the_middle_of_the_question_is_when_it_was_that_time():
    clock = Clock()
    clock.answer(1000, 2000, NOW, NTP)
    assert (clock.unix_ms(1500), clock.error) == (NOW, 500)


def test_a_better_source_that_disagrees_is_noted_at_once_a_worse_figure_hourly():
    clock = Clock()
    clock.answer(0, 100, NOW, NTP)
    clock.note(100)
    clock.answer(200, 300, NOW + 30_000, ACK)
    assert clock.due(300, 1)
    assert struct.unpack("<QI", clock.note(300)) == (NOW + 30_050, 50)
    clock.answer(400, 402, NOW + 60_000, ACK)
    assert not clock.due(402, 1)
    assert clock.due(300 + HOUR_MS, 1)


def test_a_better_source_that_agrees_is_not_worth_a_record():
    clock = Clock()
    clock.answer(0, 100, NOW, NTP)
    clock.note(100)
    clock.answer(200, 300, NOW + 220, ACK)
    assert not clock.due(HOUR_MS, 1)


class Book:
    def __init__(self, records, base=1):
        self.base, self.records = base, records
        self.newest = base + len(records) - 1
        self.reads = 0

    def read(self, seq, buf):
        self.reads += 1
        kind, data, *source = self.records[seq - self.base]
        pack(buf, kind, 1, seq, 5, (0, 0, 0), reason=source[0] if source else 0, data=data)
        return kind != 0  # rotten


def at(ms, source=ACK):
    return CLOCK, struct.pack("<QI", ms, 10), source


def test_the_newest_time_of_the_journal_counts():
    assert journalled(Book([at(NOW), (PRESS, b""), at(NOW + 5), (PRESS, b"")])) == NOW + 5
    assert journalled(Book([at(NOW), (0, at(NOW + 9)[1])], base=70)) == NOW
    assert journalled(Book([])) == 0
    assert journalled(Book([(PRESS, b"")] * 3)) == 0


def test_only_the_collector_s_word_proves_how_late_it_is():
    records = [at(NOW), at(NOW + 10 * HOUR_MS, NTP), at(NOW + 20 * HOUR_MS, BATTERY)]
    assert journalled(Book(records)) == NOW


def test_a_full_journal_without_a_time_does_not_hold_up_the_boot():
    book = Book([at(NOW)] + [(PRESS, b"")] * (2 * LOOK_BACK))
    assert journalled(book) == 0
    assert book.reads <= LOOK_BACK + 1
