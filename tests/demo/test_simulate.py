"""`manyi box simulate` by hand, at a terminal, with nobody at the other end: the light comes, and nothing is pretended."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

import pytest
from manyi.cli import app
from typer.testing import CliRunner

from tests.firmware.conftest import micropython
from tests.services.processes import free_port

ROOT = Path(__file__).resolve().parents[2]
BOUND_S = 120.0  # a loaded machine; alone it takes two seconds


@pytest.fixture
def papers(tmp_path: Path) -> list[str]:
    """The words that name a hand-over file of two boxes and a site without a broker."""
    lines = [
        {"box": f"try-{i}", "user": f"try-{i}", "password": "p", "k_link": f"{i}" * 64, "k_chain": "a" * 64}
        for i in (1, 2)
    ]
    handover, site = tmp_path / "boxes.jsonl", tmp_path / "site.toml"
    handover.write_text("".join(json.dumps(line) + "\n" for line in lines))
    site.write_text(f'[broker]\nhost = "127.0.0.1"\nport = {free_port()}\nplain = true\n')
    return ["--handover", str(handover), "--site", str(site), "--dir", str(tmp_path / "simulated")]


class Terminal:
    """The command at a terminal of its own: what it says, and keys."""

    def __init__(self, words: list[str]) -> None:
        ours, theirs = pty.openpty()
        self.command = subprocess.Popen(
            [sys.executable, "-m", "manyi", "box", "simulate", *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        self._fd, self.said = ours, ""

    def until(self, text: str) -> None:
        deadline = time.monotonic() + BOUND_S
        while text not in self.said:
            left_s = deadline - time.monotonic()
            assert left_s > 0, self.said
            if not select.select([self._fd], [], [], left_s)[0]:
                continue
            try:
                self.said += os.read(self._fd, 4096).decode(errors="replace")
            except OSError:  # it has ended
                assert text in self.said, self.said

    def key(self, character: str) -> None:
        os.write(self._fd, character.encode())

    def ended(self) -> int:
        return self.command.wait(BOUND_S)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.command.terminate()  # it takes its boxes with it
        try:
            self.command.wait(BOUND_S)
        finally:
            self.command.kill()
            self.command.wait()
            os.close(self._fd)


@pytest.mark.slow
@pytest.mark.skipif(micropython() is None, reason="no micropython on this platform")
def test_keys_light_the_box_that_tab_has_chosen_and_the_end_says_what_was_not_stored(
    papers: list[str],
) -> None:
    subprocess.run([sys.executable, str(ROOT / "firmware/build.py")], check=True)
    with Terminal(papers) as screen:
        screen.until("Tab next box")
        screen.until("try-1  服务器拒绝连接")
        screen.key("3")
        screen.until("try-1  按了不满意，灯已亮")
        screen.key("\t")
        screen.until("the keys are those of try-2 now")
        screen.key("1")
        screen.until("try-2  按了满意，灯已亮")
        screen.key("q")
        screen.until("try-2  1 次按键没有入台账")
        assert "try-1  1 次按键没有入台账" in screen.said
        assert screen.ended() == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--tap", "4"], "the keys are 1, 2 and 3"),
        (["--box", "try-9"], "try-9: not in the hand-over file"),
    ],
)
def test_a_key_or_a_box_that_is_not_there_is_said(papers: list[str], words: list[str], said: str) -> None:
    result = CliRunner().invoke(app, ["box", "simulate", *papers, *words])
    assert result.exit_code == 2
    assert said in result.stderr


def test_without_an_interpreter_it_says_so(papers: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROPYTHON", "/nowhere")
    result = CliRunner().invoke(app, ["box", "simulate", *papers])
    assert result.exit_code == 2
    assert "MICROPYTHON=" in result.stderr
