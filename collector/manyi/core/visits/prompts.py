"""Invitations to rate: a visit that has just ended is announced to every box at its window.

    ledger rows of visits, however they came ─▶ manyi/1/<box>/prompt, if it is wanted and the visit just ended

Of several at one window the newest is invited: a box keeps one, and nobody shall ring it a thousand times. Refuses to
invite whoever has left the window already, and what was told before the service started.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import Final

from manyi.core.roster.rows import current_roster
from manyi.core.visits import report as visits

FRESH_MS: Final = 30_000  # who was served longer ago has left the window
_ROWS: Final = "SELECT id, at_ms, body FROM row WHERE kind <> 'record' AND kind = 'visit' AND head IS NULL AND id > ? ORDER BY id"

Publish = Callable[[str, bytes], None]


class Prompter:
    """Follows the ledger from its end on; what was told before the start is nobody's to invite any more."""

    def __init__(self, ledger: sqlite3.Connection, publish: Publish, now_ms: Callable[[], int]) -> None:
        self._ledger, self._publish, self._now_ms = ledger, publish, now_ms
        self._at = int(ledger.execute("SELECT coalesce(max(id), 0) FROM row").fetchone()[0])
        self._current = current_roster()

    def look(self) -> int:
        """Publishes what is wanted; gives how many prompts."""
        rows = self._ledger.execute(_ROWS, (self._at,)).fetchall()
        newest: dict[str, tuple[int, bytes]] = {}  # of each window: who was served before has left it
        for row_id, at_ms, body in rows:
            source, told = visits.said(body) or ("", [])
            now_ms = self._now_ms()
            wanted = [
                v for v in told if v.prompt and not v.rev and now_ms - min(at_ms, v.finished_ms) <= FRESH_MS
            ]
            for visit in wanted:
                if visit.finished_ms >= newest.get(visit.window, (0, b""))[0]:
                    newest[visit.window] = visit.finished_ms, prompt(visits.key(source, visit.id), visit.biz)
            self._at = row_id
        sent = 0
        for window, (_, payload) in newest.items():
            for box in sorted(self._boxes(window, self._now_ms())):
                self._publish(f"manyi/1/{box}/prompt", payload)
                sent += 1
        return sent

    def _boxes(self, window: str, now_ms: int) -> set[str]:
        roster = self._current.of(self._ledger)
        return {box for box in roster.boxes_at(window) if roster.where(box, now_ms).window == window}


def prompt(key: str, biz: int) -> bytes:
    """As docs/WIRE.md has it."""
    return json.dumps({"v": 1, "visit": key, "biz": biz}, separators=(",", ":")).encode()
