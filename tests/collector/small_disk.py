"""Run by test_disk_full.py on a tmpfs of 100 MiB: the disk is filled for real, first to the reserve, then to the brim.

Says what it saw, one line each; any other end is a failure.
"""

import sys
from pathlib import Path

import pytest
from manyi.core import disk
from manyi.core.disk import MIB, RESERVE_BYTES

from tests.collector.box_double import BoxDouble
from tests.collector.test_disk_full import Centre, talk


def main(folder: Path) -> None:
    real = disk.room
    with pytest.MonkeyPatch.context() as patch:
        centre = Centre(folder, patch)
        patch.setattr(disk, "room", real)
        centre.pipeline._free_bytes = lambda: real(folder).free
        box = BoxDouble()
        box.press(1, 3)
        assert talk(centre, box)
        assert "disk" in centre.alarms()
        print("takes in and says that the disk is small")

        filler = folder / "somebody-elses.log"
        fill(filler, real(folder).free - RESERVE_BYTES + MIB)
        box.press(2, 3)
        assert not talk(centre, box)
        assert "disk_full" in centre.alarms()
        print("stops at the reserve and says so")

        fill(filler, 10**9)
        assert real(folder).free < 4096
        assert not talk(centre, box)
        centre.alarms()
        print("lives on a disk without one free byte")

        centre.pipeline._free_bytes = lambda: RESERVE_BYTES  # a quota that nobody sees: SQLite finds out
        box.press(3, 3)
        assert not talk(centre, box)
        print("a failed commit acknowledges nothing")

        filler.unlink()
        for _ in range(20):
            talk(centre, box)
        assert centre.stored() == box.presses == 9
        centre.figures._attempts["health"].well()
        assert "disk_full" not in centre.alarms()
        print("goes on by itself with every press")


def fill(path: Path, size: int) -> None:
    """As much of `size` as there is room for."""
    block = bytes(64 * 1024)
    with path.open("ab", buffering=0) as file:
        while size > 0:
            try:
                wrote = file.write(block[: min(size, len(block))])
            except OSError:
                return
            size -= wrote or 0


if __name__ == "__main__":
    main(Path(sys.argv[1]))
