# The task that keeps the lamp's time. A press lights it without waiting for this task; this one switches it off again.

LOOK_MS = 1000  # a state that lasts is looked at this often: a prompt runs out, a fault mends


async def run(core, alive):
    while True:
        ms = core.shine() or LOOK_MS
        alive.mark()
        await core.dark.wait(min(ms, LOOK_MS))
