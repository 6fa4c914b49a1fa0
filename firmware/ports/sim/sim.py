# Starts a simulated box: micropython -X heapsize=56wK build/firmware/sim.py FOLDER
# build.py copies this file as it is; everything else runs compiled.
import asyncio
import os
import sys

import main
from ports.sim import port

try:
    os.stat(sys.argv[1] + "/box.json")
except OSError:
    from ports.sim import blank

    blank.live(sys.argv[1])
else:
    asyncio.run(port.live(sys.argv[1], main.run))
