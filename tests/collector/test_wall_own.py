"""What a clerk may see of the ratings at the own window, attacked by a clerk who knows every visitor's minute."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from manyi.core.wall.own import BATCH_MIN, LARGE, may_be_released, snapshot

from tests.collector.paper_ledger import MINUTE, NOON, TOWN, on_duty
from tests.collector.test_wall import DAY, Screen

MIDNIGHT = NOON + 12 * 3_600_000
MORNING = MIDNIGHT + 8 * 3_600_000


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    made = Screen(tmp_path)
    made.ledger.fact(*TOWN)
    yield made
    made.close()


def own(screen: Screen, now_ms: int, staff: str = "ann") -> dict[str, Any]:
    screen.follow()
    screen.wall.release(now_ms)
    return snapshot(screen.conn, staff)


def test_the_same_day_tells_nothing_however_often_the_clerk_looks(screen: Screen) -> None:
    for visit in range(12):
        screen.visits("box-1", 3 if visit == 5 else 1, start_ms=visit * MINUTE)
        assert own(screen, NOON + visit * MINUTE + MINUTE)["n"] == 0
    assert own(screen, MIDNIGHT - 1)["n"] == 0
    assert own(screen, MIDNIGHT + 29_000)["n"] == 0, "the last visit may still be corrected"
    assert own(screen, MORNING)["level"] == [11, 0, 1]


def test_four_ratings_wait_for_the_fifth(screen: Screen) -> None:
    screen.visits("box-1", 1, 1, 3, 1)
    assert own(screen, MORNING)["n"] == 0
    screen.visits("box-1", 1, start_ms=DAY)
    assert own(screen, MORNING + MINUTE)["n"] == 0, "once a day"
    assert own(screen, MORNING + DAY)["level"] == [4, 0, 1]


def test_an_all_red_day_waits_until_at_most_half_of_it_is_red(screen: Screen) -> None:
    screen.visits("box-1", 3, 3, 3, 3, 3)
    assert own(screen, MORNING)["n"] == 0
    screen.visits("box-1", 1, 1, 2, 1, start_ms=DAY)
    assert own(screen, MORNING + DAY)["n"] == 0
    screen.visits("box-1", 1, start_ms=2 * DAY)
    assert own(screen, MORNING + 2 * DAY)["level"] == [4, 1, 5]


def test_a_large_batch_is_released_whatever_it_holds(screen: Screen) -> None:
    screen.visits("box-1", *[3] * (LARGE - 1))
    assert own(screen, MORNING)["n"] == 0
    screen.visits("box-1", 3, start_ms=DAY)
    assert own(screen, MORNING + DAY)["level"] == [0, 0, LARGE]


def test_a_clerk_who_knows_every_minute_cannot_name_a_red(screen: Screen) -> None:
    """The clerk notes who came when, and takes the page's differences from day to day. Whatever the days are like, no
    group of visitors found so has more red than half, unless it is large."""
    chance = random.Random(11)
    released: list[tuple[int, int]] = []
    before = {"n": 0, "level": [0, 0, 0]}
    given = 0
    for day in range(40):
        levels = [chance.choice((1, 1, 2, 3, 3)) for _ in range(chance.randint(0, 8))]
        given += len(levels)
        screen.visits("box-1", *levels, start_ms=day * DAY)
        looks = [own(screen, MORNING + day * DAY + minute * MINUTE) for minute in (0, 1, 200, 600)]
        assert all(look == looks[0] for look in looks)
        now = looks[0]
        if now["n"] != before["n"]:
            released.append((now["n"] - before["n"], now["level"][2] - before["level"][2]))
        before = now
    assert len(released) > 10
    assert all(may_be_released(n, red) for n, red in released)
    assert max(red / n for n, red in released if n < LARGE) <= 0.5
    assert min(n for n, _ in released) >= BATCH_MIN
    assert before["n"] <= given


def test_what_was_released_is_not_released_again_after_a_rebuild(screen: Screen) -> None:
    screen.visits("box-1", 1, 1, 1, 3, 1, 2)
    told = own(screen, MORNING)
    assert told["n"] == 6
    screen.wall.reset()
    screen.ratings.reset()
    assert own(screen, MORNING + DAY) == told
    screen.visits("box-1", 1, start_ms=DAY)
    assert own(screen, MORNING + 2 * DAY) == told


def test_a_correction_of_the_plan_moves_what_waits_and_nothing_that_was_released(screen: Screen) -> None:
    screen.visits("box-1", 1, 1, 1, 1, 3)
    assert own(screen, MORNING)["n"] == 5
    screen.visits("box-1", *[2] * 5, start_ms=DAY)
    screen.ledger.fact(on_duty("w1", "cat", 0))
    assert own(screen, MORNING + DAY)["n"] == 5
    assert own(screen, MORNING + DAY, "cat")["level"] == [0, 5, 0]


def test_procedure_is_nobodys(screen: Screen) -> None:
    screen.visits("box-1", 1, 1, 1, 1, 3)
    screen.ledger.press("box-1", 4 * MINUTE + 2_000, 3, NOON + 4 * MINUTE + 2_000, reason=3)
    assert own(screen, MORNING)["n"] == 0


def test_nobody_signed_in_has_no_page(screen: Screen) -> None:
    screen.visits("box-3", *[1] * 9)
    assert own(screen, MORNING, "")["n"] == 0
