"""The demo from the first process to the last line. Starts everything, lets it run, stops, and does the account.

Whatever happens, everything it started is ended, by its own process id, before it returns.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manyi.demo import settle, web
from manyi.demo.boxes import Box
from manyi.demo.child import Child
from manyi.demo.console import Console
from manyi.demo.faults import Fault, faults
from manyi.demo.keyboard import keyboard
from manyi.demo.places import halls
from manyi.demo.script import presses
from manyi.demo.stage import Stage, micropython, prepare
from manyi.demo.words import Failed, Lang, Words

START_S = 60.0  # promised; a laptop needs 5
POLL_S = 0.05
RESET = 3  # a box's exit code: start it again (firmware/ports/sim)
CITIZEN_HOLD_MS = 120
INTERRUPTED = 130  # the shell's word for Ctrl-C


@dataclass(frozen=True, slots=True)
class Options:
    seconds: float | None = None
    port: int | None = None
    faults: bool = False
    seed: int = 1
    keep: Path | None = None
    lang: Lang = "zh"


def run(options: Options) -> int:
    """The exit code: 0 only if the account was right (or nobody asked for one)."""
    words, console = Words(options.lang), Console()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="manyi-demo-"))
    code = 1
    try:
        code = asyncio.run(_guarded(options, folder, words, console))
    except Failed as error:
        console.rest()
        console.say(words("failed", why=words(error.key, **error.values)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.rest()
        code = INTERRUPTED
    finally:
        if options.keep:
            console.note(words("kept", path=folder))
        elif code in (0, INTERRUPTED) or not (folder / "logs").exists():
            shutil.rmtree(folder, ignore_errors=True)
        else:
            console.note(words("logs", path=folder / "logs"))
    return code


async def _guarded(options: Options, folder: Path, words: Words, console: Console) -> int:
    """As a task that SIGTERM and SIGHUP cancel, so that every `finally` runs."""
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    show = Show(options, prepare(folder, options.port), words, console)
    try:
        await show.start()
        await show.run()
        outcome = await settle.settle(show)
    finally:
        await show.end()
    console.rest()
    problems = list(outcome.problems)
    if not outcome.right and not problems:
        problems.append(words("unequal", pressed=outcome.pressed, stored=outcome.stored, shown=outcome.shown))
    for problem in problems:
        console.say(words("failed", why=problem))
    console.say(outcome.line)
    return 0 if outcome.right else 1


class Show:
    """What is on stage: the broker, the collector, the boxes, and who is down on purpose just now."""

    def __init__(self, options: Options, stage: Stage, words: Words, console: Console) -> None:
        self.options, self.stage, self.words, self.console = options, stage, words, console
        self.broker = Child("broker", stage.broker_command(), stage.log("broker"))
        self.collector = Child("collector", stage.manyi_command("serve"), stage.log("collector"))
        program = micropython()
        self.boxes = [Box(stage, place, program, self._lit) for place in stage.places]
        self.down: set[str] = set()
        self.kills: Counter[str] = Counter()
        self.mine = 0  # the box that the keyboard presses
        self.answer = ""
        self._mine_waits: Counter[tuple[str, int]] = (
            Counter()
        )  # presses of the keyboard whose light is to come
        self.over = asyncio.Event()

    # --- beginning and end ---

    async def start(self) -> None:
        began = time.monotonic()
        self.console.say(self.words("setting", boxes=len(self.boxes)))
        roster = Child("roster", self.stage.import_command(), self.stage.log("roster"))
        await asyncio.gather(self.broker.start(), roster.start())
        if await roster.wait(START_S) != 0:
            await roster.kill()
            raise Failed("ended", name="manyi roster import", tail=roster.tail())
        await self.collector.start()
        # Boxes after the collector: a batch that nobody hears is sent again only after 10 s.
        await self._until_up("collector", self.collector, self.answers)
        await asyncio.gather(*(box.start() for box in self.boxes))
        for box in self.boxes:
            await self._until_up(box.place.box, box.child, box.is_online)
        self.console.say(self.words("ready", s=time.monotonic() - began))
        # Screens are Chinese until somebody chooses.
        english = "lang/en/" if self.options.lang == "en" else ""
        asked = "?lang=en" if english else ""
        self.console.say(self.words("wall", url=f"{self.stage.url}/{english}"))
        for hall, names in halls(self.stage.places).items():
            self.console.say(
                self.words("hall", url=f"{self.stage.url}/hall/{hall}/{asked}", name=self.words.pick(names))
            )

    async def run(self) -> None:
        """Until the time is up, `q` or Ctrl-C; then everybody that was killed is started again."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self.over.set)
        tasks = [asyncio.create_task(self._visitors(i), name=f"visitors {i}") for i in range(len(self.boxes))]
        tasks += [
            asyncio.create_task(self._live(), name="live"),
            asyncio.create_task(self._watch(), name="watch"),
        ]
        killers: list[asyncio.Task[None]] = []
        if self.options.faults:
            tasks.append(asyncio.create_task(self._faults(killers), name="faults"))
        end: asyncio.Task[Any] = asyncio.create_task(self.over.wait(), name="over")
        try:
            with keyboard(self._typed) as there_is_one:
                self.console.say(self.words("keys" if there_is_one else "no_keys"))
                await asyncio.wait(
                    [end, *tasks], timeout=self.options.seconds, return_when=asyncio.FIRST_COMPLETED
                )
            for task in tasks:
                if task.done():
                    task.result()  # none of them ends by itself but by failing
        finally:
            for task in [end, *tasks]:
                task.cancel()
            await asyncio.gather(end, *tasks, *killers, return_exceptions=True)
            loop.remove_signal_handler(signal.SIGINT)  # from here on Ctrl-C means at once
        self.console.rest()
        if self.options.faults:
            self.console.say(
                self.words("kills", **{k: self.kills[k] for k in ("box", "broker", "collector")})
            )

    async def end(self) -> None:
        """Boxes first: they have nobody to talk to afterwards."""
        await asyncio.gather(*(box.child.kill() for box in self.boxes))
        await self.collector.stop()
        await self.broker.kill()

    # --- what it can be asked ---

    async def answers(self) -> bool:
        return await self.account() is not None

    async def account(self) -> dict[str, Any] | None:
        return await web.get(f"{self.stage.url}/api/account")

    # --- what goes on meanwhile ---

    async def _visitors(self, i: int) -> None:
        began = time.monotonic()
        for press in presses(self.options.seed, i):
            await asyncio.sleep(max(0.0, began + press.at_ms / 1000 - time.monotonic()))
            self.boxes[i].tap(press.level, press.hold_ms)

    async def _faults(self, killers: list[asyncio.Task[None]]) -> None:
        began = time.monotonic()
        for fault in faults(self.options.seed, len(self.boxes)):
            await asyncio.sleep(max(0.0, began + fault.at_ms / 1000 - time.monotonic()))
            killers.append(asyncio.create_task(self._kill(fault), name=f"kill {fault.target}"))

    async def _kill(self, fault: Fault) -> None:
        """SIGKILL, and a new start a moment later; finished even if the demo is being stopped."""
        box = self.boxes[fault.box]
        child, again = {
            "box": (box.child, box.start),
            "collector": (self.collector, self.collector.start),
            "broker": (self.broker, self.broker.start),
        }[fault.target]
        if child.name in self.down:
            return
        self.down.add(child.name)
        self.kills[fault.target] += 1
        await child.kill()
        await asyncio.sleep(fault.down_ms / 1000)
        await again()
        self.down.discard(child.name)

    async def _watch(self) -> None:
        """Nobody ends without having been killed. A box may reset itself, as its hardware would; and whoever
        looks on may kill anything by its process id: it is started again, and the account must still be right."""
        again = {box.child: box.start for box in self.boxes}
        again |= {self.broker: self.broker.start, self.collector: self.collector.start}
        while True:
            for child, start in again.items():
                if child.running or child.name in self.down:
                    continue
                if child.code == -signal.SIGKILL:
                    self.console.say(self.words("killed", name=child.name))
                elif child.code == RESET and child not in (self.broker, self.collector):
                    self.console.say(self.words("reset", name=child.name, tail=child.tail(1)))
                else:
                    raise Failed("ended", name=child.name, tail=child.tail())
                await start()
            await asyncio.sleep(POLL_S)

    async def _live(self) -> None:
        while True:
            account, wall = await asyncio.gather(self.account(), web.get(f"{self.stage.url}/api/wall"))
            self.console.live(settle.live_line(self, account, wall))
            await asyncio.sleep(self.console.every_s)

    def _typed(self, character: str) -> None:
        if character in "123":
            box = self.boxes[self.mine]
            if box.tap(int(character), CITIZEN_HOLD_MS):
                self._mine_waits[box.place.box, int(character)] += 1
        elif character == "\t":
            self.mine, self.answer = (self.mine + 1) % len(self.boxes), ""
        elif character in "qQ\x04":
            self.over.set()

    def _lit(self, box: Box, level: int, ms: str) -> None:
        if (
            self._mine_waits[box.place.box, level] > 0
        ):  # a light for the keyboard, not for a visitor of the script
            self._mine_waits[box.place.box, level] -= 1
            self.answer = self.words("lit", level=self.words.level(level), ms=ms)

    async def _until_up(self, name: str, child: Child, up: Callable[[], Awaitable[bool]]) -> None:
        deadline = time.monotonic() + START_S
        while not await up():
            if not child.running:
                raise Failed("ended", name=name, tail=child.tail())
            if time.monotonic() > deadline:
                raise Failed("slow", name=name, s=START_S, tail=child.tail())
            await asyncio.sleep(POLL_S)
