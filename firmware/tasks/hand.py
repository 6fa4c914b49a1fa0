# The task between the citizen's hand and the light: sample, journal, light. It waits for nothing but the next sample.

import asyncio

from box.keys import PRESS, RELEASE, SAMPLE_MS


async def run(core, alive):
    keys, port = core.keys, core.port
    newest = 0  # the key of the newest press, until it comes up
    while True:
        seen = port.keys()
        ms = port.up_ms()
        for what, level, held_ms in keys.sample(seen & 7, seen >> 3, ms):
            if what == PRESS:
                newest = level
                core.press(level, ms)
            elif what == RELEASE and level == newest:
                newest = 0
                core.released(held_ms)
        alive.mark()
        await asyncio.sleep_ms(SAMPLE_MS)
