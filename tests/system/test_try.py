"""docs/TRY.md, typed: its commands, read from the page and run in their order by somebody who knows nothing else.

Only what a test must is replaced: ports that may be taken, and where this machine keeps Mosquitto.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.firmware.conftest import micropython
from tests.services.processes import Server, find, free_port, listens, missing

pytestmark = pytest.mark.skipif(micropython() is None, reason="no micropython on this platform")

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "docs" / "TRY.md", ROOT / "docs" / "zh" / "try.md"]
BOUND_S = 120.0  # for a command that ends by itself; alone, seconds


def blocks(page: Path) -> list[str]:
    return re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def test_both_languages_give_the_same_commands() -> None:
    english, chinese = map(blocks, PAGES)
    assert english == chinese
    assert len(english) == 7


def mosquitto() -> str:
    program = find("mosquitto")
    if program is None:
        missing("Mosquitto", "sudo apt install mosquitto (or: make services)")
    assert program is not None
    return program


@pytest.fixture(scope="module", autouse=True)
def _firmware() -> None:
    subprocess.run([sys.executable, str(ROOT / "firmware/build.py")], check=True)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not pytest's folder: that is root's alone, and the broker's account has to come through."""
    made = Path(tempfile.mkdtemp(prefix="manyi-try-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made, ignore_errors=True)


class Terminal:
    """Where the page is typed: commands that end, commands that stay, and ports of our own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.broker, self.web = folder, free_port(), free_port()
        self.servers: list[Server] = []

    def typed(self, block: str) -> str:
        block = block.replace("manyi broker init ", f"manyi broker init --port {self.broker} ")
        block = block.replace('host = "localhost"\n', f'host = "localhost"\nport = {self.broker}\n')
        return block.replace("login = false\n", f"login = false\nport = {self.web}\n")

    def environment(self) -> dict[str, str]:
        return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

    def run(self, block: str) -> str:
        done = subprocess.run(
            ["sh", "-e", "-c", self.typed(block)], cwd=self.folder, env=self.environment(),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=BOUND_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, block + done.stdout + done.stderr
        return done.stdout

    def stay(self, name: str, block: str, port: int) -> None:
        where = f"cd {self.folder} && PATH={self.environment()['PATH']}"
        command = ["sh", "-c", f"{where} exec {block.strip().replace('/usr/sbin/mosquitto', mosquitto())}"]
        server = Server(name, command, self.folder / f"{name}.log", lambda: listens(port))
        self.servers.append(server)
        server.start()


@pytest.fixture
def terminal(folder: Path) -> Iterator[Terminal]:
    one = Terminal(folder)
    yield one
    for server in reversed(one.servers):
        server.stop()


@pytest.mark.slow
def test_the_page_leads_from_nothing_to_presses_that_are_stored(terminal: Terminal) -> None:
    begin, configure, broker, serve, by_hand, by_itself, check = blocks(PAGES[0])
    terminal.run(begin)
    assert "example-box" in terminal.run(configure)
    terminal.stay("mosquitto", broker, terminal.broker)
    terminal.stay("serve", serve, terminal.web)

    hand = subprocess.Popen(
        ["sh", "-c", f"exec {by_hand.strip()}"], cwd=terminal.folder, env=terminal.environment(),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert hand.stdout is not None
        assert any("connected to the broker" in line for line in hand.stdout)
        hand.send_signal(signal.SIGINT)
        assert hand.wait(BOUND_S) == 0
    finally:
        hand.kill()
        hand.wait()

    said = terminal.run(by_itself)
    assert said.count("its light is on") == 3
    told = terminal.run(check)
    assert re.search(r"example-box +3 +3 ", told), told
    assert "Nothing was changed" in told


@pytest.mark.slow
def test_without_a_collector_the_press_stays_in_the_box_and_comes_later(terminal: Terminal) -> None:
    begin, configure, broker, serve, _, by_itself, check = blocks(PAGES[0])
    terminal.run(begin)
    terminal.run(configure)
    terminal.stay("mosquitto", broker, terminal.broker)
    pressing = subprocess.Popen(
        ["sh", "-c", f"exec {by_itself.strip()}"], cwd=terminal.folder, env=terminal.environment(),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert pressing.stdout is not None
        assert any("its light is on" in line for line in pressing.stdout)
        pressing.send_signal(signal.SIGINT)
        rest = pressing.stdout.read()
        assert pressing.wait(BOUND_S) == 1
    finally:
        pressing.kill()
        pressing.wait()
    assert "1 not in the ledger" in rest
    terminal.stay("serve", serve, terminal.web)
    terminal.run(by_itself)
    assert re.search(r"example-box +4 +4 ", terminal.run(check))
