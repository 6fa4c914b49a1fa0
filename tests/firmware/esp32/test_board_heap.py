"""A board's own port, its reader, clock and voice, in the heap that budget.toml gives it: what the fakes of its chips cost is
measured, and given on top. Simulated: pointers here are twice an ESP32's, and so are the words."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.firmware.conftest import FIRMWARE, RunMicropython, micropython
from tests.firmware.esp32.boardbox import BoardBox
from tests.firmware.esp32.test_board import fakes, make_board
from tests.firmware.fake_collector import FakeCollector
from tests.firmware.simbox import acked
from tests.services.mosquitto import Mosquitto

__all__ = ["fakes", "make_board"]
pytest_plugins = ["tests.firmware.simfixtures", "tests.services.certs"]
pytestmark = pytest.mark.skipif(micropython() is None, reason="no micropython on this platform")

BUDGET = tomllib.loads((FIRMWARE / "budget.toml").read_text())["heap"]
WORDS_K = 2048  # bytes of `wK` where a pointer has 8
COST = """
import gc
import sys
with open(sys.argv[2]) as f:
    text = f.read()
gc.collect()
before = gc.mem_alloc()
import bench, esp32, machine, network
run = compile(text, "run", "exec")
gc.collect()
print("cost", gc.mem_alloc() - before)
"""


def test_a_board_lives_in_the_heap_that_is_its(
    make_board: Callable[..., BoardBox],
    mosquitto: Mosquitto,
    collector: FakeCollector,
    firmware: Path,
    fakes: Path,
    tmp_path: Path,
    run_micropython: RunMicropython,
) -> None:
    (tmp_path / "bench.json").write_text(json.dumps({"keys": [1, 2, 3]}))
    (tmp_path / "orders").touch()
    said = run_micropython(
        COST, heap="256wK", path=f"{fakes}:{firmware}", args=(str(tmp_path), str(fakes / "run.py"))
    ).stdout
    found = re.search(r"cost (\d+)", said)
    assert found, said
    words = int(BUDGET["board"].removesuffix("wK")) + int(found[1]) // WORDS_K
    box = make_board(mosquitto.port, heap=f"{words}wK", beat_s=1)
    box.wait("ack")
    lit = [i % 3 + 1 for i in range(9)]
    for level in lit:
        box.press(level, 160)
    box.say("badge 04112233445566")
    box.wait("duty reason=1")
    acked(box, int(box.said("light")[-1].split("seq=")[1].split()[0]))
    beats = len(collector.heard["beat"])
    collector.until("three beats", lambda: len(collector.heard["beat"]) > beats + 2)
    print(f"{words}wK, {found[1]} bytes the fakes'", [beat["heap"] for beat in collector.heard["beat"]])
    assert collector.presses() == lit
    assert not [line for line in box.lines if "emory" in line or line.startswith("fault")]
