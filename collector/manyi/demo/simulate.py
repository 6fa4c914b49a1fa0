"""Boxes that nobody has built yet, at a broker that is really there: the real firmware on the real MicroPython, with the
credentials of `manyi broker add`. For trying an installation before its hardware has come.

What is pressed here is pressed: the ledger keeps it like any press. It refuses to call a press stored before the
collector has acknowledged it, and it changes nothing outside its own folder.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from manyi.box.identity import Given, files
from manyi.box.site import Site
from manyi.box.words import link_trouble
from manyi.core.errors import InputError
from manyi.demo.child import Child
from manyi.demo.keyboard import keyboard
from manyi.demo.stage import box_command, firmware, micropython
from manyi.demo.tally import Tally, parse
from manyi.demo.words import LEVEL, TEXT, Failed
from manyi.words import both

# A box beside its broker is acknowledged within a second; one that is refused asks for this long.
ANSWER_S = 60.0
VISIT_S = 6.0  # from tap to tap at one box, so that each is a visitor of its own ([policy] visit_ms)
EXIT_S = 5.0  # a box that does not leave when asked to is killed
POLL_S = 0.05
HOLD_MS = 120
RESET = 3  # a box's exit code: start it again (firmware/ports/sim)
NOT_STORED = 1

Tell = Callable[[str], None]


class Simulated:
    """One box, in a folder that keeps its flash for the next time."""

    def __init__(self, given: Given, at: Site, home: Path, program: str, tell: Tell) -> None:
        self.box = given.box
        self.tally = Tally(given.box)
        self.waiting: set[int] = set()  # presses that have their light, and no acknowledgement
        self._tell, self._trouble = tell, ""
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, content in files(given, at, "sim", "").items():  # what provisioning writes on a real one
            (home / name).touch(mode=0o600)
            (home / name).write_bytes(content)
        environment = {"MICROPYPATH": f"{firmware()}:.frozen"}
        self.child = Child(given.box, box_command(program, home), home / "log", environment, self._said)

    def tap(self, level: int) -> None:
        self.tally.taps[level] += 1
        self.child.say(f"tap {level} {HOLD_MS}")

    @property
    def stored(self) -> bool:
        """Every tap has had its light, and every light its acknowledgement."""
        return len(self.tally.lights) == self.tally.taps.total() and not self.waiting

    async def leave(self) -> None:
        self.child.say("exit")
        if await self.child.wait(EXIT_S) is None:
            await self.child.kill()

    def say(self, zh: str, en: str) -> None:
        self._tell(f"{self.box}  {both(zh, en)}")

    def _said(self, line: str) -> None:
        _, fields = parse(line)
        match self.tally.said(line):
            case "link" if self.tally.online:
                self._trouble = ""
                self.say("已连上消息服务器", "connected to the broker")
            case "link":
                trouble = str(link_trouble(fields.get("why", "")))
                if trouble != self._trouble:  # it tries again and again; once is enough
                    self._trouble = trouble
                    self._tell(f"{self.box}  {trouble}")
            case "light":
                self.waiting.add(int(fields["seq"]))
                zh, en = LEVEL[int(fields["level"])]
                self.say(f"按了{zh}，灯已亮", f"{en}: its light is on")
            case "ack" if arrived := {seq for seq in self.waiting if seq <= self.tally.acked}:
                self.waiting -= arrived
                self.say(f"{len(arrived)} 次按键已入台账", f"{len(arrived)} in the ledger")
            case "lost" | "refused" | "fault":
                self._tell(f"{self.box}  {line.strip()}")
            case _:
                pass


def run(given: list[Given], at: Site, folder: Path, taps: str, tell: Tell) -> int:
    """The exit code: 0, or NOT_STORED if a tap was not acknowledged. Raises InputError if no box can run here."""
    try:
        program = micropython()
        boxes = [Simulated(one, at, folder.absolute() / one.box, program, tell) for one in given]
    except Failed as error:
        raise InputError(both(*(text.format(**error.values) for text in TEXT[error.key]))) from None
    return asyncio.run(_run(boxes, taps, tell))


async def _run(boxes: list[Simulated], taps: str, tell: Tell) -> int:
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    await asyncio.gather(*(box.child.start() for box in boxes))
    work = _tapped(boxes, taps) if taps else _at_the_keys(boxes, over, tell)
    tasks = [asyncio.create_task(each) for each in (work, _watch(boxes, over))]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(box.leave() for box in boxes))
    late = [box for box in boxes if not box.stored]
    for box in late:
        box.say(
            f"{len(box.waiting)} 次按键没有入台账，留在评价器里：采集服务在运行吗？密钥登记了吗？",
            f"{len(box.waiting)} not in the ledger, kept in the box: does the collector run, with this box's k_link?",
        )
    return NOT_STORED if late else 0


async def _tapped(boxes: list[Simulated], taps: str) -> None:
    """Presses the keys of `taps` at every box, a visitor each, and waits until they are in the ledger."""
    for number, level in enumerate(taps):
        await asyncio.sleep(VISIT_S if number else 0)
        for box in boxes:
            box.tap(int(level))
    with suppress(TimeoutError):
        async with asyncio.timeout(ANSWER_S):
            while not all(box.stored for box in boxes):
                await asyncio.sleep(POLL_S)


async def _at_the_keys(boxes: list[Simulated], over: asyncio.Event, tell: Tell) -> None:
    mine = 0

    def typed(character: str) -> None:
        nonlocal mine
        if character in "123":
            boxes[mine].tap(int(character))
        elif character == "\t":
            mine = (mine + 1) % len(boxes)
            tell(both(f"现在按的是 {boxes[mine].box}", f"the keys are those of {boxes[mine].box} now"))
        elif character in "qQ\x04":
            over.set()

    with keyboard(typed) as there_is_one:
        tell(both(*TEXT["keys" if there_is_one else "no_keys"]))
        await over.wait()


async def _watch(boxes: list[Simulated], over: asyncio.Event) -> None:
    """A box may reset itself, as its hardware would; one that ends otherwise ends the whole."""
    while not over.is_set():
        for box in boxes:
            if box.child.running:
                continue
            if box.child.code != RESET:
                raise InputError(both(f"{box.box} 意外结束", "ended by itself") + f"\n{box.child.tail()}")
            await box.child.start()
        await asyncio.sleep(POLL_S)
