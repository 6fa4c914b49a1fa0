"""How much room the disk of the data folder has, and when the collector stops taking in.

The pipeline stops at RESERVE_BYTES, not at zero: what is left lets figures, wall and alarms go on saying what is the
matter. The boxes keep their presses (weeks of them) and send them when there is room again. Refuses to delete anything.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MIB: Final = 1024 * 1024
GIB: Final = 1024 * MIB
RESERVE_BYTES: Final = 64 * MIB  # weeks of alarms and heartbeats, which rewrite what is there
LOW_BYTES: Final = GIB  # about two months of a city's presses with everything made from them
LOW_RATIO: Final = 0.05  # of a disk on which others write too...
LOW_RATIO_BELOW_BYTES: Final = 20 * GIB  # ...unless even so little is years of presses


@dataclass(frozen=True, slots=True)
class Room:
    free: int
    total: int

    @property
    def ratio(self) -> float:
        return self.free / self.total if self.total else 0.0

    @property
    def is_low(self) -> bool:
        return self.free < LOW_BYTES or (self.ratio < LOW_RATIO and self.free < LOW_RATIO_BELOW_BYTES)

    @property
    def is_full(self) -> bool:
        return self.free < RESERVE_BYTES


def room(folder: Path) -> Room:
    """Raises OSError if the folder cannot be asked."""
    found = shutil.disk_usage(folder)
    return Room(found.free, found.total)
