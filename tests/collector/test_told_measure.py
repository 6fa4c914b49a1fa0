"""How much a system may tell: an honest one that was held up is heard out, and a loop is not."""

from __future__ import annotations

from manyi.core.days import MINUTE_MS
from manyi.core.told.measure import AT_ONCE, PER_MINUTE, Measure

NOON = 1_795_233_600_000
QUEUE = "queue_city"


def test_what_a_city_told_one_by_one_while_the_collector_was_away_is_taken_at_once() -> None:
    """26,400 visits in eight hours; the collector was away for one and comes back to all of them."""
    measure = Measure()
    assert not any(measure.floods(QUEUE, NOON) for _ in range(26_400 // 8))


def test_a_loop_is_heard_at_a_measure_and_an_other_system_does_not_wait_for_it() -> None:
    measure = Measure()
    assert [measure.floods(QUEUE, NOON) for _ in range(AT_ONCE + 1)] == [False] * AT_ONCE + [True]
    a_minute = [measure.floods(QUEUE, NOON + MINUTE_MS) for _ in range(PER_MINUTE + 1)]
    assert a_minute == [False] * PER_MINUTE + [True]
    assert not measure.floods("queue_other", NOON + MINUTE_MS)


def test_a_clock_that_is_set_back_takes_nothing_away() -> None:
    measure = Measure()
    measure.floods(QUEUE, NOON)
    assert not measure.floods(QUEUE, NOON - 60 * MINUTE_MS)
