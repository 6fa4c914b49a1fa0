# A board's power-on, as far as a host can: the fake modules are in place, FOLDER/root becomes /, and boot.py is run as
# MicroPython runs it. Only main.run is wrapped, to let the bench's fingers and watchdog live in the same loop.

import asyncio
import sys

import bench
import esp32  # noqa: F401  opens its files before the root moves
import machine  # noqa: F401
import network  # noqa: F401
import vfs

path = bench.folder + "/root"
bench.rtc_path = "/host/rtc"
for name in list(sys.modules):
    if name.split(".")[0] == "ports":
        del sys.modules[name]  # the bench's fingers came from the build; the board has its own files


# A folder as /. The host's own VfsPosix forgets the first path of a rename over the second when its root is a folder
# (extmod/vfs_posix.c: one buffer for both); everything else is its.
class Root:
    def __init__(self, path):
        own = self._own = vfs.VfsPosix(path)
        self.mount, self.umount, self.open, self.stat, self.ilistdir = (
            own.mount,
            own.umount,
            own.open,
            own.stat,
            own.ilistdir,
        )
        self.mkdir, self.remove, self.rmdir, self.chdir, self.getcwd = (
            own.mkdir,
            own.remove,
            own.rmdir,
            own.chdir,
            own.getcwd,
        )

    def rename(self, old, new):
        with self.open(old, "rb") as f:
            whole = f.read()
        with self.open(new, "wb") as f:
            f.write(whole)
        self.remove(old)


vfs.umount("/")
vfs.mount(Root(path), "/")
vfs.mount(vfs.VfsPosix(bench.folder), "/host")
sys.path[:] = ["/app", ".frozen"]

import main  # noqa: E402

run = main.run


async def live(port):
    port.lit = lambda level, seq: bench.say(
        "light level=%d seq=%d ms=%.2f" % (level, seq, bench.fingers.since_ms(level))
    )
    asyncio.create_task(bench.listen())  # noqa: RUF006  the loop keeps it
    asyncio.create_task(bench.watch())  # noqa: RUF006
    await run(port)


main.run = live
sys.path.insert(0, "")
with open("/boot.py") as f:
    exec(f.read())
