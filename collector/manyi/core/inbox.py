"""Between the MQTT thread and the pipeline: so many messages a box, at most one batch of each, live ones first.

`Inbox` is the hand-over (the MQTT thread only puts); `Waiting` (pure) holds what has been decoded until it
is committed. Refuses to grow: what does not fit is dropped and counted, and the boxes send it again. Who says more
than a box can honestly have to say is heard no faster than BOX_PER_S, and counted under its name (`flooding`).
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from typing import Final

from manyi.core.account import ROOM_MAX
from manyi.core.ledger.writer import Work
from manyi.core.wire import PAYLOAD_MAX_BYTES, Batch, Beat, Message, Reply, State, Unreadable

ARRIVALS_MAX: Final = 20_000  # messages not yet decoded: every box of a city at once, thrice; 80 MB at worst
# A broker may be set to let 256 MB pass. One byte too many is enough to be called too long.
PAYLOAD_KEPT: Final = PAYLOAD_MAX_BYTES + 1
TOPIC_KEPT: Final = 256  # characters; ours have at most 39, so what was cut names no box
# A full journal is 360 batches of 22; one batch is in flight, and each waits for a commit. No honest box comes near.
BOX_BURST: Final = 1000  # messages of one box at once
BOX_PER_S: Final = 100  # and from then on
# Rows of one box: a full journal, and all of it twice more after a ledger came back from a backup; then two presses a
# second, faster than anybody keeps pressing.
ROWS_BURST: Final = 3 * ROOM_MAX
ROWS_PER_S: Final = 2
FLOODS_MAX: Final = 1000  # boxes named; more at once is no longer a matter of one box
# Senders remembered: every box of a province, so that made-up names cost no memory.
SENDERS_MAX: Final = 20_000
ASIDES_MAX: Final = 100  # unreadable messages kept per transaction; the rest of a flood is only counted


class Measure:
    """What each sender may still do: so much at once, and so much a second from then on."""

    def __init__(self, burst: int, per_s: int, now_s: Callable[[], float] = time.monotonic) -> None:
        self._burst, self._per_s, self._now_s = float(burst), per_s, now_s
        self._left: dict[str, tuple[float, float]] = {}  # and as of when

    def left(self, sender: str) -> float:
        now_s = self._now_s()
        if sender not in self._left and len(self._left) >= SENDERS_MAX:
            self._left.clear()  # all begin again: kinder than refusing somebody new
        left, since_s = self._left.get(sender, (self._burst, now_s))
        left = min(self._burst, left + (now_s - since_s) * self._per_s)
        self._left[sender] = (left, now_s)
        return left

    def take(self, sender: str, n: int) -> None:
        left = self.left(sender)
        self._left[sender] = (left - n, self._left[sender][1])


class Inbox:
    """A bounded queue of (topic, payload)."""

    def __init__(self, limit: int = ARRIVALS_MAX, now_s: Callable[[], float] = time.monotonic) -> None:
        self._queue: queue.SimpleQueue[tuple[str, bytes] | None] = queue.SimpleQueue()
        self._limit, self._said = limit, Measure(BOX_BURST, BOX_PER_S, now_s)
        self.dropped = 0  # written by the MQTT thread only, as is `flooding`
        self.flooding: dict[str, int] = {}
        """Messages refused of each box that said too many; only ever grows."""

    def put(self, topic: str, payload: bytes) -> None:
        topic = topic[:TOPIC_KEPT]
        sender = box_of(topic)
        if not self._may(sender):
            if sender in self.flooding or len(self.flooding) < FLOODS_MAX:
                self.flooding[sender] = self.flooding.get(sender, 0) + 1
        elif self._queue.qsize() >= self._limit:
            self.dropped += 1
        else:
            self._queue.put((topic, payload[:PAYLOAD_KEPT]))

    def _may(self, sender: str) -> bool:
        may = self._said.left(sender) >= 1
        if may:
            self._said.take(sender, 1)
        return may

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


def box_of(topic: str) -> str:
    """The box that a topic is of; "" where it is none of ours: all such share one measure."""
    parts = topic.split("/", 3)
    return parts[2] if len(parts) == 4 and parts[:2] == ["manyi", "1"] else ""


class Waiting:
    """Decoded and not yet committed. Whatever a commit could not take is put back and stays."""

    def __init__(self) -> None:
        self._live: dict[str, Batch] = {}
        self._backlog: dict[str, Batch] = {}
        self._beats: dict[str, Beat] = {}
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
                self._beats[message.box] = message
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
