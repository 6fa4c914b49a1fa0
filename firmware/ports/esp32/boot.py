# The first file that runs on a board: /boot.py, as source, on the partition `vfs`. Finds the box's own folder, says which
# firmware runs, starts it, and resets the box if that ends.
#
# Two file systems, because stock MicroPython loops for ever in _boot.py if `vfs` does not mount (facts.md):
#   vfs   /       boot.py, app/ (the firmware as delivered), box.json, ca.der. Written at the bench; in the field nothing
#                 writes to it, so no power cut can tear it.
#   data  /data   settings and updates. Torn beyond repair it is made anew: the box goes on with app/ and its defaults.
# The journal has a partition of its own and is never looked at here.
#
# Refuses: to lose a record (it knows of none), to end in a silent box: what goes wrong resets it, and the watchdog runs
# before the first module of the firmware is loaded. A board without box.json has no identity: it waits at the serial line
# for one (tasks/blank.py).

import gc
import os
import sys
import time

import machine
import vfs
from esp32 import Partition

DATA = "/data"
TRIES = 3  # a read may fail once; a file system that fails three times is gone
BOOT_WATCHDOG_MS = 30_000  # loading, and the scan of a full journal; ports/esp32/port.py shortens it
CALM_MS = 5_000  # between two resets of a box that cannot start: a technician can still read why
IDENTITY = "/box.json"


# -> the folder for settings
def mount():
    found = Partition.find(Partition.TYPE_DATA, label="data")
    if not found:
        return ""  # one file system for all: the folder is the root
    for _ in range(TRIES):
        try:
            vfs.mount(found[0], DATA)
            return DATA
        except OSError as e:
            print("data why=%r" % e)
    try:
        vfs.VfsLfs2.mkfs(found[0])
        vfs.mount(found[0], DATA)
        print("data made anew")
    except OSError as e:
        print("data gone why=%r" % e)  # nothing can be read or kept there; the box runs all the same
    return DATA


def go():
    try:
        os.stat(IDENTITY)
    except OSError:
        print("no identity")
        sys.path[:] = ["/app", ".frozen"]
        from ports.esp32 import blank  # noqa: PLC0415

        blank.go()
        return
    machine.WDT(timeout=BOOT_WATCHDOG_MS)
    try:
        folder = mount()
        sys.path[:] = ["/app", ".frozen"]
        import boot_slot  # noqa: PLC0415  as delivered, whatever runs

        sys.path[0] = boot_slot.select(folder, "/app")
        gc.collect()
        try:
            from ports.esp32 import start  # noqa: PLC0415

            start.go(IDENTITY, folder)
        except Exception:
            boot_slot.give_up()  # an update that once ran and cannot any more would be tried for ever
            raise
    except Exception as e:
        sys.print_exception(e)
    time.sleep_ms(CALM_MS)
    machine.reset()


go()
