"""In place of sim.py: the same with a miser beside it. Once the collector has answered, what is free of the box's heap lies
in pieces of PIECE bytes, as in a box that has run for a month, and it says `crumbled`."""

import asyncio
import gc
import sys

import boot_slot

boot_slot.select(sys.argv[1], "")

import main  # noqa: E402
from ports.sim import port  # noqa: E402

PIECE = 192  # bytes, on a host whose pointers are twice an ESP32's: MicroPython's own frames are no smaller
FREE = 9000  # bytes in all; more than tasks/chores.py wants to see
LOOK_MS = 50
held = [None] * 1000
answered = False


class Port(port.Port):
    def tell(self, line):
        global answered  # noqa: PLW0603
        answered = answered or line.startswith("ack")
        super().tell(line)


def crumble():
    size, n = PIECE, 0
    while size >= 16:
        gc.collect()
        try:
            while True:
                held[n] = bytearray(size)
                n += 1
        except MemoryError:
            size //= 2
    free = 0
    for i in range(0, n, 2):  # so that between two of them there is always one that stays
        if free < FREE:
            free += PIECE
            held[i] = None
    gc.collect()
    try:
        bytearray(PIECE + 100)  # with what lay beside one of them
    except MemoryError:
        print("crumbled free=%d" % gc.mem_free())


async def run(its):
    asyncio.create_task(wait())  # noqa: RUF006
    await main.run(its)


async def wait():
    while not answered:
        await asyncio.sleep_ms(LOOK_MS)
    crumble()


port.Port = Port
asyncio.run(port.live(sys.argv[1], run))
