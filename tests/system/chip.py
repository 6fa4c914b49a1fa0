"""A board at a cable, simulated: its ROM's loader until somebody touches EN, and then the firmware that lies in its flash,
started from exactly those bytes. One port for both, as on a bench.

Its cable has no RTS and DTR (a pseudo terminal has none), so it starts when a test does it by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import image as maker
import pytest
from manyi.box.flashing import flash, image

from tests.system.bench_box import BenchBox, MockLoader
from tests.system.serial_line import SerialLine

START = Path(__file__).with_name("sim_image.py")
PARTS = {name: maker.named(maker.ours(), name) for name in ("vfs", "data", "journal")}
ALL = image.Partition(0, PARTS["journal"].at + PARTS["journal"].size)


class Chip:
    def __init__(self, folder: Path, firmware: Path) -> None:
        self._folder, self._firmware = folder, firmware
        self._loader = MockLoader(folder / "loader")
        self._line = SerialLine(folder / "cable")
        self._line.put_to(self._loader.port)
        self.port = self._line.port
        self.box: BenchBox | None = None

    def flash(self) -> bytes:
        """What lies in it."""
        self._line.put_off()
        found = flash.read(flash.Board(self._loader.port, reset=False), "esp32", ALL)
        self._line.put_to(self._loader.port)
        return found

    def touch_en(self) -> BenchBox:
        """It starts from its flash."""
        back, home = self.flash(), self._folder / "box"
        home.mkdir()
        for name, file in (("vfs", self._folder / "vfs.bin"), ("journal", home / "flash.bin")):
            file.write_bytes(back[PARTS[name].at : PARTS[name].at + PARTS[name].size])
        self.box = BenchBox(
            home, self._firmware, [str(START), str(self._folder / "vfs.bin"), str(home), str(self._firmware)]
        )
        self.box.until(
            "its own firmware", lambda: bool(self.box and self.box.heard("firmware /app/main.mpy"))
        )
        self._line.put_to(self.box.line.port)
        return self.box

    def close(self) -> None:
        if self.box is not None:
            self.box.close()
        self._line.close()
        self._loader.close()


@pytest.fixture
def make_chip(tmp_path: Path, firmware: Path) -> Iterator[Callable[[], Chip]]:
    made: list[Chip] = []

    def make() -> Chip:
        made.append(Chip(tmp_path / f"chip-{len(made)}", firmware))
        return made[-1]

    yield make
    for chip in made:
        chip.close()
