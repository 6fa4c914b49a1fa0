"""Lamp: what the box says, when, and for how long. Runs on MicroPython too (test_on_micropython.py), so no pytest here."""

from box import lamp
from box.lamp import (
    CLOSED,
    CONFIRMED,
    FAULT,
    FOREVER,
    GUIDE,
    IDENTIFY,
    IDLE,
    INVITE,
    KEPT,
    LASTS_MS,
    OFFLINE,
    PATTERNS,
    Lamp,
)


def played(show, start, end, step=10):
    return [show.at(ms)[:2] for ms in range(start, end, step)]


# What it shows from 0 ms on if it is looked at again just when it asks for it: [(ms, light, sound)].
def asked(show, end):
    found, ms = [], 0
    while ms < end:
        light, sound, wait = show.at(ms)
        found.append((ms, light, sound))
        ms = ms + wait if wait else end
    return found


def test_it_asks_to_be_looked_at_again_when_it_changes_and_not_before():
    press, away, who = Lamp(), Lamp(), Lamp()
    press.show(KEPT, 0)
    assert asked(press, 9000) == [(0, 100, 1), (80, 100, 0), (500, 0, 0), (620, 15, 0)]
    press.show(KEPT, 0)
    assert press.at(100) == (100, 0, 400)
    away.rest(OFFLINE, 0)
    assert asked(away, 6000) == [(0, 15, 0), (2900, 0, 0), (3000, 15, 0), (5900, 0, 0)]
    who.show(IDENTIFY, 0)
    assert asked(who, 9000)[-3:] == [(4500, 100, 1), (4650, 0, 0), (5000, 15, 0)]


def test_states_that_last_are_silent_and_need_no_look():
    for state, light in ((CLOSED, 0), (GUIDE, 100), (IDLE, 15)):
        show = Lamp()
        show.rest(state, 0)
        assert show.at(5) == (light, 0, FOREVER)


def test_a_press_lights_at_once_and_sounds():
    assert Lamp().show(KEPT, 1234)[:2] == (100, 1)


def test_no_pattern_knows_a_colour():
    # One signal for all keys: the lamp is never told a level, so it cannot show one.
    assert all(len(pattern) % 3 == 0 for pattern in PATTERNS.values())  # light, sound, ms


def test_the_light_of_a_press_ends_in_the_state_before_it():
    show = Lamp()
    show.show(KEPT, 0)
    assert show.at(LASTS_MS[KEPT] - 1)[0] != PATTERNS[IDLE][0]
    assert show.at(LASTS_MS[KEPT]) == (15, 0, FOREVER)


def test_a_confirmation_waits_for_the_light_of_the_press():
    show, alone = Lamp(), Lamp()
    show.show(KEPT, 0)
    alone.show(KEPT, 0)
    show.show(CONFIRMED, 30)
    assert played(show, 40, LASTS_MS[KEPT]) == played(alone, 40, LASTS_MS[KEPT])
    assert 45 in [light for light, _ in played(show, LASTS_MS[KEPT], LASTS_MS[KEPT] + 240)]
    assert show.at(2000) == (15, 0, FOREVER)


def test_a_press_cuts_anything_short():
    show = Lamp()
    show.show(IDENTIFY, 0)
    assert show.show(KEPT, 200)[:2] == (100, 1)
    assert show.at(200 + LASTS_MS[KEPT])[2] == FOREVER


def test_a_confirmation_does_not_cut_identify_short():
    show = Lamp()
    show.show(IDENTIFY, 0)
    show.show(CONFIRMED, 100)
    assert show.sign == IDENTIFY


def test_states_replace_one_another_and_start_at_their_beginning():
    show = Lamp()
    for at, state in enumerate((OFFLINE, CLOSED, INVITE, GUIDE, FAULT, IDLE)):
        assert show.rest(state, at * 1000 + 7)[0] == PATTERNS[state][0]


def test_to_a_citizen_an_offline_box_looks_the_same():
    lights = [light for light, _ in played_offline()]
    assert lights.count(PATTERNS[IDLE][0]) > 0.95 * len(lights)


def played_offline():
    show = Lamp()
    show.rest(OFFLINE, 0)
    return played(show, 0, 30_000)


def test_who_waits_as_long_as_told_misses_no_change():
    for sign in LASTS_MS:
        by_steps, by_ms, ms = [], [], 0
        show, watch = Lamp(), Lamp()
        step = show.show(sign, 0)
        watch.show(sign, 0)
        while step[2] != FOREVER:
            by_steps += [step[:2]] * step[2]
            ms += step[2]
            step = show.at(ms)
        by_ms = [watch.at(t)[:2] for t in range(ms)]
        assert by_steps == by_ms
        assert ms == lamp.LASTS_MS[sign]
