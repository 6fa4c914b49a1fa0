"""docs/zh/installer.md, typed: the commands of its bench section, read from the page itself and run in their order, by
somebody who knows nothing else. Only what a test must is replaced: the ports' names, the broker's address, and the chip's way
into its loader (a pseudo terminal has no RTS and DTR): `--no-reset` is added, but for the wired board, which has none either.

Real: every command, esptool, the firmware, MicroPython, Mosquitto with TLS, the collector's part of the answer. Simulated:
the chip, the supplied .bin, cable and fingers.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from manyi.box.console import Console, opened

from tests.firmware.conftest import micropython
from tests.firmware.fake_collector import FakeCollector
from tests.firmware.simbox import BOX, K_CHAIN, K_LINK
from tests.firmware.synthetic import micropython_bin
from tests.services.certs import Certs
from tests.services.mosquitto import Mosquitto
from tests.services.processes import free_port
from tests.system.bench_box import BenchBox, MockLoader
from tests.system.bench_fixtures import fingers

if TYPE_CHECKING:
    from tests.system.chip import Chip

pytest_plugins = ["tests.firmware.simfixtures", "tests.system.chip"]
pytestmark = pytest.mark.skipif(micropython() is None, reason="no micropython on this platform")

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "zh" / "installer.md").read_text(encoding="utf-8")
BENCH = PAGE[PAGE.index("## 二、") : PAGE.index("## 三、")]
NAME = "hall-3-window-1"  # the box of the page's examples


def commands() -> list[str]:
    """Lines of the section's plain code blocks."""
    found, inside = [], ""
    for line in map(str.strip, BENCH.splitlines()):
        if line.startswith("```"):
            inside = "" if inside else line + "`"
        elif inside == "````":
            found.append(line)
    return found


def recipe(line: str) -> list[str]:
    """What `make flash ...` runs of its own, from make itself."""
    said = subprocess.run(
        ["make", "-n", *shlex.split(line)[1:]], cwd=ROOT, capture_output=True, text=True, check=True
    )
    joined = said.stdout.replace("\\\n", " ")
    return [x for x in joined.splitlines() if "firmware/image.py" in x or "manyi box flash" in x]


class Bench:
    """Types what the page says, in a folder that has what the centre hands out."""

    def __init__(self, folder: Path, firmware: Path, loader: str = "", cable: str = "") -> None:
        self._folder, self._firmware, self._loader, self._cable = folder, firmware, loader, cable

    def words(self, text: str, resets: bool = True) -> list[str]:
        words = shlex.split(text)
        if words[0].endswith("manyi"):
            words[:1] = [sys.executable, "-m", "manyi"]
        elif words[0].endswith("python"):
            words[:1] = [sys.executable]
        words = [str(ROOT / w) if w.startswith("firmware/") else w for w in words]
        if "image.py" in text:
            words += ["--built", str(self._firmware)]
        if "box flash" in text and resets:
            words.append("--no-reset")
        port = self._loader if "flash" in text else self._cable
        return [port if w in ("/dev/ttyUSB0", "COM3") else w for w in words]

    def typed(self, text: str, answers: str = "") -> str:
        done = subprocess.run(
            self.words(text), input=answers, capture_output=True, text=True, cwd=self._folder, check=False
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
        return done.stdout

    def read_aloud(self, text: str, chips: Sequence[Chip], resets: bool) -> str:
        """Types it for these boards, and does by hand what it asks for, at the board that it names."""
        words = self.words(text, resets) + [word for chip in chips for word in ("-p", chip.port)]
        said = ""
        with subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=self._folder
        ) as typed:
            assert typed.stdout is not None
            for line in typed.stdout:
                said += line
                for chip in chips:
                    if chip.port in line and "断开 IO0，碰一下 EN" in line:
                        chip.touch_en()
        assert typed.returncode == 0, f"{text}\n{said}"
        return said


def supplied(folder: Path) -> None:
    """MicroPython's own file under the name that the page has, and the list that the centre makes of it."""
    name = found[1] if (found := re.search(r"FIRMWARE=(\S+)", BENCH)) else ""
    (folder / name).write_bytes(micropython_bin())
    (folder / "SHA256SUMS").write_text(f"{hashlib.sha256(micropython_bin()).hexdigest()}  {name}\n")


