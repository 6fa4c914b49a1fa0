"""The demo's boxes: each the real firmware in a MicroPython process of its own, and what is known of it from outside."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from manyi.demo.child import Child
from manyi.demo.places import Place
from manyi.demo.stage import Stage, box_command, firmware
from manyi.demo.tally import Tally, parse

READY_S = 30.0  # a MicroPython starts in 35 ms, twelve at once on a busy machine in seconds
EXIT_S = 5.0  # a box that does not leave when asked to is killed


class Box:
    """`heard` is told (this box, level, ms) of every light."""

    def __init__(
        self, stage: Stage, place: Place, micropython: str, heard: Callable[[Box, int, str], None]
    ) -> None:
        self.place = place
        self.tally = Tally(place.box)
        self.ready = asyncio.Event()
        self._tell = heard
        self.child = Child(
            place.box,
            box_command(micropython, stage.box(place.box)),
            stage.log(place.box),
            {"MICROPYPATH": f"{firmware()}:.frozen"},
            self._said,
        )

    async def start(self) -> None:
        self.ready.clear()
        await self.child.start()

    async def is_online(self) -> bool:
        return self.tally.online

    def tap(self, level: int, hold_ms: int) -> bool:
        """A finger comes down, if there is a living box to press."""
        if not self.child.running:
            return False
        self.tally.taps[level] += 1
        self.child.say(f"tap {level} {hold_ms}")
        return True

    async def own_count(self) -> tuple[int, int, int] | None:
        """What its flash holds, found by a new start: the box's own word, nobody else's. None if it will not start."""
        self.child.say("exit")
        if await self.child.wait(EXIT_S) is None:
            await self.child.kill()
        await self.start()
        try:
            await asyncio.wait_for(self.ready.wait(), READY_S)
        except TimeoutError:
            return None
        return self.tally.n

    def _said(self, line: str) -> None:
        match self.tally.said(line):
            case "ready":
                self.ready.set()
            case "light":
                _, fields = parse(line)
                self._tell(self, int(fields["level"]), fields["ms"].partition(".")[0])
