"""Ctrl-C at the bench: in the middle of the guided test, and of a tray. Nothing is left open or half begun, and it is said."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from manyi.box import records
from manyi.box.console import Console, opened
from manyi.box.flashing import tray

from tests.collector.test_box_tray import PORTS, Boards, load, whole
from tests.firmware.conftest import micropython
from tests.firmware.simbox import BOX, K_CHAIN, K_LINK
from tests.system.bench_box import BenchBox
from tests.system.bench_fixtures import give, site_of

__all__ = ["whole"]  # a fixture

pytest_plugins = ["tests.firmware.simfixtures"]
PATIENCE_S = 60.0


@pytest.mark.skipif(micropython() is None, reason="no micropython on this platform")
def test_a_guided_test_that_is_interrupted_leaves_the_console_locked(
    bench: BenchBox, book: records.Records, tmp_path: Path
) -> None:
    give(bench, book, site_of(1))
    line = (
        f'{{"box":"{BOX}","user":"u","password":"p","k_link":"{K_LINK.hex()}","k_chain":"{K_CHAIN.hex()}"}}\n'
    )
    (tmp_path / "boxes.jsonl").write_text(line)
    words = [
        sys.executable,
        "-m",
        "manyi",
        "box",
        "doctor",
        "-p",
        bench.line.port,
        "--handover",
        "boxes.jsonl",
    ]
    with subprocess.Popen(
        words, cwd=tmp_path, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as doctor:
        try:
            assert doctor.stdin is not None
            assert doctor.stdout is not None
            doctor.stdin.write("y\ny\n")
            doctor.stdin.flush()
            while "请依次按下亮着的键" not in doctor.stdout.readline():
                assert doctor.poll() is None
            doctor.send_signal(signal.SIGINT)
            _, said = doctor.communicate(timeout=PATIENCE_S)
        finally:
            doctor.kill()
    assert doctor.returncode == 130, said
    assert "已中断" in said
    assert "Traceback" not in said
    assert not (tmp_path / "boxes").exists()  # no record of half a test
    with opened(bench.line.port) as cable:
        assert Console(cable, bench.line.port).hello()["state"] == "locked"


class Slow(Boards):
    """The first board is in the middle of it until somebody says that he stops."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.stopping = threading.Event(), threading.Event()

    def write(self, board: object, whole: bytes, **how: object) -> None:
        self.begun.set()
        assert self.stopping.wait(PATIENCE_S)
        super().write(board, whole, **how)  # type: ignore[arg-type]


def test_a_tray_that_is_interrupted_ends_what_it_began_and_begins_no_other(
    whole: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boards, said = Slow(), []

    def interrupted(*_: object, **__: object) -> None:
        assert boards.begun.wait(PATIENCE_S)
        raise KeyboardInterrupt

    def tell(text: str) -> None:
        said.append(text)
        if "正在停下" in text:
            boards.stopping.set()

    monkeypatch.setattr(tray, "HANDS", 1)
    monkeypatch.setattr(tray, "wait", interrupted)
    outcomes = tray.run(load(whole, boards, records.Records(tmp_path)), PORTS[:3], tell)
    assert [one.ok for one in outcomes] == [True, False, False]
    assert [one.trouble for one in outcomes[1:]] == ["没有开始 / not begun"] * 2
    assert list(boards.written) == [PORTS[0]]