def handed_over(folder: Path, certs: Certs) -> None:
    """boxes.jsonl for two boxes, the authority's root, and the page's own site.toml."""
    line = {"box": NAME, "user": NAME, "password": "x", "k_link": K_LINK.hex(), "k_chain": K_CHAIN.hex()}
    others = {"box": BOX, "user": BOX, "password": "x", "k_link": "ab" * 32, "k_chain": "cd" * 32}
    (folder / "boxes.jsonl").write_text(json.dumps(others) + "\n" + json.dumps(line) + "\n")
    (folder / "ca.der").write_bytes(certs.ca_der.read_bytes())
    toml = re.search(r"```toml\n(.*?)```", BENCH, re.DOTALL)
    assert toml is not None
    (folder / "site.toml").write_text(toml[1], encoding="utf-8")


def test_the_page_has_the_whole_path_in_order() -> None:
    said = [re.split(r" -| \w+=", line)[0] for line in commands()]
    assert said == [
        "make flash", "python firmware/build.py", "python firmware/image.py", "manyi box flash", "manyi box provision",
        "manyi box doctor", "manyi box label", "manyi box label", "manyi box record", "make flash",
    ]  # fmt: skip


def test_what_the_friday_table_adds_to_the_line_reaches_the_tool() -> None:
    assert "**命令后加 `KEEP_JOURNAL=1`**" in PAGE
    assert "--keep-journal" in recipe(commands()[0] + " KEEP_JOURNAL=1")[-1]
    assert "--keep-journal" not in recipe(commands()[0])[-1]


def test_a_technician_follows_the_page_from_make_flash_to_the_green_light(
    bench: BenchBox, make_loader: Callable[..., MockLoader], tmp_path: Path, firmware: Path, certs: Certs,
    make_mosquitto: Callable[..., Mosquitto],
) -> None:  # fmt: skip
    supplied(tmp_path)
    handed_over(tmp_path, certs)
    inside_the_centre = free_port()
    broker = make_mosquitto(tls=certs, extra=f"listener {inside_the_centre} 127.0.0.1")
    site = (tmp_path / "site.toml").read_text(encoding="utf-8")
    there = f'host = "127.0.0.1"\nport = {broker.port}\nname = "localhost"'
    (tmp_path / "site.toml").write_text(site.replace('host = "mq.example.gov.cn"', there), encoding="utf-8")
    centre = FakeCollector(inside_the_centre, NAME, K_LINK, K_CHAIN)
    typed = Bench(tmp_path, firmware, make_loader().port, bench.line.port).typed
    try:
        flash, _, image, flash_on_windows, provision, doctor, label, inside, record, _ = commands()
        for own in recipe(flash):
            said = typed(own)
        assert "1/1 台完成" in said
        typed(image)
        assert "1/1 台完成" in typed(flash_on_windows)
        typed(provision)
        assert json.loads((bench.folder / "box.json").read_text())["tls"]["name"] == "localhost"
        who = bench.folder / "box.json"  # so that the fingers see which lamp is lit
        who.write_text(json.dumps(json.loads(who.read_text()) | {"tell_lamp": True}))
        bench.switch_off_and_on()
        fingers(bench)
        said = typed(doctor, "y\ny\n")
        assert said.count("√") == 9
        assert "合格" in said
        bench.until("the green key", lambda: "only=1" in bench.heard("lamp")[-1])
        typed(label)
        typed(inside)
        typed(record)
        assert "PIN" in (tmp_path / "inside.svg").read_text()
        assert "PIN" not in (tmp_path / "labels.svg").read_text()
        assert "合格 PASSED" in (tmp_path / "record.svg").read_text()
        assert "合格" in typed("manyi box list --handover boxes.jsonl")
        assert centre.wrong == []
        assert centre.presses() == []
    finally:
        centre.close()


@pytest.mark.parametrize("board", ["esp32-devkitc", "wt32-eth01"])
def test_a_tray_of_two_as_the_page_has_it(
    board: str, make_chip: Callable[[], Chip], tmp_path: Path, firmware: Path, certs: Certs
) -> None:
    """Each is given an identity, written, started from its own flash, and proves that it has its key."""
    supplied(tmp_path)
    handed_over(tmp_path, certs)
    line = commands()[-1]
    assert "HANDOVER=boxes.jsonl SITE=site.toml" in line
    bench, chips = Bench(tmp_path, firmware), (make_chip(), make_chip())
    image, flash = recipe(line.replace("BOARD=esp32-devkitc", f"BOARD={board}"))
    bench.typed(image)
    said = bench.read_aloud(flash, chips, resets=board != "wt32-eth01")
    assert "2/2 台完成" in said
    names = []
    for chip in chips:
        assert chip.box is not None
        with opened(chip.port) as cable:
            names.append(Console(cable, chip.port).hello()["box"])
    assert sorted(names) == sorted([NAME, BOX])
    assert sorted(p.name for p in (tmp_path / "boxes").iterdir()) == sorted(f"{n}.given.json" for n in names)
