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

It refuses to date anything twice: what has a date keeps it, and a better clock later changes nothing.
"""

import msgspec

FLOOR_MS = 1_704_067_200_000  # 2024-01-01T00:00Z: no box of ours is older
AHEAD_MS = 600_000  # ms a clock record may lie after its receipt: a collector may be some minutes slow
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
    """What one life knows of time: its boot, that boot's newest clock, and boots still without a date."""

    boot: int = 0
    clock: Clock | None = None
    spans: tuple[Span, ...] = ()


def plausible(unix_ms: int, at_ms: int) -> bool:
    """Whether a clock record saying `unix_ms`, received at `at_ms`, may date anything."""
    return within(unix_ms, at_ms)


def within(time_ms: int, at_ms: int) -> bool:
    """Whether a record received at `at_ms` can have happened at `time_ms`."""
    return FLOOR_MS <= time_ms <= at_ms + AHEAD_MS


def observe(dating: Dating, boot: int, up_ms: int, at_ms: int) -> Dating:
    """Takes in that a record of this boot exists and was received at `at_ms`."""
    if boot == dating.boot and dating.clock is not None:
        return dating
    latest = at_ms - up_ms
    if boot == dating.boot and dating.spans:
        last = dating.spans[-1]
        grown = Span(boot, max(last.last_up_ms, up_ms), min(last.latest_ms, latest))
        return Dating(boot, None, (*dating.spans[:-1], grown))
    return Dating(boot, None, (*dating.spans, Span(boot, up_ms, latest)))


def learn(dating: Dating, up_ms: int, unix_ms: int) -> tuple[Dating, dict[int, int]]:
    """Takes in a plausible clock record of the current boot.

    Returns the new state and, for every boot that waited, the Unix ms of its `up_ms` 0. The current boot is
    among them when it waited too; its date comes from the clock, the others' from bounds.
    """
    begins: dict[int, int] = {}
    if dating.clock is None:
        begins = bounds(tuple(s for s in dating.spans if s.boot != dating.boot), unix_ms - up_ms)
        begins[dating.boot] = unix_ms - up_ms
    return Dating(dating.boot, Clock(up_ms, unix_ms), ()), begins


def bounds(spans: tuple[Span, ...], before_ms: int) -> dict[int, int]:
    """The latest Unix ms of `up_ms` 0 of each boot, given oldest first, all over by `before_ms`."""
    begins: dict[int, int] = {}
    for span in reversed(spans):
        begins[span.boot] = before_ms = min(before_ms - span.last_up_ms, span.latest_ms)
    return begins


def date(clock: Clock, up_ms: int) -> int:
    """Unix ms of `up_ms` by this clock record."""
    return clock.unix_ms + up_ms - clock.up_ms
