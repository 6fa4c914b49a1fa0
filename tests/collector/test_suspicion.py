"""The two tests on counts: what they find, and how often they are wrong on cities made up at random."""

import random
from math import comb

import pytest
from manyi.core.alarms.suspicion import Keys, chance_of_none, is_too_many, pressed_without_pause, silent_reds


@pytest.mark.parametrize(
    ("n", "d", "too_many"),
    [(2, 2, False), (3, 3, True), (20, 3, True), (30, 3, False), (200, 10, False), (200, 20, True)],
)
def test_a_share_is_too_high_only_where_the_sample_can_carry_it(n: int, d: int, too_many: bool) -> None:
    assert is_too_many(n, d, 5) is too_many


@pytest.mark.parametrize(
    ("most", "others", "named"),
    [(199, 5, False), (200, 5, True), (200, 20, True), (200, 21, False), (5_000, 500, True)],
)
def test_far_more_ratings_than_other_windows_have_are_named(most: int, others: int, named: bool) -> None:
    city = {f"w{i}": others for i in range(12)} | {"w12": most}
    assert pressed_without_pause(city) == ([("w12", most, others)] if named else [])


def test_a_few_windows_say_nothing_about_what_is_usual() -> None:
    assert pressed_without_pause({"w1": 5_000, "w2": 3}) == []


def test_the_chance_of_no_red_is_that_of_the_binomial_where_all_boxes_are_alike() -> None:
    p, n = 0.02, 150
    assert chance_of_none(n, p * 1e7, (1 - p) * 1e7) == pytest.approx((1 - p) ** n, rel=1e-3)
    a, b = 1.0, 9.0  # uniform-like: P(0 of n) = a sum that has a closed form
    assert chance_of_none(n, a, b) == pytest.approx(1 / comb(n + 9, 9) * comb(n + 8, 8), rel=1e-9)


def a_city(dice: random.Random, a: float, b: float, boxes: int = 300) -> list[Keys]:
    made = []
    for i in range(boxes):
        share, n = dice.betavariate(a, b), dice.randint(40, 400)
        reds = [sum(dice.random() < share for _ in range(times)) for times in (n, 3 * n)]
        made.append(Keys(f"b{i}", n, reds[0], 3 * n, reds[1]))
    return made


@pytest.mark.parametrize(("a", "b"), [(1.5, 60.0), (5.0, 95.0), (20.0, 380.0), (1.0, 9.0)])
def test_covered_keys_are_found_and_honest_cities_are_left_alone(a: float, b: float) -> None:
    dice = random.Random(5)
    false, found = 0, 0
    for _ in range(12):
        city = a_city(dice, a, b)
        false += bool(silent_reds(city))
        city[0] = Keys("b0", 300, 0, 900, 40)  # it had its reds, and has stopped
        found += "b0" in {s.box for s in silent_reds(city)}
    assert false <= 2, "at most one look in twenty is wrong: more than two of twelve would be one in fifty"
    assert found == 12


def test_a_window_that_never_has_reds_is_suspicious_only_in_a_city_where_all_have_some() -> None:
    dice = random.Random(7)
    quiet = Keys("quiet", 600, 0, 1800, 0)
    alike, unlike = a_city(dice, 40, 760), a_city(dice, 0.5, 20)
    assert "quiet" in {s.box for s in silent_reds([*alike, quiet])}
    assert "quiet" not in {s.box for s in silent_reds([*unlike, quiet])}


def test_few_boxes_or_none_with_a_red_say_nothing() -> None:
    assert silent_reds([Keys(f"b{i}", 500, 25) for i in range(8)] + [Keys("x", 500, 0)]) == []
    assert silent_reds([Keys(f"b{i}", 500, 0) for i in range(50)]) == []
    assert silent_reds([Keys(f"b{i}", 5, 1) for i in range(50)]) == []
    assert silent_reds([]) == []
