"""The ledger's own check: CPU a row, how long the longest slice keeps a press waiting, and what that makes of a year."""

from __future__ import annotations

import tempfile
import time
from contextlib import closing
from pathlib import Path

from manyi.core import checking
from manyi.core.checking import SHARE, Checking
from manyi.core.config import Data
from manyi.core.ledger import schema, writer
from manyi.core.pipeline import unix_ms

from tests.collector.box_double import BoxDouble

BOXES, ROUNDS, PRESSES = 100, 50, 10
YEAR_ROWS = 4_000_000  # of a city of 600 boxes: 1.9 million ratings, their further presses, clocks, starts and sign-ins


def main() -> list[tuple[object, ...]]:
    with tempfile.TemporaryDirectory() as folder:
        return _measure(Path(folder))


def _measure(folder: Path) -> list[tuple[object, ...]]:
    boxes = [BoxDouble(f"mb-{n:012d}", k_chain=bytes(32)) for n in range(BOXES)]
    with closing(schema.open_for_writing(folder / "ledger.db")) as conn:
        for _ in range(ROUNDS):
            for box in boxes:
                box.press(1, PRESSES)
                verdict = writer.commit(conn, writer.Work([box.batch(PRESSES)]), unix_ms()).verdicts[0]
                box.take_ack(verdict.seq, verdict.tag)
        rows = BOXES * ROUNDS * PRESSES
        found = Checking(Data(folder))
        slices = []
        began = time.process_time()
        while True:
            at = time.process_time()
            if found.slice(conn):
                break
            slices.append(time.process_time() - at)
        whole = (time.process_time() - began) / rows
        began = time.process_time()
        found._seen = (0, bytes(32))
        assert found._follows(conn, lambda _: None)
        chain = (time.process_time() - began) / rows
    note = f"slices of {checking.SLICE_ROWS} rows"
    return [
        ("the ledger's check: a row as verify does, CPU", whole * 1e6, "us", "", note),
        ("  the longest slice, CPU", max(slices) * 1e3, "ms"),
        ("  a row of the chain alone (each minute, each day), CPU", chain * 1e6, "us"),
        (
            "  a year of 4 million rows with its rests, worked out",
            whole * YEAR_ROWS * (SHARE + 1) / 60,
            "min",
        ),
    ]
