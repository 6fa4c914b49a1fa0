"""A small real city for system tests: real boxes on MicroPython, a real Mosquitto, `manyi serve`, a real influxd.

Everything in it is a process that a test may kill at any time. The truth that figures are compared with is read
from the boxes' own flash by flashread.py, never from the code under test.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.firmware.simbox import another_hand
from tests.services.influx import Influx
from tests.services.mosquitto import Mosquitto
from tests.services.processes import Server, free_port
from tests.system import flashread

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "build" / "firmware"
ROSTER = ROOT / "collector" / "manyi" / "demo" / "city"
HEAP = "56wK"  # what an ESP32 has, in words of this machine
PATIENCE_S = 60.0  # for anything that must come true by itself: a loaded machine is slow, a broken one stuck
POLL_S = 0.01
TAP_MS = 40

Press = tuple[str, str, int, int]  # box, life, seq, level


def until(what: str, true: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
    """Waits until `true()` is; returns its answer. Raises AssertionError naming `what`."""
    deadline = time.monotonic() + patience_s
    while not (answer := true()):
        assert time.monotonic() < deadline, f"did not come true in {patience_s:.0f} s: {what}"
        time.sleep(POLL_S)
    return answer


class SimBox:
    """One box: the real firmware on the real MicroPython, with keys pressed through its standard input."""

    def __init__(self, folder: Path, name: str, number: int, port: int, **facts: object) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name, self.folder = name, folder
        self.k_link = bytes([number]) * 32
        self.k_chain = bytes([number, 99]) * 16
        self.said: list[tuple[str, dict[str, str]]] = []
        self.lights: set[tuple[str, int, int]] = set()  # life, seq, level of every light seen
        self.process: subprocess.Popen[str] | None = None
        self.facts = {
            "box": name, "k_link": self.k_link.hex(), "k_chain": self.k_chain.hex(), "host": "127.0.0.1",
            "port": port, "user": name, "password": "", "tls": None, "beat_s": 10, "ack_ms": 1000, "backoff_ms": 100,
            "backoff_max_ms": 1000,
        } | facts  # fmt: skip

    @property
    def image(self) -> Path:
        return self.folder / "flash.bin"

    def start(self) -> None:
        (self.folder / "box.json").write_text(json.dumps(self.facts))
        program = os.environ.get("MICROPYTHON") or str(Path(sys.executable).parent / "micropython")
        self.process = subprocess.Popen(
            [program, "-X", f"heapsize={HEAP}", str(FIRMWARE / "sim.py"), str(self.folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=(self.folder / "stderr.log").open("ab"),
            text=True, bufsize=1, start_new_session=True,
        )  # fmt: skip
        ready = self.heard("ready")  # whoever listened to the process before has ended
        self._ear = threading.Thread(target=self._listen, args=(self.process,), daemon=True)
        self._ear.start()
        until(f"{self.name} is ready", lambda: self.heard("ready") > ready)

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        life = ""
        for line in process.stdout:
            word, *rest = line.split()
            fields = dict(f.split("=", 1) for f in rest if "=" in f)
            if word == "ready":
                life = fields["life"]
            elif word == "light":
                self.lights.add((life, int(fields["seq"]), int(fields["level"])))
            self.said.append((word, fields | {"": " ".join(f for f in rest if "=" not in f)}))

    def heard(self, word: str) -> int:
        """How many lines of its output began with this word."""
        return sum(1 for said, _ in self.said if said == word)

    def say(self, line: str) -> None:
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def tap(self, level: int) -> None:
        """A press by another hand than the one before, and its light waited for."""
        tap([self], level)

    def rest(self) -> None:
        """Returns when every key that was asked for has been pressed, and what became of it is in flash."""
        if self.process is None or self.process.poll() is not None:
            return
        answered = self.heard("unknown")
        self.say("block 0")  # the hand looks before anything else is done
        self.say("rested")  # no command: it is answered in its turn
        until(f"{self.name} has pressed all keys", lambda: self.heard("unknown") > answered)

    def kill(self) -> None:
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        self._ear.join()  # what it said last is heard

    def restart(self) -> None:
        self.kill()
        self.start()

    def truth(self) -> set[Press]:
        return {(self.name, life, seq, level) for life, seq, level in flashread.presses(self.image)}


def tap(boxes: list[SimBox], level: int) -> None:
    """A press at each of them, at the same time."""
    seen = {box: len(box.lights) for box in boxes}
    for box in boxes:
        box.say("\n".join([*another_hand(TAP_MS), f"tap {level} {TAP_MS}"]))
    for box in boxes:
        until(f"{box.name} lights for key {level}", lambda box=box: len(box.lights) > seen[box])


class City:
    """Broker, collector, boxes and, if given, a bucket of an influxd. `close()` ends all of it."""

    def __init__(
        self,
        folder: Path,
        broker: Mosquitto,
        boxes: int,
        influx: Influx | None = None,
        flash_kib: int = 0,
        policy: str = "",
        roster: Path = ROSTER,
        **facts: object,
    ) -> None:
        self.folder, self.broker, self.influx, self.policy, self.roster = (
            folder,
            broker,
            influx,
            policy,
            roster,
        )
        self.bucket = influx.bucket() if influx else ""
        self.boxes = [
            SimBox(folder / f"sim-{i:03}", f"sim-{i:03}", i, broker.port, **facts)
            for i in range(1, boxes + 1)
        ]
        if flash_kib:
            for box in self.boxes:
                box.image.write_bytes(b"\xff" * 1024 * flash_kib)
        self.clones: list[SimBox] = []
        self.web = free_port()
        self.config = folder / "manyi.toml"
        self._configure()
        self.collector = self._serve([sys.executable, "-m", "manyi"])

    def _configure(self) -> None:
        (self.folder / "data").mkdir(parents=True, exist_ok=True)
        keys = "".join(f"{b.name} {b.k_link.hex()}\n" for b in self.boxes)
        auditor = "".join(f"{b.name} {b.k_chain.hex()}\n" for b in self.boxes)
        for name, text in (("link.keys", keys), ("auditor.keys", auditor), ("token", "")):
            (self.folder / name).touch(mode=0o600)
            (self.folder / name).write_text(text)
        text = (
            '[city]\nname = "岱州市"\nname_en = "Daizhou"\n[data]\ndir = "data"\n'
            f'[broker]\nhost = "127.0.0.1"\nport = {self.broker.port}\nplain = true\n'
            f'[keys]\nlink_file = "link.keys"\n[web]\nport = {self.web}\nlogin = false\n'
            f"[policy]\n{self.policy}\n"
        )
        if self.influx:
            (self.folder / "token").write_text(self.influx.token)
            text += (
                f'[influx]\nurl = "{self.influx.url}"\norg = "{self.influx.org}"\n'
                f'bucket = "{self.bucket}"\ntoken_file = "token"\n'
            )
        self.config.write_text(text)

    def _serve(self, program: list[str]) -> Server:
        command = [*program, "--config", str(self.config), "serve"]
        return Server("manyi serve", command, self.folder / "serve.log", self._answers)

    def serve_with(self, script: Path, *arguments: str) -> None:
        """From now on the collector is started by a test's own script (which ends in `manyi serve`)."""
        self.collector.kill()
        self.collector = self._serve([sys.executable, str(script), *arguments])

    def manyi(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "manyi", "--config", str(self.config), *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    def start(self) -> None:
        done = self.manyi("roster", "import", str(self.roster))
        assert done.returncode == 0, done.stderr
        self.collector.start()
        for box in self.boxes:
            box.start()

    def clone(self, box: SimBox) -> SimBox:
        """A copy of a box with its keys, its name and its flash as it is now; not started."""
        copy = SimBox(self.folder / f"clone-{len(self.clones)}", box.name, 0, self.broker.port)
        copy.facts = dict(box.facts)
        shutil.copy(box.image, copy.image)
        self.clones.append(copy)
        return copy

    def tap(self, level: int) -> None:
        """A press at each box of it."""
        tap(self.boxes, level)

    def close(self) -> None:
        for box in (*self.boxes, *self.clones):
            box.kill()
        self.collector.kill()

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.web}{path}", timeout=PATIENCE_S) as answer:
            return json.load(answer)

    def _answers(self) -> bool:
        try:
            self.get("/api/account")
        except OSError:
            return False
        return True

    # --- figures, each from its own source ---

    @property
    def ledger_file(self) -> Path:
        return self.folder / "data" / "ledger.db"

    def truth(self) -> set[Press]:
        return set().union(*(box.truth() for box in self.boxes))

    def lit(self) -> set[Press]:
        return {(box.name, *light) for box in self.boxes for light in box.lights}

    def ledger(self, branch: int | None = 0) -> list[Press]:
        """Every press row, duplicates and all."""
        with closing(sqlite3.connect(f"file:{self.ledger_file}?mode=ro", uri=True)) as conn:
            rows = conn.execute(
                "SELECT h.box, h.life, h.branch, r.body FROM row r JOIN head h ON h.id = r.head WHERE r.kind = 'record'"
            ).fetchall()
        return [
            (box, life, int.from_bytes(body[4:8], "little"), body[28])
            for box, life, of, body in rows
            if body[1] == flashread.PRESS and (branch is None or of == branch)
        ]

    def shown(self) -> int:
        return int(self.get("/api/account")["shown"])

    def in_influx(self) -> int:
        assert self.influx is not None
        rows = self.influx.query(self.bucket, "SELECT sum(presses) AS presses FROM rating")
        return int(float(str(rows[0]["presses"]))) if rows else 0

    def settle(self, patience_s: float = PATIENCE_S) -> None:
        """Waits until everything pressed has arrived everywhere, then holds every figure against the truth."""
        for box in self.boxes:
            box.rest()
        truth = self.truth()
        until(f"{len(truth)} presses in the ledger", lambda: truth <= set(self.ledger()), patience_s)
        until(f"{len(truth)} presses on the wall", lambda: self.shown() == len(truth), patience_s)
        if self.influx:
            until(f"{len(truth)} presses in InfluxDB", lambda: self.in_influx() == len(truth), patience_s)
        self.hold()

    def hold(self) -> None:
        truth, ledger = self.truth(), self.ledger()
        assert self.lit() <= truth, f"lit and lost: {sorted(self.lit() - truth)}"
        assert len(ledger) == len(set(ledger)), "stored twice"
        assert set(ledger) == truth, (
            f"missing {sorted(truth - set(ledger))}, invented {sorted(set(ledger) - truth)}"
        )
        done = self.manyi("account", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        verified = self.manyi("verify", "--keys", str(self.folder / "auditor.keys"))
        assert verified.returncode == 0, verified.stdout + verified.stderr
