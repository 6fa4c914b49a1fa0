# Starts a simulated box: micropython -X heapsize=56wK build/firmware/sim.py FOLDER
# build.py copies this file as it is; everything else runs compiled.
import asyncio
import sys

import main
from ports.sim import port

asyncio.run(port.live(sys.argv[1], main.run))
