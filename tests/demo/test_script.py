"""The demo's visitors and kills: from a seed, always the same, and shaped as they claim."""

from __future__ import annotations

from collections import Counter
from itertools import islice, pairwise, takewhile

import pytest
from manyi.core.ratings import settle
from manyi.demo import faults, script

VISIT_MS = 5_000  # [policy] visit_ms where nobody has said otherwise


def test_the_same_seed_is_the_same_day() -> None:
    day = list(islice(script.presses(7, 3), 200))
    assert day == list(islice(script.presses(7, 3), 200))
    assert day != list(islice(script.presses(8, 3), 200))
    assert [p.at_ms for p in day] != [p.at_ms for p in islice(script.presses(7, 4), 200)]


@pytest.mark.parametrize("seed", range(5))
def test_a_finger_is_up_again_before_the_next_press(seed: int) -> None:
    for earlier, later in pairwise(islice(script.presses(seed, 0), 2_000)):
        assert later.at_ms - earlier.at_ms > earlier.hold_ms


def test_every_visitor_is_one_rating_and_few_of_them_are_corrections() -> None:
    newest, ratings = None, {}
    for seq, p in enumerate(islice(script.presses(1, 0), 2_000), 1):
        newest = settle.settle(newest, settle.Press(seq, 1, p.at_ms, p.level), VISIT_MS)
        ratings[newest.seq] = newest
    assert max(each.presses for each in ratings.values()) == 2
    twice = sum(each.presses == 2 for each in ratings.values()) / len(ratings)
    assert twice == pytest.approx(script.DOUBLE + script.CORRECTION, abs=0.03)
    assert sum(each.flags > 0 for each in ratings.values()) < 0.02 * len(ratings)


def test_levels_come_in_the_mix() -> None:
    levels = Counter(p.level for p in islice(script.presses(1, 0), 20_000))
    assert set(levels) == {1, 2, 3}
    # Corrections shift the mix a little towards yellow and red.
    assert 0.78 < levels[1] / levels.total() < 0.88
    assert levels[2] > levels[3] > 0.03 * levels.total()


def test_noon_is_quieter_than_the_peaks() -> None:
    quarter = script.DAY_MS / 4
    hours = Counter()
    for box in range(12):
        for p in takewhile(lambda p: p.at_ms < 20 * script.DAY_MS, script.presses(1, box)):
            near = round((p.at_ms % script.DAY_MS) / quarter) % 4  # 1 and 3 are the peaks, 2 is noon
            hours[near] += 1
    assert min(hours[1], hours[3]) > 1.2 * hours[2]


def test_faults_hit_everything_and_never_stop() -> None:
    kills = list(islice(faults.faults(1, 12), 400))
    assert {k.target for k in kills} == {"box", "collector", "broker"}
    assert {k.box for k in kills if k.target == "box"} == set(range(12))
    assert all(a.at_ms <= b.at_ms for a, b in pairwise(kills))
    assert kills == list(islice(faults.faults(1, 12), 400))
