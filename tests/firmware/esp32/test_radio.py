"""Which step brings a network back. Runs on MicroPython too (test_on_micropython.py here), so no pytest in it."""

from box.chord import HOLD_MS, Chord
from box.radio import CYCLE, DEAF_MS, JOIN, PATIENCE_MS, RESET, RESET_MS, TRY_MS, WAIT, Radio

LOOK_MS = 500


# Steps every half second until `end`; -> [(ms, action, network)] of all that is no WAIT.
def steps(radio, start, end, linked=False, heard=0, quiet=True):
    found = []
    for ms in range(start, end, LOOK_MS):
        action = radio.step(linked, heard, quiet, ms)
        if action != WAIT:
            found.append((ms, action, radio.network))
        if action == RESET:
            break
    return found


def test_the_first_network_is_tried_at_once():
    assert Radio(2, 0).step(False, 0, True, 0) == JOIN


def test_all_networks_are_tried_in_order_then_the_radio_goes_off_and_on():
    found = steps(Radio(3, 0), 0, 6 * TRY_MS)
    assert [(a, n) for _, a, n in found] == [
        (JOIN, 0),
        (JOIN, 1),
        (JOIN, 2),
        (CYCLE, 0),
        (JOIN, 1),
        (JOIN, 2),
    ]
    assert [ms for ms, _, _ in found] == [i * TRY_MS for i in range(6)]


def test_a_lost_network_is_tried_first_whatever_its_place():
    radio = Radio(3, 0)
    steps(radio, 0, 3 * TRY_MS)
    assert radio.network == 2
    assert radio.step(True, 60_000, True, 60_000) == WAIT
    found = steps(radio, 100_000, 100_000 + 4 * TRY_MS, heard=90_000)
    assert [(a, n) for _, a, n in found] == [(JOIN, 2), (JOIN, 0), (JOIN, 1), (CYCLE, 0)]


def test_a_network_that_works_is_left_alone_for_ever():
    radio = Radio(2, 0)
    radio.step(False, 0, True, 0)
    assert [radio.step(True, ms, True, ms) for ms in range(TRY_MS, 40 * DEAF_MS, 60_000)].count(WAIT) == len(
        range(TRY_MS, 40 * DEAF_MS, 60_000)
    )


def test_an_address_without_a_word_is_a_lie_and_the_radio_goes_off_and_on():
    radio = Radio(1, 0)
    radio.step(False, 0, True, 0)
    found = steps(radio, LOOK_MS, 3 * DEAF_MS + TRY_MS, linked=True, heard=1)
    assert [a for _, a, _ in found] == [CYCLE, CYCLE, CYCLE]
    assert found[1][0] - found[0][0] == DEAF_MS


def test_a_box_that_had_a_network_is_reset_after_half_an_hour_without_one():
    radio = Radio(1, 0)
    radio.step(True, 1000, True, 1000)
    ms, action, _ = steps(radio, 1000, PATIENCE_MS, heard=1000)[-1]
    assert (ms, action) == (1000 + RESET_MS, RESET)


def test_while_somebody_is_at_the_keys_it_goes_on_trying_and_is_reset_when_he_has_gone():
    radio = Radio(2, 0)
    radio.step(True, 1000, True, 1000)
    late = 1000 + RESET_MS
    found = steps(radio, late, late + 4 * TRY_MS, heard=1000, quiet=False)
    assert [a for _, a, _ in found].count(JOIN) >= 2
    assert radio.step(False, 1000, True, late + 4 * TRY_MS) == RESET


def test_a_box_that_never_had_one_waits_six_hours():
    ms, action, _ = steps(Radio(1, 0), 0, PATIENCE_MS + TRY_MS)[-1]
    assert (ms, action) == (PATIENCE_MS, RESET)


def test_a_broker_that_is_away_all_night_costs_no_reset_before_six_hours():
    radio = Radio(1, 0)
    radio.step(True, 1000, True, 1000)
    ms, action, _ = steps(radio, 1000, 2 * PATIENCE_MS, linked=True, heard=1000)[-1]
    assert (ms, action) == (1000 + PATIENCE_MS, RESET)


def test_a_box_without_a_network_known_waits_for_the_hotspot():
    assert not [a for _, a, _ in steps(Radio(0, 0), 0, RESET_MS) if a != RESET]


def test_new_networks_are_tried_at_once():
    radio = Radio(1, 0)
    radio.step(False, 0, True, 0)
    radio.renew(2, 1000)
    assert (radio.step(False, 0, True, 1000), radio.network) == (JOIN, 0)


# ---- the two keys


def test_two_keys_for_ten_seconds_are_told_once():
    chord = Chord()
    told = [ms for ms in range(0, 30_000, 5) if chord.held(5, ms)]
    assert told == [HOLD_MS]


def test_three_keys_or_one_are_no_chord():
    for bits in (1, 2, 4, 7, 0):
        chord = Chord()
        assert not any(chord.held(bits, ms) for ms in range(0, 30_000, 100))


def test_a_key_that_is_held_for_ever_is_no_hand_after_its_first_moment():
    chord = Chord()
    for ms in range(0, 60_000, 500):
        chord.held(1, ms)
    assert chord.moved == 0
    chord.held(5, 60_000)
    assert chord.moved == 60_000
    chord.held(5, 61_000)
    chord.held(4, 62_000)
    assert chord.moved == 62_000


def test_a_key_that_comes_up_starts_the_ten_seconds_anew():
    chord = Chord()
    assert not any(chord.held(3 if ms != 9000 else 1, ms) for ms in range(0, 19_000, 100))
    assert chord.held(3, 19_100)
