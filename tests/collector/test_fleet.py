"""Which boxes count and which are online: one rule."""

from __future__ import annotations

import pytest
from manyi.core import fleet

from tests.collector.paper_ledger import NOON

SILENT_MS = 180_000


@pytest.mark.parametrize(
    ("beat_ms", "state", "is_placed", "is_known", "expected"),
    [
        (NOON, (NOON, 1), True, True, (NOON, True, True)),
        (0, None, True, True, (0, False, True)),  # it hangs there and never spoke
        (NOON - SILENT_MS, (NOON - SILENT_MS, 1), True, True, (NOON - SILENT_MS, True, True)),
        (NOON - SILENT_MS - 1, (NOON - SILENT_MS - 1, 1), True, True, (NOON - SILENT_MS - 1, False, True)),
        (
            NOON - 5,
            (NOON, 0),
            True,
            True,
            (NOON - 5, False, True),
        ),  # the broker says it is gone: not its own word
        (0, (NOON, 0), True, True, (0, False, True)),
        (NOON, None, True, True, (NOON, True, True)),  # a beat, and no greeting was kept
        (NOON - 9, (NOON - 9, 0), False, True, (NOON - 9, False, False)),  # in store
        (0, None, False, True, (0, False, False)),  # in store, never used
        (NOON, (NOON, 1), False, True, (NOON, True, True)),  # in store by the roster, and it speaks
        (NOON - 9, (NOON - 9, 0), False, False, (NOON - 9, False, True)),  # the roster does not know it
    ],
)
def test_a_box_is_judged_once(
    beat_ms: int,
    state: tuple[int, int] | None,
    is_placed: bool,
    is_known: bool,
    expected: tuple[int, bool, bool],
) -> None:
    found = fleet.judge(
        beat_ms, list(state) if state else None, is_placed=is_placed, is_known=is_known, now_ms=NOON,
        silent_ms=SILENT_MS,
    )  # fmt: skip
    assert (found.heard_ms, found.online, found.counted) == expected
    assert found.placed is is_placed
