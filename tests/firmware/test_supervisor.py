"""The supervisor, on MicroPython's own asyncio: who makes progress is fed for, who does not resets the box."""

import pytest

from tests.firmware.conftest import FIRMWARE

WORLD = """
import asyncio, sys
from tasks import supervisor
from tasks.bell import Bell

class Port:
    def __init__(self):
        self.leaving, self.fed = Bell(), 0
    def feed(self):
        self.fed += 1
    def reset(self, reason, why):
        print("reset", reason, why, "fed" if self.fed else "never fed")
        sys.exit(3)

async def lively(alive):
    while True:
        alive.mark()
        await asyncio.sleep_ms(1)

async def raises(alive):
    raise OSError("gone")

async def ends(alive):
    pass

async def stands_still(alive):
    await asyncio.sleep(60)

async def box(*tasks):
    supervisor.ROUND_MS = 2
    port = Port()
    watched = [supervisor.Alive(t.__name__) for t in tasks]
    for alive, task in zip(watched, tasks):
        asyncio.create_task(supervisor.guard(port, alive, task(alive)))
    asyncio.create_task(leave(port))
    await supervisor.run(port, watched)
    print("left", "fed" if port.fed else "never fed")

async def leave(port):
    while port.fed < 30:
        await asyncio.sleep_ms(1)
    port.leaving.ring()

asyncio.run(box(%s))
"""


@pytest.mark.parametrize(
    ("tasks", "end"),
    [
        ("lively, lively", "left fed"),
        ("lively, raises", "reset 4 task=raises why=OSError('gone',) never fed"),
        ("lively, ends", "reset 4 task=ends why=ended never fed"),
        ("lively, stands_still", "reset 4 task=stands_still why=silent fed"),
    ],
)
def test_the_box_lives_while_every_task_does(tasks, end, run_micropython):
    done = run_micropython(WORLD % tasks, heap="512wK", path=FIRMWARE)
    assert done.stdout.strip() == end, done.stderr
