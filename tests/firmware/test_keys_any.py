"""Any finger and any box that looks late: keys as metal bounces, looks that come when they come.

The keys and the latch here are of the time they move in, to the millisecond; box/keys.py sees of them what a port would.
"""

from __future__ import annotations

from box.keys import BLIND_MS, PRESS, RELEASE, SAMPLE_MS, TOGETHER_MS, Keys
from hypothesis import given
from hypothesis import strategies as st

STROKE_MS = 120  # from one tap of a finger to its next: ports/sim/fingers.py
BOUNCE_MS = 6
LATEST_MS = 95  # a look as late as this still finds every key up once between two of its own taps

late = st.lists(st.integers(SAMPLE_MS, LATEST_MS), min_size=200, max_size=200)
blocked = st.lists(st.integers(SAMPLE_MS, 400), min_size=100, max_size=100)
taps = st.lists(
    st.tuples(st.integers(0, 400), st.integers(30, 80), st.integers(0, BOUNCE_MS), st.integers(0, BOUNCE_MS)),
    max_size=12,
)
any_keys = st.lists(st.sampled_from((1, 2, 3)), min_size=12, max_size=12)


class Metal:
    """What three keys do over time: `down` holds (from, to) of each contact, in ms."""

    def __init__(self) -> None:
        self.contacts: list[list[tuple[int, int]]] = [[], [], []]

    def tap(self, level: int, at: int, held: int, bounce_down: int, bounce_up: int) -> None:
        pieces = [(at, at + held)]
        if bounce_down > 1:
            pieces = [(at, at + bounce_down // 2), (at + bounce_down, at + held)]
        if bounce_up > 1:
            pieces.append((at + held + bounce_up // 2, at + held + bounce_up))
        self.contacts[level - 1] += pieces

    def looked_at(self, since: int, now: int) -> tuple[int, int, list[int]]:
        """-> bits, latched, ago: of a look at `now` when the one before was at `since`."""
        bits = latched = 0
        ago = [9999, 9999, 9999]  # what a port leaves of older edges
        for i, contacts in enumerate(self.contacts):
            edges = [start for start, _ in contacts if since < start <= now]
            if edges:
                latched |= 1 << i
                ago[i] = now - edges[0]
            if any(start <= now < end for start, end in contacts):
                bits |= 1 << i
        return bits, latched, ago


def seen(metal: Metal, steps: list[int]) -> list[tuple[int, int, int]]:
    """The events of looks that are so many ms apart."""
    keys, now, events = Keys(), 0, []
    keys.sample(0, 0, [0, 0, 0], 0)
    for step in [*steps, *[SAMPLE_MS] * 100]:
        events += keys.sample(*metal.looked_at(now, now + step), now + step)
        now += step
    assert keys.quiet(), "a key that is up stays down"
    return events


def presses(events: list[tuple[int, int, int]]) -> list[int]:
    return [level for what, level, _ in events if what == PRESS]


def played(fingers: list[tuple[int, int, int, int]], levels: list[int]) -> tuple[Metal, list[int]]:
    metal, at = Metal(), SAMPLE_MS
    for level, (pause, held, bounce_down, bounce_up) in zip(levels, fingers, strict=False):
        metal.tap(level, at, held, bounce_down, bounce_up)
        at += STROKE_MS + pause
    return metal, levels[: len(fingers)]


@given(fingers=taps, steps=late)
def test_every_tap_is_one_press_however_late_the_box_looks(
    fingers: list[tuple[int, int, int, int]], steps: list[int]
) -> None:
    metal, levels = played(fingers, [1, 2, 3] * 4)
    assert presses(seen(metal, steps)) == levels


@given(fingers=taps, levels=any_keys, steps=blocked)
def test_a_box_that_stands_still_makes_no_press_up_and_none_out_of_order(
    fingers: list[tuple[int, int, int, int]], levels: list[int], steps: list[int]
) -> None:
    metal, levels = played(fingers, levels)
    events = seen(metal, steps)
    rest = iter(levels)
    assert all(level in rest for level in presses(events)), (
        "each press is of a tap, and in the order of the taps"
    )
    assert sum(what == RELEASE for what, _, _ in events) >= len(presses(events))


@given(
    first=st.sampled_from((1, 2, 3)),
    others=st.lists(st.integers(1, TOGETHER_MS - 1), min_size=2, max_size=2),
    steps=blocked,
)
def test_a_hand_is_one_press_at_most(first: int, others: list[int], steps: list[int]) -> None:
    metal = Metal()
    for level in (1, 2, 3):
        later = 0 if level == first else others.pop()
        metal.tap(level, SAMPLE_MS + later, 300, 0, 0)
    assert len(presses(seen(metal, steps))) <= 1


@given(fingers=taps, steps=late, taped=st.sampled_from((1, 2, 3)))
def test_a_taped_key_takes_nothing_from_the_others(
    fingers: list[tuple[int, int, int, int]], steps: list[int], taped: int
) -> None:
    free = [level for level in (1, 2, 3) if level != taped]
    metal, levels = played([(p + STROKE_MS, h, d, u) for p, h, d, u in fingers], free * 6)
    metal.contacts[taped - 1] = [(0, 1 << 20)]
    keys, now, events = Keys(), 0, []
    keys.sample(1 << taped - 1, 0, [0, 0, 0], 0)
    for step in [*steps, *[SAMPLE_MS] * 100]:
        events += keys.sample(*metal.looked_at(now, now + step), now + step)
        now += step
    assert presses(events) == levels[: len(presses(events))]
    assert len(presses(events)) == len(levels)


@given(at=st.integers(SAMPLE_MS, 200), steps=st.lists(st.integers(1, BLIND_MS), min_size=100, max_size=100))
def test_a_spike_is_no_press_while_the_box_looks_on_time(at: int, steps: list[int]) -> None:
    metal = Metal()
    metal.contacts[0] = [(at, at + 1)]
    assert presses(seen(metal, [SAMPLE_MS, *[max(step, 2) for step in steps]])) == []
