"""Start here: the path of a press through the collector, on one screen.

    MQTT thread ─ put ▶ Inbox ─ decode ▶ Waiting ─ commit ▶ ledger ─ acks ▶ boxes
                                                              └─ wake ▶ projections

A turn drains what has arrived (for at most 50 ms), commits it in one transaction of at most 500 records, and
only then acknowledges. There is no waiting for company: while one commit is being synced the next batches
gather by themselves, so a single press is answered at once and a county's backlog comes in groups.
If a commit fails or the disk is full, nothing is acknowledged, everything stays and is tried again; the boxes hold
their records.

Refuses to know what a message means (wire.py, ledger/ingest.py) and how it travels (mqtt.py).
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from threading import Event
from typing import Final, Protocol

import structlog

from manyi.core import metrics
from manyi.core.disk import MIB, RESERVE_BYTES
from manyi.core.inbox import ROWS_BURST, ROWS_PER_S, Inbox, Measure, Waiting
from manyi.core.ledger import writer
from manyi.core.ledger.asked import Asked
from manyi.core.ledger.writer import Done, Work
from manyi.core.wire import Batch, Fetch, LinkKeys, Unreadable, decode, write_ack
from manyi.core.workings import PIPELINE, Workings
from manyi.words import both

TRANSACTION_RECORDS: Final = 500  # about 20 batches; more would keep live presses waiting behind a backlog
GATHER_S: Final = 0.05  # the longest that decoding may put off a commit
IDLE_S: Final = 1.0  # the longest sleep without traffic
SMALL_THINGS_S: Final = 0.2  # beats and states wait this long for company: no fsync of their own each
RETRY_S: Final = 0.5  # between attempts while commits fail (disk full, ledger locked)

log = structlog.get_logger(area="pipeline")


class Publish(Protocol):
    def __call__(self, topic: str, payload: bytes) -> None: ...


def unix_ms() -> int:
    """The collector's one wall clock."""
    return time.time_ns() // 1_000_000


class Pipeline:
    """One thread's work. `turn()` is one round and what tests call; `run()` goes round until told to stop."""

    def __init__(
        self,
        inbox: Inbox,
        keys: LinkKeys,
        conn: sqlite3.Connection,
        publish: Publish,
        wake: Event,
        *,
        now_ms: Callable[[], int] = unix_ms,
        fetched: Callable[[Fetch], None] = lambda fetch: None,
        workings: Workings | None = None,
        free_bytes: Callable[[], int] = lambda: RESERVE_BYTES,
    ) -> None:
        self._inbox, self._keys, self._conn, self._publish, self._wake = inbox, keys, conn, publish, wake
        self._now_ms, self._fetched = now_ms, fetched
        self._workings, self._free_bytes = workings or Workings(), free_bytes
        self._waiting = Waiting()
        self._asked = Asked()
        self._rows = Measure(ROWS_BURST, ROWS_PER_S)
        self._refused: Counter[str] = Counter()
        self._failing = False
        self._dropped = 0

    def run(self, stop: Event) -> None:
        while not stop.is_set():
            if not self.turn():
                stop.wait(RETRY_S)
        self.turn(0)

    def turn(self, wait_s: float = IDLE_S) -> bool:
        """Waits at most `wait_s` for messages, takes in and answers what is there. False: no commit."""
        self._gather(wait_s)
        if not self._waiting:
            return True
        if not self._has_room():
            return False
        work = self._waiting.take(TRANSACTION_RECORDS, self._asked.again)
        try:
            with metrics.COMMIT_SECONDS.time():
                done = writer.commit(self._conn, work, self._now_ms())
        except sqlite3.Error as error:
            self._waiting.put_back(work)
            self._fails(str(error))
            return False
        self._works()
        self._answer(work, done)
        self._wake.set()
        return True

    def _gather(self, wait_s: float) -> None:
        """Decodes what has arrived. Waits for the first message only if there is nothing left to commit."""
        arrived = self._inbox.get(0 if self._waiting else wait_s)
        began = time.monotonic()
        while arrived is not None:
            self._take_in(*arrived)
            urgent = self._waiting.batches > 0
            left = began + (GATHER_S if urgent else SMALL_THINGS_S) - time.monotonic()
            if left <= 0:
                break
            arrived = self._inbox.get(0 if urgent else left)
        metrics.INBOX.set(len(self._inbox) + self._waiting.batches)
        if self._inbox.dropped != self._dropped:
            metrics.DROPPED.inc(self._inbox.dropped - self._dropped)
            self._dropped = self._inbox.dropped
        refused = self._refused + Counter(dict(self._inbox.flooding))
        for box in self._workings.flooded(refused, self._now_ms()):
            log.warning("flood", box=box, effect="it is heard at a measure, and nobody else waits for it")

    def _take_in(self, topic: str, payload: bytes) -> None:
        message = decode(topic, payload, self._keys)
        metrics.MESSAGES[type(message)].inc()
        if isinstance(message, Unreadable):
            metrics.UNREADABLE[message.why].inc()
        if isinstance(message, Fetch):
            self._fetched(message)  # an update; nothing of it is stored
        elif isinstance(message, Batch) and self._rows.left(message.box) < 1:
            self._refused[message.box] += (
                1  # not answered: it keeps its records, and may go on in its measure
            )
        else:
            self._waiting.add(message)

    def _answer(self, work: Work, done: Done) -> None:
        metrics.ROWS.inc(done.rows)
        now_ms = self._now_ms()
        for batch, verdict in zip(work.batches, done.verdicts, strict=True):
            key = self._keys.link(batch.box)
            self._asked.answered(batch, verdict)
            self._rows.take(batch.box, len(verdict.rows))
            if key is not None:  # it was there when the batch was read; it may have been withdrawn since
                self._publish(*write_ack(batch, key, verdict.seq, verdict.tag, now_ms))
                metrics.ACKS.inc()
            for row in verdict.rows:
                if row.kind != "record":
                    metrics.NOTABLE[row.kind].inc()
                    log.warning(row.kind, box=batch.box, life=batch.life, seq=row.seq, what=row.body.decode())

    def _has_room(self) -> bool:
        """Stops before the disk is full to the brim, so that the wall can still say so (disk.py)."""
        try:
            free = self._free_bytes()
        except OSError as error:
            self._fails(str(error))
            return False
        if free < RESERVE_BYTES:
            self._fails(
                both(f"磁盘已满：只剩 {free // MIB} MiB", f"the disk is full: {free // MIB} MiB left")
            )
        return free >= RESERVE_BYTES

    def _fails(self, why: str) -> None:
        metrics.COMMITS_FAILED.inc()
        if not self._failing:
            log.error("commit_fails", why=why, effect="nothing is acknowledged, the boxes wait")
        self._failing = True
        self._workings.fails(PIPELINE, why, self._now_ms())

    def _works(self) -> None:
        if self._failing:
            log.info("commit_works_again")
            self._workings.well(PIPELINE)
        self._failing = False
