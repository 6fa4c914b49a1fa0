"""`manyi box provision`, `doctor` and `list` with nothing that only Unix has, against a box at a cable: as far as another
system can tell, they work on Windows. The port itself is this system's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.collector.test_box_windows import on_windows
from tests.firmware.conftest import micropython
from tests.firmware.fake_collector import FakeCollector
from tests.firmware.simbox import BOX, K_CHAIN, K_LINK
from tests.services.mosquitto import Mosquitto
from tests.system.bench_box import BenchBox
from tests.system.bench_fixtures import fingers

pytest_plugins = ["tests.firmware.simfixtures"]
pytestmark = pytest.mark.skipif(micropython() is None, reason="no micropython on this platform")


def test_a_box_is_provisioned_tested_and_listed(
    bench: BenchBox, mosquitto: Mosquitto, collector: FakeCollector, tmp_path: Path
) -> None:
    line = {"box": BOX, "user": BOX, "password": "x", "k_link": K_LINK.hex(), "k_chain": K_CHAIN.hex()}
    (tmp_path / "boxes.jsonl").write_text(json.dumps(line) + "\r\n", encoding="utf-8-sig", newline="")
    site = f'beat_s = 10\r\n[broker]\r\nhost = "127.0.0.1"\r\nport = {mosquitto.port}\r\nplain = true\r\n'
    (tmp_path / "site.toml").write_text(site, encoding="utf-8-sig", newline="")
    given = ("--handover", "boxes.jsonl")
    done = on_windows(tmp_path, "box", "provision", "-p", bench.line.port, *given, "--site", "site.toml")
    assert done.returncode == 0, done.stdout + done.stderr
    who = bench.folder / "box.json"  # so that the fingers see which lamp is lit
    who.write_text(json.dumps(json.loads(who.read_text()) | {"tell_lamp": True}))
    bench.switch_off_and_on()
    fingers(bench)
    done = on_windows(tmp_path, "box", "doctor", "-p", bench.line.port, *given, answers="y\ny\n")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "合格" in done.stdout
    done = on_windows(tmp_path, "box", "list", *given)
    assert (done.returncode, "合格" in done.stdout) == (0, True)
    assert collector.presses() == []
