# The task between the citizen's hand and the light: sample, journal, light. It waits for nothing but the next sample.
# The clerk's badge is asked for here too: a touch lasts a quarter of a second.

import asyncio

from box.keys import PRESS, RELEASE, SAMPLE_MS

BADGE_EVERY = 10  # samples


async def run(core, alive):
    keys, port = core.keys, core.port
    turn = 0
    newest = 0  # the key of the newest press, until it comes up
    while True:
        seen = port.keys()
        ms = port.up_ms()
        for what, level, held_ms in keys.sample(seen & 7, seen >> 3, port.ago, ms):
            if what == PRESS:
                if core.staff and core.staff.press(level, ms):
                    continue
                newest = level
                core.press(level, ms)
            elif what == RELEASE and level == newest:
                newest = 0
                core.released(held_ms)
        turn = (turn + 1) % BADGE_EVERY
        badge = port.badge() if core.staff and not turn else None
        if badge:
            core.staff.badge(badge, ms)
        alive.mark()
        await asyncio.sleep_ms(SAMPLE_MS)
