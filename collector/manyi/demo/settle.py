"""The end of a demo: nobody presses any more, every box is acknowledged, and the account is done from both sides."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from manyi.demo.words import Failed

if TYPE_CHECKING:
    from manyi.demo.run import Show

QUIET_S = 1.0  # the longest hold of a key and its light, twice over
ACKED_S = 120.0  # a box waits 10 s for a lost acknowledgement, and longer the second time
EQUAL_S = 20.0  # the projections follow the ledger by well under a second
SAY_EVERY_S = 3.0
POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Outcome:
    """`right` if the boxes' own count, the ledger's and the wall's agree, nothing was lost and no box objects."""

    pressed: int
    stored: int
    lost: int
    shown: int
    problems: tuple[str, ...]

    @property
    def right(self) -> bool:
        return self.pressed == self.stored == self.shown and self.lost == 0 and not self.problems

    @property
    def line(self) -> str:
        return f"account: pressed={self.pressed} stored={self.stored} lost={self.lost} shown={self.shown}"


async def settle(show: Show) -> Outcome:
    """Raises Failed if a box is still not acknowledged after ACKED_S."""
    show.console.say(show.words("settling"))
    await asyncio.sleep(QUIET_S)
    await _acknowledged(show)
    show.console.say(show.words("asking"))
    problems: list[str] = []
    counts = await asyncio.gather(*(box.own_count() for box in show.boxes))
    await _acknowledged(show)  # a record made just before a kill shows only now
    for box, count in zip(show.boxes, counts, strict=True):
        problems += box.tally.judge() if count else [f"{box.place.box}: did not start again"]
    pressed = sum(sum(count) for count in counts if count)
    return await _figures(show, pressed, tuple(problems))


async def _acknowledged(show: Show) -> None:
    began = said = time.monotonic()
    while waiting := [box.place.box for box in show.boxes if box.tally.waiting or not box.tally.online]:
        now = time.monotonic()
        if now - began > ACKED_S:
            raise Failed("stuck", s=ACKED_S, boxes=", ".join(waiting))
        if now - said > SAY_EVERY_S:
            said = now
            show.console.say(show.words("waiting", n=len(waiting), boxes=", ".join(waiting)))
        await asyncio.sleep(POLL_S)


async def _figures(show: Show, pressed: int, problems: tuple[str, ...]) -> Outcome:
    """The wall's figures, once they have caught up or will not."""
    deadline = time.monotonic() + EQUAL_S
    while True:
        found = figures(await show.account())
        outcome = Outcome(
            pressed, found["stored"], found["lost"] + found["unknown"], found["shown"], problems
        )
        if outcome.right or time.monotonic() > deadline or problems:
            return outcome
        await asyncio.sleep(POLL_S)


FIGURES = ("pressed", "stored", "waiting", "lost", "unknown", "shown")


def figures(account: dict[str, Any] | None) -> dict[str, int]:
    """The sums of an account as the wall gives it; -1 for what it does not say, which is never right."""
    return {name: int((account or {}).get(name, -1)) for name in FIGURES}


def live_line(show: Show, account: dict[str, Any] | None, wall: dict[str, Any] | None) -> str:
    if account is None or wall is None:
        return show.words("no_answer")
    boxes = wall["boxes"]
    line = show.words("line", **figures(account), online=boxes["online"], known=boxes["known"])
    if not show.console.terminal:
        return line
    place = show.boxes[show.mine].place
    mine = show.words.pick(place.window_name)
    if not show.answer:
        mine = f"{show.words.pick(place.hall_name)} {mine}"
    # Yours first, and short: the line is cut at the terminal's width, and what falls off its end looks like nothing.
    return f"▶ {mine} {show.answer} │ {line}"
