"""Rates: intervals against a textbook's figures, and what a sample can carry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from manyi.core.rates import enough, tally, wilson


def test_wilson_as_in_the_domains_phone_survey() -> None:
    low, high = wilson(95, 100)
    assert (round(low, 3), round(high, 3)) == (0.888, 0.978)


def test_nothing_has_no_rate_and_no_interval() -> None:
    assert tally((0,) * 10)["rate"] == {"s": None, "sb": None, "enough": False}
    with pytest.raises(ValueError, match="nothing"):
        wilson(0, 0)


def test_twelve_greens_mean_nothing_and_fifty_nine_support_the_target() -> None:
    assert not enough(12)
    assert not enough(58)
    assert enough(59)


@given(st.integers(0, 200))
def test_more_ratings_never_become_too_few(n: int) -> None:
    assert enough(n + 1) >= enough(n)


def test_one_red_rating_is_no_firm_zero() -> None:
    assert tally((1, 0, 0, 1, 0, 0, 1, 0, 1, 0))["rate"]["enough"] is False


def test_tally_keeps_both_rates_apart() -> None:
    t = tally((100, 80, 15, 5, 78, 15, 7, 2, 104, 3))
    assert (t["n"], t["level"], t["first"], t["corrected"], t["presses"], t["flagged"]) == (
        100, [80, 15, 5], [78, 15, 7], 2, 104, 3,
    )  # fmt: skip
    assert (t["rate"]["s"][0], t["rate"]["sb"][0]) == (0.8, 0.95)


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_interval_holds_the_share_and_stays_within_0_and_1(kn: tuple[int, int]) -> None:
    k, n = kn
    low, high = wilson(k, n)
    assert 0 <= low <= k / n <= high <= 1
