"""A board without an identity, from boot.py on: it waits at its serial line, blinks, takes an identity and starts as it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from box import talk

from tests.firmware.conftest import micropython
from tests.firmware.esp32.boardbox import BoardBox, compile_fakes
from tests.firmware.simbox import BOX
from tests.services.processes import free_port

pytest_plugins = ["tests.firmware.simfixtures"]
pytestmark = pytest.mark.skipif(micropython() is None, reason="no micropython on this platform")


class Bare(BoardBox):
    """As it comes from the flasher: no box.json. `ask` is a technician's line on the console (standard input)."""

    number = 0

    def identify(self) -> None:
        (self.folder / "root" / "box.json").unlink(missing_ok=True)

    def ask(self, *words: object) -> str:
        self.number += 1
        assert self.process.stdin is not None
        self.process.stdin.write(talk.line(" ".join(map(str, (f"@{self.number}", *words)))) + "\n")
        self.process.stdin.flush()
        start = f"@{self.number} "
        self.until(f"an answer to {words[0]}", lambda: bool(self.said(start)))
        return self.said(start)[0]


@pytest.fixture
def board(tmp_path: Path, firmware: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bare]:
    fakes = compile_fakes(tmp_path_factory.mktemp("fakes"))
    made = Bare(tmp_path / "board", firmware, free_port(), fakes, "wt32_eth01", {"tell_lamp": True})
    yield made
    made.kill()


def test_a_bare_board_says_who_it_is_and_blinks(board: Bare) -> None:
    board.start()
    seen = board.ask("hello")
    assert " ok v=1 state=blank board=wt32-eth01 mac=" in seen
    assert " fw=1.0.0 journal=0 " in seen
    lamps = board.pins["LAMPS"]
    board.until(
        "all three glow", lambda: all(any(f"pin={p} " in x for x in board.said("pwm")) for p in lamps)
    )
    board.until("and go dark", lambda: any(x.endswith("duty=0") for x in board.said("pwm")))
    assert "no blank" in board.ask("start")
    assert "no verb" in board.ask("status")
    assert "no name" in board.ask("take", "boot.py", 3, "0" * 64)
    assert "no words" in board.ask("take", "box.json", "many", "0" * 64)


def test_a_bare_board_takes_an_identity_and_starts_as_it(board: Bare) -> None:
    board.start()
    content = json.dumps(
        {k: v for k, v in board.facts.items() if k != "board"} | {"board": "wt32-eth01", "wifi": []}
    )
    raw = content.encode()
    assert " ok " in board.ask("take", "box.json", len(raw), hashlib.sha256(raw).hexdigest())
    for at in range(0, len(raw), 64):
        assert " ok " in board.ask("more", at, raw[at : at + 64].hex())
    assert f"sha256={hashlib.sha256(raw).hexdigest()}" in board.ask("keep")
    assert " ok " in board.ask("start")
    assert board.ended() == 3
    board.identify = lambda: None  # type: ignore[method-assign]  # what is in flash now is its own
    assert board.boot().wait("ready")["box"] == BOX
