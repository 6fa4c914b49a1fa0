# Waits for a technician at the serial line, and only then loads the console: it costs 7 KB of an ESP32's heap, which a
# box at a window needs for its link. What has been loaded stays until the next start.
#
# Refuses: to let a cable reset the box. If there is no room, the console ends and the box goes on.

import asyncio
import gc

from ports.dial import readable

GONE_S = 3600  # between two looks at a line that is no more
FIRST = b"@"  # docs/CONSOLE.md: every line has one; noise mostly has not


async def run(port, core, orders):
    source, sink = port.cable
    one = bytearray(1)
    while True:
        await readable(source)
        if not source.readinto(one):
            await asyncio.sleep(GONE_S)  # the line is gone; the box is not
        if one != FIRST:
            continue
        try:
            from tasks import console  # noqa: PLC0415

            await console.run(source, sink, port, core, orders)
        except MemoryError:
            gc.collect()
