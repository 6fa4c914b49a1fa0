"""Dating: which Unix millisecond a record's `up_ms` was, judged from clock records and receipts alone. Pure.

A box counts milliseconds since its boot; clock records say which of them was which time of day. The rules:

1. A record is dated by the newest clock record of its boot at or before it (crystals drift, so the nearest
   past reading is best); a record that came before the boot's first clock record is dated by that first one.
2. A clock record before 2024, or more than 10 minutes after its own receipt, dates nothing.
3. A boot that ended without learning the time is dated by bounds once a later boot (or a later life of the
   same box) knows the time: as late as the evidence allows, with the spacing kept. The evidence: it ended
   before the next boot began, and no record can have happened after it was received.

4. A date before 2024, or more than 10 minutes after the record's receipt, cannot be: the receipt is the latest it can
   have happened, and the record is marked as dated by bounds.
5. A box goes on from where it was, in boots and lives alike: a clock that leads back before what it had reached dates
   nothing, and no date can lie there. So whoever has a box's keys can invent presses, but none of a time that is past.

It refuses to date anything twice: what has a date keeps it, and a better clock later changes nothing.
"""

import msgspec

FLOOR_MS = 1_704_067_200_000  # 2024-01-01T00:00Z: no box of ours is older
AHEAD_MS = 600_000  # ms a clock record may lie after its receipt: a collector may be some minutes slow
BEHIND_MS = 2 * AHEAD_MS  # ms a box's time may go back: AHEAD_MS was put right, and crystals drift
NEVER_MS = -(2**63)
UP_MAX_MS = 2**53  # 285,000 years; the field has 64 bits, and a box that says more is counted all the same
BY_CLOCK = "clock"
BY_BOUNDS = "bounds"


class Span(msgspec.Struct, frozen=True, array_like=True):
    """One boot that has not learned the time: how far it got, and the latest its `up_ms` 0 can have been."""

    boot: int
    last_up_ms: int
    latest_ms: int


class Clock(msgspec.Struct, frozen=True, array_like=True):
    up_ms: int
    unix_ms: int


class Dating(msgspec.Struct, frozen=True, array_like=True):
    """What one life knows of time: its boot, that boot's newest clock, boots still without a date, and how far the box
    had got before this boot (`since_ms`) and by now (`reached_ms`), by clocks that were right.
    """

    boot: int = 0
    clock: Clock | None = None
    spans: tuple[Span, ...] = ()
    since_ms: int = 0
    reached_ms: int = 0


def plausible(dating: Dating, unix_ms: int, at_ms: int) -> bool:
    """Whether a clock record of the current boot, received at `at_ms`, may date anything. When the boot began is not asked: a
    box that had a time too late before it (its collector's clock was ahead) would be without a date until it is switched off.
    """
    return within(unix_ms, at_ms, dating.reached_ms)


def within(time_ms: int, at_ms: int, since_ms: int = 0) -> bool:
    """Whether a record received at `at_ms` can have happened at `time_ms`, if its box had got to `since_ms` before."""
    return max(FLOOR_MS, _floor(at_ms, since_ms)) <= time_ms <= at_ms + AHEAD_MS


def _floor(at_ms: int, since_ms: int) -> int:
    """A box that had got beyond now had that from a collector whose clock was ahead: it says nothing."""
    return since_ms - BEHIND_MS if 0 < since_ms <= at_ms + AHEAD_MS else NEVER_MS


def reach(dating: Dating, up_ms: int, at_ms: int) -> Dating:
    """Takes in how far the box has got with a record of the current boot, whose clock is known."""
    assert dating.clock is not None
    time_ms = date(dating.clock, up_ms)
    if time_ms <= dating.reached_ms or not within(time_ms, at_ms):
        return dating
    return Dating(dating.boot, dating.clock, (), dating.since_ms, time_ms)


def observe(dating: Dating, boot: int, up_ms: int, at_ms: int) -> Dating:
    """Takes in that a record of this boot exists and was received at `at_ms`."""
    if boot == dating.boot and dating.clock is not None:
        return dating
    latest = at_ms - up_ms
    if boot == dating.boot and dating.spans:
        last = dating.spans[-1]
        grown = Span(boot, max(last.last_up_ms, up_ms), min(last.latest_ms, latest))
        return Dating(boot, None, (*dating.spans[:-1], grown), dating.since_ms, dating.reached_ms)
    return Dating(
        boot, None, (*dating.spans, Span(boot, up_ms, latest)), dating.reached_ms, dating.reached_ms
    )


def learn(dating: Dating, up_ms: int, unix_ms: int) -> tuple[Dating, dict[int, int]]:
    """Takes in a plausible clock record of the current boot.

    Returns the new state and, for every boot that waited, the Unix ms of its `up_ms` 0. The current boot is
    among them when it waited too; its date comes from the clock, the others' from bounds.
    """
    begins: dict[int, int] = {}
    if dating.clock is None:
        begins = bounds(tuple(s for s in dating.spans if s.boot != dating.boot), unix_ms - up_ms)
        begins[dating.boot] = unix_ms - up_ms
    reached_ms = max(unix_ms, dating.reached_ms)
    return Dating(dating.boot, Clock(up_ms, unix_ms), (), dating.since_ms, reached_ms), begins


def bounds(spans: tuple[Span, ...], before_ms: int) -> dict[int, int]:
    """The latest Unix ms of `up_ms` 0 of each boot, given oldest first, all over by `before_ms`."""
    begins: dict[int, int] = {}
    for span in reversed(spans):
        begins[span.boot] = before_ms = min(before_ms - span.last_up_ms, span.latest_ms)
    return begins


def date(clock: Clock, up_ms: int) -> int:
    """Unix ms of `up_ms` by this clock record."""
    return clock.unix_ms + up_ms - clock.up_ms
