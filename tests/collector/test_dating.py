"""Dating: situations of boxes that know, learn, never learn or misremember the time."""

from hypothesis import given
from hypothesis import strategies as st
from manyi.core.days import DAY_MS
from manyi.core.ratings.dating import (
    AHEAD_MS,
    BEHIND_MS,
    FLOOR_MS,
    Clock,
    Dating,
    Span,
    bounds,
    date,
    learn,
    observe,
    plausible,
    reach,
    within,
)

NOON = 1_795_000_000_000


def test_clock_in_1970_or_2099_dates_nothing() -> None:
    boot = Dating(1)
    assert not plausible(boot, 0, NOON)
    assert not plausible(boot, FLOOR_MS - 1, NOON)
    assert not plausible(boot, 4_070_908_800_000, NOON)
    assert not plausible(boot, NOON + AHEAD_MS + 1, NOON)
    assert plausible(boot, FLOOR_MS, NOON)
    assert plausible(boot, NOON + AHEAD_MS, NOON)


def test_a_clock_that_leads_back_before_what_the_box_had_reached_dates_nothing() -> None:
    """Neither at once nor in many small steps."""
    here, _ = learn(observe(Dating(), 1, 0, NOON), 0, NOON)
    assert not plausible(here, NOON - BEHIND_MS - 1, NOON)
    assert plausible(here, NOON - BEHIND_MS, NOON)
    back, _ = learn(here, 1_000, NOON - BEHIND_MS)
    assert not plausible(back, NOON - BEHIND_MS - 1_000, NOON)
    assert not within(NOON - BEHIND_MS - 1, NOON, NOON)


def test_what_a_collector_that_was_days_ahead_had_told_the_box_binds_nobody() -> None:
    ahead, _ = learn(observe(Dating(), 1, 0, NOON + 5 * DAY_MS), 0, NOON + 5 * DAY_MS)
    assert plausible(observe(ahead, 2, 0, NOON), NOON, NOON)
    assert within(NOON, NOON, ahead.reached_ms)


def test_a_box_gets_on_with_every_record_and_never_beyond_its_receipt() -> None:
    here, _ = learn(observe(Dating(), 1, 0, NOON), 0, NOON)
    assert reach(here, 60_000, NOON + 60_000).reached_ms == NOON + 60_000
    assert reach(here, 2 * AHEAD_MS, NOON).reached_ms == NOON
    assert reach(reach(here, 60_000, NOON + 60_000), 500, NOON + 60_000).reached_ms == NOON + 60_000


def test_press_before_the_first_clock_is_dated_when_it_comes() -> None:
    state = observe(Dating(), 3, 1_000, NOON)
    state, begins = learn(observe(state, 3, 5_000, NOON), 5_000, NOON)
    assert begins == {3: NOON - 5_000}
    assert state.clock == Clock(5_000, NOON)
    assert not state.spans


def test_a_second_clock_of_the_boot_releases_nothing_and_counts_from_then_on() -> None:
    state, _ = learn(observe(Dating(), 1, 0, NOON), 0, NOON)
    state, begins = learn(state, 3_600_000, NOON + 3_600_400)
    assert begins == {}
    assert state.clock is not None
    assert date(state.clock, 3_600_100) == NOON + 3_600_500


def test_boot_that_never_learned_the_time_ended_before_the_next_began() -> None:
    late = NOON + 10_000_000
    state = observe(observe(Dating(), 1, 2_000, late), 1, 9_000, late)
    state, begins = learn(observe(state, 2, 500, late), 500, NOON)
    assert begins == {1: NOON - 500 - 9_000, 2: NOON - 500}


def test_receipt_bounds_a_boot_whose_successor_came_much_later() -> None:
    state = observe(Dating(), 1, 2_000, NOON)
    state, begins = learn(observe(state, 2, 0, NOON + 86_400_000), 0, NOON + 86_400_000)
    assert begins[1] == NOON - 2_000


def test_two_boots_without_time_keep_their_order() -> None:
    begins = bounds((Span(1, 700, NOON), Span(2, 300, NOON)), NOON - 50)
    assert begins == {2: NOON - 350, 1: NOON - 1_050}


@given(st.lists(st.tuples(st.integers(0, 10**7), st.integers(-(10**7), 10**7)), min_size=1, max_size=8))
def test_bounds_never_overlap_and_never_pass_the_evidence(rows: list[tuple[int, int]]) -> None:
    spans = tuple(Span(i, up, NOON + by) for i, (up, by) in enumerate(rows))
    begins = bounds(spans, NOON)
    ends = [begins[s.boot] + s.last_up_ms for s in spans]
    assert all(end <= begins[later.boot] for end, later in zip(ends, spans[1:], strict=False))
    assert ends[-1] <= NOON
    assert all(begins[s.boot] <= s.latest_ms for s in spans)
