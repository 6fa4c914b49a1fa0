"""What a board's own clock is set to, for TLS alone: what is proven, what is claimed, and lies. Runs on MicroPython too, so no
pytest in it."""

from box.wall import LIFE_MS, Wall

NOW = 1_795_219_200_000
DAY = 86_400_000


def started(kept=0):
    wall = Wall()
    return wall, wall.start(NOW, kept)


def test_a_chip_that_was_off_starts_at_what_is_proven():
    assert started()[1] == NOW


def test_what_it_kept_over_a_reset_is_believed_within_reason():
    assert started(NOW + DAY)[1] == NOW + DAY
    assert started(NOW - DAY)[1] == NOW
    assert started(NOW + LIFE_MS)[1] == NOW


def test_a_claim_is_believed_within_reason_and_the_newest_counts():
    wall, _ = started()
    assert wall.believes(NOW + DAY)
    assert wall.believes(NOW + 300 * DAY)  # a lie, perhaps,
    assert wall.believes(NOW + DAY)  # that has an end
    for nonsense in (NOW - 1, 0, NOW + LIFE_MS, 4_102_444_800_000, 1 << 60):
        assert not wall.believes(nonsense)


def test_it_knows_whether_the_collector_has_said_it():
    wall, _ = started()
    assert not wall.sure
    wall.prove(NOW + DAY)
    assert wall.sure
    assert not wall.believes(NOW)
