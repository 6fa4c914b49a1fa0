"""Settle: from presses to ratings. Pure, and a fold: the same presses in any chunks give the same ratings.

A visit lasts `visit_ms` from its *first* press, so that later presses can neither stretch it nor swallow the
next visitor. The last press within it is the rating; the first is kept beside it. A press that gives a reason
(`reason` is set; the box decides that) belongs to the newest visit of its boot and never changes the level.

It refuses to look at anything but order, `boot` and `up_ms`: not at dates, not at where the box stands.
Levels other than 1, 2 and 3 are the caller's to leave out.
"""

import msgspec

SATISFIED, BASICALLY, DISSATISFIED = 1, 2, 3
LEVELS = (SATISFIED, BASICALLY, DISSATISFIED)
REASON_WITHIN_MS = 15_000  # the longest visit the wire allows; a later reason belongs to nobody's

FLAG_CORRECTED = 1  # 改评: red first, better last; a clerk who reaches over leaves exactly this trace
FLAG_REASON_ALONE = 2  # a reason without a visit before it: its first press was lost


class Press(msgspec.Struct, frozen=True, array_like=True):
    """One press of one life, as the ledger has it. `at_ms` is its receipt; `visit` is hex, empty for none."""

    seq: int
    boot: int
    up_ms: int
    level: int
    reason: int = 0
    prompted: bool = False
    visit: str = ""
    biz: int = 0
    at_ms: int = 0


class Visit(msgspec.Struct, frozen=True, array_like=True):
    """What one visitor's presses have settled to so far. `seq` of the first press is its identity."""

    seq: int
    boot: int
    up_ms: int
    first: int
    level: int
    presses: int
    prompted: bool
    reason: int
    visit: str
    biz: int
    at_ms: int
    flags: int


def settle(newest: Visit | None, press: Press, visit_ms: int) -> Visit:
    """The visit of `press`: `newest` with the press added, or a new one (`.seq == press.seq`)."""
    if newest is None or press.boot != newest.boot:
        return _begin(press)
    since_ms = press.up_ms - newest.up_ms
    if press.reason and 0 <= since_ms < max(visit_ms, REASON_WITHIN_MS):
        return _add(newest, press, newest.level)
    if 0 <= since_ms < visit_ms:
        return _add(newest, press, press.level)
    return _begin(press)


def _begin(p: Press) -> Visit:
    flags = FLAG_REASON_ALONE if p.reason else 0
    return Visit(
        p.seq, p.boot, p.up_ms, p.level, p.level, 1, p.prompted, p.reason, p.visit, p.biz, p.at_ms, flags
    )


def _add(v: Visit, p: Press, level: int) -> Visit:
    kept = v.flags & ~FLAG_CORRECTED
    flags = kept | (FLAG_CORRECTED if v.first == DISSATISFIED and level != DISSATISFIED else 0)
    return Visit(
        v.seq, v.boot, v.up_ms, v.first, level, v.presses + 1, v.prompted or p.prompted,
        p.reason or v.reason, v.visit or p.visit, v.biz or p.biz, v.at_ms, flags,
    )  # fmt: skip
