"""The whole demo, as `make demo` runs it: it must add up, fail loudly when it does not, and leave nobody behind."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.services.processes import free_port, listens

ROOT = Path(__file__).resolve().parents[2]
LAST = re.compile(r"account: pressed=(\d+) stored=\1 lost=0 shown=\1")
BOUND_S = 240.0  # a loaded machine; alone it takes 15 s


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "manyi", "demo", *words]


def left_behind(folder: Path) -> list[str]:
    """Processes that still have the demo's folder in their command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line and int(entry.parent.name) != os.getpid():
            found.append(line)
    return found


@pytest.fixture(scope="module", autouse=True)
def _firmware() -> None:
    subprocess.run([sys.executable, str(ROOT / "firmware/build.py")], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("words", [(), ("--faults",)], ids=["quiet", "faults"])
def test_a_short_demo_adds_up_and_leaves_nobody_behind(words: tuple[str, ...], tmp_path: Path) -> None:
    keep, port = tmp_path / "kept", free_port()
    arguments = command("--seconds", "10", "--port", str(port), "--keep", str(keep), *words)
    done = subprocess.run(
        arguments, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=BOUND_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = LAST.fullmatch(done.stdout.splitlines()[-1])
    assert said, done.stdout
    assert int(said[1]) > 0
    assert f"http://127.0.0.1:{port}/" in done.stdout
    assert left_behind(keep) == []
    assert not listens(port)
    assert (keep / "data" / "ledger.db").exists()


def children(folder: Path, *words: str) -> list[int]:
    """Process ids of the demo's own children whose command line has all the words."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if any(str(folder) in part for part in line) and all(word in line for word in words):
            found.append(int(entry.parent.name))
    return found


@pytest.mark.slow
def test_an_onlooker_may_kill_the_collector_and_it_still_adds_up(tmp_path: Path) -> None:
    keep = tmp_path / "kept"
    arguments = command("--seconds", "10", "--port", str(free_port()), "--keep", str(keep))
    demo = subprocess.Popen(
        arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert demo.stdout is not None
    said = []
    for line in demo.stdout:
        said.append(line)
        if "Ctrl-C" in line:
            (collector,) = children(keep, "serve")
            os.kill(collector, signal.SIGKILL)
    assert demo.wait(BOUND_S) == 0, "".join(said)
    assert any("被杀死" in line for line in said)
    assert LAST.fullmatch(said[-2].strip()) or LAST.fullmatch(said[-1].strip()), said[-3:]
    assert left_behind(keep) == []


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_demo_that_is_stopped_ends_everything(number: signal.Signals, tmp_path: Path) -> None:
    keep = tmp_path / "kept"
    arguments = command("--port", str(free_port()), "--keep", str(keep), "--lang", "en")
    demo = subprocess.Popen(
        arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert demo.stdout is not None
        for line in demo.stdout:
            if line.startswith("Ctrl-C"):  # from here on it ends by an account; before, it has not begun
                break
        assert left_behind(keep)
        demo.send_signal(number)
        rest = demo.stdout.read()
        code = demo.wait(BOUND_S)
    finally:
        demo.kill()
        demo.wait()
    if number == signal.SIGINT:  # the announced way to end it: it does the account as well
        assert LAST.fullmatch(rest.splitlines()[-1]), rest
        assert code == 0
    assert left_behind(keep) == []


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="only where a process can be tied to its parent")
def test_a_demo_that_is_killed_takes_everybody_with_it(tmp_path: Path) -> None:
    keep = tmp_path / "kept"
    arguments = command("--port", str(free_port()), "--keep", str(keep), "--lang", "en")
    demo = subprocess.Popen(
        arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert demo.stdout is not None
    try:
        assert any(line.startswith("The wall") for line in demo.stdout)
    finally:
        demo.kill()
        demo.wait()
    deadline = time.monotonic() + BOUND_S
    while left_behind(keep) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left_behind(keep) == []


@pytest.mark.slow
def test_a_box_that_cannot_start_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    keep = tmp_path / "kept"
    environment = {**os.environ, "MICROPYTHON": "/bin/false"}
    done = subprocess.run(
        command("--seconds", "5", "--port", str(free_port()), "--keep", str(keep), "--lang", "en"),
        env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=BOUND_S, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "ended by itself" in done.stdout
    assert left_behind(keep) == []


def test_a_port_that_is_taken_is_said_at_once(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        began = time.monotonic()
        done = subprocess.run(
            command("--seconds", "5", "--port", str(port), "--keep", str(tmp_path / "kept"), "--lang", "en"),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=BOUND_S, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert f"Port {port} is taken" in done.stdout
    assert time.monotonic() - began < BOUND_S / 4


def test_a_platform_without_micropython_gets_one_clear_line(tmp_path: Path) -> None:
    environment = {**os.environ, "MICROPYTHON": str(tmp_path / "nowhere")}
    done = subprocess.run(
        command("--seconds", "5", "--keep", str(tmp_path / "kept"), "--lang", "en"),
        env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=BOUND_S, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "MICROPYTHON=file" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
