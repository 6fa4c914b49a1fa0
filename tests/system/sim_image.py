# Runs on MicroPython: starts the simulator from a flash image's own bytes. The file system of the image is mounted at /
# as on a board, and the firmware that runs is the one that lies in it; only the world around it (the simulator's port)
# comes from the host.
#
#   micropython sim_image.py VFS.bin FOLDER WORLD      FOLDER/flash.bin: the journal's bytes; WORLD: build/firmware
import asyncio
import os
import sys

import vfs

BLOCK = 4096
image, folder, world = sys.argv[1], sys.argv[2], sys.argv[3]


class Flash:
    def __init__(self, path):
        self._file = open(path, "r+b")  # noqa: SIM115  for as long as it runs
        self.count = os.stat(path)[6] // BLOCK

    def readblocks(self, n, buf, off=0):
        self._file.seek(n * BLOCK + off)
        self._file.readinto(buf)

    def writeblocks(self, n, buf, off=0):
        self._file.seek(n * BLOCK + off)
        self._file.write(buf)
        self._file.flush()

    def ioctl(self, op, arg):
        if op == 6:
            self.writeblocks(arg, b"\xff" * BLOCK)
        return {4: self.count, 5: BLOCK}.get(op, 0)


disk = Flash(image)
vfs.umount("/")
vfs.mount(disk, "/")  # no type is named: it is recognised, as stock MicroPython does
vfs.mount(vfs.VfsPosix("/"), "/host")
os.chdir("/")
sys.path[:] = ["/app", ".frozen"]
print("files", sorted(os.listdir("/")))

import ports  # noqa: E402

own = ports.__path__
ports.__path__ = "/host" + world + "/ports"
from ports.sim import port  # noqa: E402

ports.__path__ = own
import main  # noqa: E402

print("firmware", main.__file__)
asyncio.run(port.live("/host" + folder, main.run, "/box.json"))
