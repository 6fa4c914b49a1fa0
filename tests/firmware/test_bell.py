"""The bell, on MicroPython's own asyncio: one task waits for it or for time, and no waiting task is left behind."""

import pytest

from tests.firmware.conftest import FIRMWARE

WORLD = """
import asyncio, gc, time
from tasks.bell import Bell

LONG, SHORT = 60_000, 5

async def rings(bell, *after):
    for ms in after:
        await asyncio.sleep_ms(ms)
        bell.ring()

async def waits(bell, ms, said):
    try:
        said.append(await bell.wait(ms))
    except asyncio.CancelledError:
        said.append("cancelled")
        raise

async def rung_before():
    bell = Bell()
    bell.ring()
    bell.ring()
    print(await bell.wait(LONG), await bell.wait(SHORT))

async def rung_meanwhile():
    bell = Bell()
    asyncio.create_task(rings(bell, SHORT))
    print(await bell.wait(LONG), await bell.wait(SHORT))

async def never():
    print(await Bell().wait(SHORT))

async def rung_again_before_the_waiter_has_run():
    bell, said = Bell(), []
    waiter = asyncio.create_task(waits(bell, LONG, said))
    await asyncio.sleep_ms(SHORT)
    bell.ring()
    bell.ring()
    await waiter
    print(said, await bell.wait(SHORT))

async def rung_as_time_runs_out():
    bell, said = Bell(), []
    waiter = asyncio.create_task(waits(bell, SHORT, said))
    await asyncio.sleep_ms(0)
    time.sleep_ms(2 * SHORT)
    bell.ring()
    await waiter
    print(said, await bell.wait(SHORT))

async def cancelled():
    bell, said = Bell(), []
    waiter = asyncio.create_task(waits(bell, LONG, said))
    await asyncio.sleep_ms(SHORT)
    waiter.cancel()
    bell.ring()
    try:
        await waiter
    except asyncio.CancelledError:
        pass
    print(said, await bell.wait(SHORT))

async def costs_nothing():
    bell = Bell()
    asyncio.create_task(rings(bell, *[1] * 200))
    await bell.wait(LONG)
    gc.collect()
    before = gc.mem_alloc()
    for _ in range(150):
        await bell.wait(LONG)
    gc.collect()
    print(gc.mem_alloc() <= before)

asyncio.run(%s())
"""


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("rung_before", "True False"),
        ("rung_meanwhile", "True False"),
        ("never", "False"),
        ("rung_again_before_the_waiter_has_run", "[True] False"),
        ("rung_as_time_runs_out", "[True] False"),
        ("cancelled", "['cancelled'] True"),
        ("costs_nothing", "True"),
    ],
)
def test_a_bell(what, said, run_micropython):
    done = run_micropython(WORLD % what, heap="512wK", path=FIRMWARE)
    assert done.stdout.strip() == said, done.stderr
