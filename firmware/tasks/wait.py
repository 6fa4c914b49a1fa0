# Waiting for an event or for time, whichever comes first. The event is cleared: who waits looks at the world again.

import asyncio


async def wait(event, ms):
    try:
        await asyncio.wait_for_ms(event.wait(), ms)
    except asyncio.TimeoutError:
        pass
    event.clear()
