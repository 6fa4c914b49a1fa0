# Feeds the watchdog only while every task makes progress. A task that ends, raises or stands still resets the box: a
# box that half works looks well and is not.
#
# Refuses: to restart a task. A reset is the one way back that is tried every day, by every power switch.
#
# Progress is counted in rounds, not in time, so that a blocked VM (a handshake, an erase) is not held against a task
# that had no chance to run.

ROUND_MS = 500
PATIENCE = 10  # rounds
LINK_PATIENCE = 80  # a connection may take tasks/link.py's CONNECT_MS to open, and as long again to say hello
DIED = 4  # boot reason


class Alive:
    def __init__(self, name, patience=PATIENCE):
        self.name = name
        self.patience = patience
        self.missed = 0

    def mark(self):
        self.missed = 0


# Runs a task that must never end.
async def guard(port, alive, task):
    why = "ended"
    try:
        await task
    except Exception as e:
        why = repr(e)
    port.reset(DIED, "task=%s why=%s" % (alive.name, why))


# Runs until the box is to leave: a clean stop, a reboot on command.
async def run(port, watched):
    while not await port.leaving.wait(ROUND_MS):
        for alive in watched:
            alive.missed += 1
            if alive.missed > alive.patience:
                port.reset(DIED, "task=%s why=silent" % alive.name)
        port.feed()
