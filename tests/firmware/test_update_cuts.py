"""The power fails at every single flash operation of an update, from the first file that is cleared to the word that it is
kept: the old program runs or the new one, whole, and the update can be begun again.

The box's own update, disk and boot selection on the real MicroPython, on a real littlefs whose every program and erase is
written down; then each of them is cut, done and half done, and the box is started from what is left. That no record is lost
meanwhile, with keys, link and journal around it, is test_sim_update.py's.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.firmware.conftest import FIRMWARE, RunMicropython, micropython
from tests.firmware.simbox import BOX, K_LINK
from tests.firmware.test_sim_update import bundle, tree

pytest_plugins = ["tests.firmware.simfixtures"]
pytestmark = pytest.mark.skipif(micropython() is None, reason="no micropython on this platform")


def test_the_power_fails_at_every_flash_operation_of_an_update(
    run_micropython: RunMicropython, firmware: Path, tmp_path: Path
) -> None:
    some = tree(firmware)
    (tmp_path / "old").write_bytes(bundle({n: b"old" + body for n, body in some.items()}, version="1.0.0"))
    (tmp_path / "new").write_bytes(bundle(some))
    script = SCRIPT % {"k_link": K_LINK, "box": BOX, "folder": str(tmp_path)}
    done = run_micropython(script, heap="8192wK", path=FIRMWARE)
    assert done.returncode == 0, done.stdout + done.stderr
    operations, old, new, again = (int(n) for n in done.stdout.split()[-4:])
    assert operations * 2 == old + new
    assert operations > 300  # it was looked at as littlefs sees it: blocks, not files
    assert old > operations  # nearly all of it is before the slot is marked
    assert new > 4
    assert again > 20


SCRIPT = """
import gc, hashlib, os, vfs
import boot_slot
from box import pieces
from ports.disk import Disk
from tasks import update

K_LINK, BOX, FOLDER = %(k_link)r, %(box)r, %(folder)r
BLOCKS, BLOCK, PIECE = 256, 4096, 256

class Flash:
    # over: a view of cells that may be written to and is thrown away
    def __init__(self, cells, over=False):
        self.cells, self.over, self.log = cells, {} if over else None, []
    def _block(self, n):
        return self.over[n] if self.over and n in self.over else None
    def readblocks(self, n, buf, off=0):
        while off >= BLOCK:
            n, off = n + 1, off - BLOCK
        own = self._block(n)
        buf[:] = own[off : off + len(buf)] if own else self.cells[n * BLOCK + off : n * BLOCK + off + len(buf)]
    def writeblocks(self, n, buf, off=0):
        self._put(n, off, bytes(buf))
    def _put(self, n, off, data):
        if self.over is None:
            self.log.append((n, off, data))
            self.cells[n * BLOCK + off : n * BLOCK + off + len(data)] = data
        else:
            if n not in self.over:
                self.over[n] = bytearray(self.cells[n * BLOCK : (n + 1) * BLOCK])
            self.over[n][off : off + len(data)] = data
    def ioctl(self, op, arg):
        if op == 6:
            self._put(arg, 0, b"\\xff" * BLOCK)
            return 0
        return {4: BLOCKS, 5: BLOCK}.get(op, 0)

class Journal:
    depth = 0

class Port:
    def disk(self):
        return Disk("/f")

class Core:
    journal, port = Journal(), Port()
    def now(self):
        return 0
    def note_now(self):
        return True

def stream(name):
    with open(FOLDER + "/" + name, "rb") as f:
        return f.read()

def take(version, data):
    u, why = update.begin(Core(), K_LINK, BOX, "u1", "%%s %%d" %% (version, len(data)))
    assert not why, why
    for at in range(0, len(data), PIECE):
        u.chunk({"id": "u1", "at": at, "data": data[at : at + PIECE]})
        assert not u.why, u.why
    u.step(0)
    assert u.done

pieces.chunk = lambda o: (o["id"], o["at"], o["data"])  # the pieces themselves are tests/wire's
OLD, NEW = stream("old"), stream("new")

def start():
    boot_slot.name, boot_slot.trial, boot_slot.failed = boot_slot.APP, False, ""
    return boot_slot.select("/f", "/app")

# Does the folder hold exactly what its manifest says, every byte of it?
def whole(folder):
    disk = Disk("/f")
    slot = folder[len("/f/"):]
    with open(folder + "/manifest", "rb") as f:
        lines = f.read().split(b"\\n")
    for line in lines[1:-1]:
        digest, size, name = line.decode().split(" ")
        n, found = disk.sum(slot + "/" + name)
        assert (n, found.hex()) == (int(size), digest), name
    return lines[0].split()[1]

cells = bytearray(b"\\xff" * (BLOCKS * BLOCK))
flash = Flash(cells)
vfs.VfsLfs2.mkfs(flash)
vfs.mount(flash, "/f")
for version in ("0.9.0", "1.0.0"):  # a is in force; b holds what was there before it
    start()
    take("1.0.0", OLD)
    start()
    boot_slot.keep()
if boot_slot.name == "a":
    start()
    take("1.0.0", OLD)
    start()
    boot_slot.keep()
start()
HAD, GETS = "/f/" + boot_slot.name, "/f/" + ("b" if boot_slot.name == "a" else "a")
before, flash.log = bytes(cells), []
take("1.0.1", NEW)
assert start() == GETS and boot_slot.trial
boot_slot.keep()
assert start() == GETS and not boot_slot.trial
vfs.umount("/f")
log = flash.log
cells[:] = before

old = new = again = 0
for k, (n, off, data) in enumerate(log):
    at = n * BLOCK + off
    for size in (len(data) // 2, len(data)):
        cells[at : at + size] = data[:size]
        vfs.mount(Flash(cells, True), "/f")
        runs = start()
        assert runs in (HAD, GETS), (k, size, runs)
        assert whole(runs) == (b"1.0.0" if runs == HAD else b"1.0.1"), (k, size)
        if runs == HAD:
            old += 1
        else:
            new += 1
        if boot_slot.trial:  # and if it does not reach the collector, the next start is the old one's
            assert start() == HAD and whole(HAD) == b"1.0.0", k
        if k %% 20 == 0 and runs == HAD:
            take("1.0.1", NEW)
            assert start() == GETS and whole(GETS) == b"1.0.1", k
            again += 1
        vfs.umount("/f")
    gc.collect()
print(len(log), old, new, again)
"""
