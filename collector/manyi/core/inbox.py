"""Between the MQTT thread and the pipeline: at most one batch per box, live ones first.

`Inbox` is the hand-over (the MQTT thread only puts); `Waiting` (pure) holds what has been decoded until it
is committed. Refuses to grow: what does not fit is dropped and counted, and the boxes send it again.
"""

from __future__ import annotations

import queue
from collections.abc import Callable
from typing import Final

from manyi.core.ledger.writer import Work
from manyi.core.wire import PAYLOAD_MAX_BYTES, Batch, Beat, Message, Reply, State, Unreadable

ARRIVALS_MAX: Final = 20_000  # messages not yet decoded: every box of a city at once, thrice; 80 MB at worst
# A broker may be set to let 256 MB pass. One byte too many is enough to be called too long.
PAYLOAD_KEPT: Final = PAYLOAD_MAX_BYTES + 1
TOPIC_KEPT: Final = 256  # characters; ours have at most 39, so what was cut names no box
ASIDES_MAX: Final = 100  # unreadable messages kept per transaction; the rest of a flood is only counted


class Inbox:
    """A bounded queue of (topic, payload)."""

    def __init__(self, limit: int = ARRIVALS_MAX) -> None:
        self._queue: queue.SimpleQueue[tuple[str, bytes] | None] = queue.SimpleQueue()
        self._limit = limit
        self.dropped = 0  # written by the MQTT thread only

    def put(self, topic: str, payload: bytes) -> None:
        if self._queue.qsize() >= self._limit:
            self.dropped += 1
        else:
            self._queue.put((topic[:TOPIC_KEPT], payload[:PAYLOAD_KEPT]))

    def wake(self) -> None:
        """Ends a waiting `get` without a message: the service stops."""
        self._queue.put(None)

    def get(self, wait_s: float) -> tuple[str, bytes] | None:
        """The next message; None if there is none within `wait_s` (0: at once)."""
        try:
            return self._queue.get(timeout=wait_s) if wait_s > 0 else self._queue.get_nowait()
        except queue.Empty:
            return None

    def __len__(self) -> int:
        return self._queue.qsize()


class Waiting:
    """Decoded and not yet committed. Whatever a commit could not take is put back and stays."""

    def __init__(self) -> None:
        self._live: dict[str, Batch] = {}
        self._backlog: dict[str, Batch] = {}
        self._beats: dict[tuple[str, str], Beat] = {}
        self._states: dict[str, State] = {}
        self._replies: dict[str, Reply] = {}
        self._asides: list[Unreadable] = []

    @property
    def batches(self) -> int:
        return len(self._live) + len(self._backlog)

    def __bool__(self) -> bool:
        return bool(
            self._live or self._backlog or self._beats or self._states or self._replies or self._asides
        )

    def add(self, message: Message) -> None:
        """The newest of a kind per box takes the place of an older one, and keeps its place in the row."""
        match message:
            case Batch():
                here, there = (
                    (self._live, self._backlog) if message.depth == 0 else (self._backlog, self._live)
                )
                there.pop(message.box, None)
                here[message.box] = message
            case Beat():
                self._beats[message.box, message.life] = message
            case State():
                self._states[message.box] = message
            case Reply():
                self._replies[message.box] = message
            case Unreadable():
                if len(self._asides) < ASIDES_MAX:
                    self._asides.append(message)

    def take(self, records: int, again: Callable[[Batch], bool]) -> Work:
        """All small things, and batches up to `records` records (at least one batch), live ones first."""
        batches: list[Batch] = []
        for waiting in (self._live, self._backlog):
            while waiting and records > 0:
                batch = waiting.pop(next(iter(waiting)))
                batches.append(batch)
                records -= max(1, len(batch.records))
        work = Work(
            batches,
            list(self._beats.values()),
            list(self._states.values()),
            list(self._replies.values()),
            self._asides,
            frozenset(b.box for b in batches if again(b)),
        )
        self._beats, self._states, self._replies, self._asides = {}, {}, {}, []
        return work

    def put_back(self, work: Work) -> None:
        """A commit failed: everything waits again, except where something newer has come from the same
        box.
        """
        newer: list[Message] = [*self._live.values(), *self._backlog.values(), *self._beats.values()]
        newer += [*self._states.values(), *self._replies.values(), *self._asides]
        self._live, self._backlog, self._beats = {}, {}, {}
        self._states, self._replies, self._asides = {}, {}, []
        older: list[Message] = [*work.batches, *work.beats, *work.states, *work.replies, *work.asides]
        for message in older + newer:
            self.add(message)
