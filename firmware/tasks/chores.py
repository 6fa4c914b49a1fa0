# The task that does what can wait, while no key is down: erase ahead, admit losses, note the time, collect garbage. So
# a press meets an erased slot and a heap with room.

import asyncio
import gc

import boot_slot

CHORES_MS = 250  # a full erase-ahead of one block between two presses of a busy counter
FREE = 8192  # bytes of heap a press and its batch find without a collection: twice what they use
TRIAL_MS = 600_000  # a new firmware that has not reached the collector by then never will
UPDATE = 3  # boot reason: a command
QUIET_MS = 300  # after the last key came up: a visitor may press again


async def run(core, alive):
    quiet = core.now()
    while True:
        await asyncio.sleep_ms(CHORES_MS)
        alive.mark()
        now = core.now()
        if core.staff:
            core.staff.look(now)
        if boot_slot.trial:
            try_out(core, now)
        if not core.keys.quiet():
            quiet = now
        elif now - quiet >= QUIET_MS:
            newest = core.journal.newest
            core.journal.tidy(now)
            core.note()
            if core.staff:
                core.staff.save(now)
            if core.journal.newest != newest:
                core.admit()
                core.link.ring()
            if gc.mem_free() < FREE:
                gc.collect()


# A firmware on trial: it stays if the collector answers it; else the next start runs the one before.
def try_out(core, now):
    if core.online:
        boot_slot.keep()
        core.port.tell("update kept slot=%s" % boot_slot.name)
    elif now >= core.port.ident.get("trial_ms", TRIAL_MS):
        core.port.reset(UPDATE, "update did not reach the collector")
