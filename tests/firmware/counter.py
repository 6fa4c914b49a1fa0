"""A box at its counter, without a link: the real core over a real journal, and a port that remembers. Under CPython alone:
what is decided in firmware/tasks is the same there; test_sim_staff.py has it on MicroPython.

Refuses to hurry: it is as late as `at` says.
"""

from __future__ import annotations

from typing import Any

from box import record
from box.clock import ACK
from box.journal import Journal
from tasks.core import Core
from tasks.staff import Staff

from tests.firmware.flash import NorFlash
from tests.firmware.simbox import BOX, K_CHAIN

MORNING = 1_795_219_200_000  # 2026-11-21 08:00 in Beijing
HOUR = 3_600_000
VISIT = bytes(range(9))


class Port:
    """Remembers what it was told to show and to keep."""

    def __init__(self) -> None:
        self.ms = 0
        self.answer: tuple[int, int, int, int] | None = None  # what somebody says the time is
        self.walls: list[tuple[int, bool]] = []
        self.ident: dict[str, Any] = {}
        self.files: dict[str, bytes] = {}
        self.shown: list[tuple[int, int, int]] = []
        self.lights: list[int] = []
        self.said: list[tuple[int, int]] = []
        self.lines: list[str] = []
        self.signed: list[bool] = []

    def up_ms(self) -> int:
        return self.ms

    def time(self) -> object:
        told, self.answer = self.answer, None
        return told

    def wall(self, unix_ms: int, sure: bool) -> None:
        self.walls.append((unix_ms, sure))

    def chance(self) -> int:
        return 4  # asks for 3, 1, 2

    def lamp(self, light: int, sound: int, only: int) -> None:
        self.shown.append((light, sound, only))

    def lit(self, level: int, seq: int) -> None:
        self.lights.append(level)

    def say(self, what: int, volume: int) -> None:
        self.said.append((what, volume))

    def signed_in(self, yes: bool) -> None:
        self.signed.append(yes)

    def tell(self, line: str) -> None:
        self.lines.append(line)

    def load(self, name: str) -> bytes | None:
        return self.files.get(name)

    def save(self, name: str, data: bytes) -> None:
        self.files[name] = data


class Counter:
    def __init__(self, port: Port | None = None, flash: NorFlash | None = None) -> None:
        self.port, self.flash = port or Port(), flash or NorFlash()
        book = Journal(self.flash, K_CHAIN, BOX, lambda: b"lifelife")
        book.begin(1, (1, 0, 0))
        self.core = Core(self.port, book, (1, 0, 0), 1)
        self.core.staff = self.staff = Staff(self.core)
        self.core.keys.sample(0, 0, [0, 0, 0], 0)

    def at(self, ms: int) -> Counter:
        self.port.ms = ms
        return self

    def knows(self, unix_ms: int) -> Counter:
        """The collector says that it is so late now."""
        self.core.clock.answer(self.port.ms, self.port.ms, unix_ms, ACK)
        return self

    def settings(self, **changed: object) -> None:
        self.core.use(self.core.settings | {"id": "c1"} | changed)

    def badge(self, badge: bytes) -> None:
        self.staff.badge(badge, self.port.ms)

    def press(self, level: int) -> None:
        """As tasks/hand.py does."""
        if not self.staff.press(level, self.port.ms):
            self.core.press(level, self.port.ms)

    def look(self) -> None:
        self.staff.look(self.port.ms)
        self.staff.save(self.port.ms)

    def light(self) -> tuple[int, int, int]:
        self.core.shine()
        return self.port.shown[-1]

    def records(self, kind: int) -> list[tuple[int, int, int, bytes]]:
        """(level, reason, flags, data) of each."""
        slot, found = bytearray(64), []
        for seq in range(self.core.journal.base, self.core.journal.newest + 1):
            assert self.core.journal.read(seq, slot)
            f = record.unpack(slot)
            if f[1] == kind:
                found.append((f[8], f[9], f[11], f[12].rstrip(b"\0")))
        return found

    def held(self) -> list[int]:
        slot, found = bytearray(64), []
        for seq in range(self.core.journal.base, self.core.journal.newest + 1):
            self.core.journal.read(seq, slot)
            found.append(record.unpack(slot)[10])
        return found
