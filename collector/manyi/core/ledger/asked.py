"""Which batches were answered without being stored, so that the same question gets another answer the second time.

A box that comes again with the same records could not use the first answer (ledger/ingest.py says what then).
A message that the broker merely delivered twice is the same question, not a second one: its boot and up_ms are those
of the first. Kept in memory only; what is forgotten costs one more round. Refuses to grow with what boxes send.
"""

from __future__ import annotations

from typing import Final

from manyi.core.ledger.ingest import Verdict
from manyi.core.wire import Batch

PER_BOX: Final = 4  # a box and its clones take turns


class Asked:
    def __init__(self) -> None:
        self._asked: dict[str, dict[tuple[str, int, bool], tuple[int, int]]] = {}

    def again(self, batch: Batch) -> bool:
        stamp = self._asked.get(batch.box, {}).get(_question(batch))
        return stamp is not None and stamp != (batch.boot, batch.up_ms)

    def answered(self, batch: Batch, verdict: Verdict) -> None:
        """Remembers a batch whose answer was not its own end."""
        own_end = batch.records[-1].tag if batch.records else batch.prev
        if verdict.head is None and verdict.tag != own_end:
            mine = self._asked.setdefault(batch.box, {})
            mine.pop(_question(batch), None)
            mine[_question(batch)] = (batch.boot, batch.up_ms)
            if len(mine) > PER_BOX:
                del mine[next(iter(mine))]
        elif batch.box in self._asked:
            self._asked[batch.box].pop(_question(batch), None)


def _question(batch: Batch) -> tuple[str, int, bool]:
    return (batch.life, batch.first, bool(batch.records))
