"""What a rating costs the collector between the broker and the ledger: CPU of this thread, medians of several runs.

The real decode, ledger on disk, commit with fsync and the making of the ack; only sending is left out, so paho's share
(15 us an ack, 26 us a message, docs/decisions) comes on top.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from threading import Event

from manyi.core import record
from manyi.core.inbox import Inbox
from manyi.core.ledger import schema
from manyi.core.pipeline import Pipeline

from tests.collector.box_double import BoxDouble
from tests.collector.speaking import K_LINK, OneKey, spoken

RUNS = 7
BOXES = 40
PER_BOX = 100

Row = tuple[str, float, str, str, str]


def main() -> list[Row]:
    single = [_run(1) for _ in range(RUNS)]
    batches = [_run(22) for _ in range(RUNS)]
    ratings = BOXES * PER_BOX
    note = f"{ratings:,} ratings of {BOXES} boxes a run, median of {RUNS}"
    return [
        ("collector CPU per rating, single presses", _median(single, 0), "us", "60", note),
        ("collector CPU per rating, batches of 22", _median(batches, 0), "us", "20", note),
        (
            "the same, a single press against one of a batch",
            _median(single, 0) / _median(batches, 0),
            "times",
            "",
            "",
        ),
        ("ledger rows per second, single presses", _median(single, 1), "rows/s", "", "one thread, fsynced"),
        ("ledger rows per second, batches of 22", _median(batches, 1), "rows/s", "", "one thread, fsynced"),
        ("collector CPU to make one tag, for scale", _tag_us(), "us", "", "not done by the collector"),
    ]


def _run(size: int) -> tuple[float, float]:
    """(us CPU per rating, rows per second) of all boxes sending batches of `size` in turn."""
    boxes = [BoxDouble(f"mb-{i:012x}") for i in range(BOXES)]
    messages = []
    for box in boxes:
        box.press(1, PER_BOX)
    for _ in range(-(-PER_BOX // size)):
        for box in boxes:
            batch = box.batch(size)
            messages.append(spoken(batch))
            box.cursor += len(batch.records)
    with tempfile.TemporaryDirectory() as folder:
        conn = schema.open_for_writing(Path(folder) / "ledger.db")
        inbox = Inbox()
        sent: list[bytes] = []
        pipeline = Pipeline(
            inbox, OneKey(K_LINK), conn, lambda _topic, payload: sent.append(payload), Event()
        )
        cpu, wall = time.thread_time(), time.perf_counter()
        for i in range(0, len(messages), BOXES):
            for topic, payload in messages[i : i + BOXES]:
                inbox.put(topic, payload)
            due = len(sent) + len(messages[i : i + BOXES])
            while len(sent) < due:  # a box has one batch in flight
                pipeline.turn(0)
        cpu, wall = time.thread_time() - cpu, time.perf_counter() - wall
        assert conn.execute("SELECT count(*) FROM row").fetchone() == (BOXES * PER_BOX,)
        conn.close()
    return cpu / (BOXES * PER_BOX) * 1e6, BOXES * PER_BOX / wall


def _tag_us() -> float:
    k, prev, packed = bytes(32), bytes(8), bytes(record.PACKED_BYTES)
    began = time.thread_time()
    for _ in range(10_000):
        record.next_tag(k, prev, packed)
    return (time.thread_time() - began) * 100


def _median(runs: list[tuple[float, float]], which: int) -> float:
    return statistics.median(run[which] for run in runs)


if __name__ == "__main__":
    for row in main():
        print(*row, sep="\t")
