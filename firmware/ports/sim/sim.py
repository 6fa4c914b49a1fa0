# Starts a simulated box: micropython -X heapsize=56wK build/firmware/sim.py FOLDER
# build.py copies this file as it is; everything else runs compiled.
import asyncio
import os
import sys

import boot_slot

folder = boot_slot.select(sys.argv[1], "")
if folder:
    sys.path.insert(0, folder)

import main  # noqa: E402
from ports.sim import port  # noqa: E402

try:
    os.stat(sys.argv[1] + "/box.json")
except OSError:
    from ports.sim import blank

    blank.live(sys.argv[1])
else:
    asyncio.run(port.live(sys.argv[1], main.run))
